"""Whether profile store and intake belong together: up to where the one is applied must fit where the other stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exporter.queues.port import Position

_WAY_ON = (
    "put back intake and profiles from one and the same `exporter backup`; or, to go on without what is missing, {}: a "
    "new one is made, and what the old one still holds is not applied"
)
_ANOTHER = {"kafka": "name another topic", "nats": "name another stream"}
_MOVED = "move the intake's file away"


def mismatch(marks: Mapping[str, int], positions: Sequence[Position], group: str, kind: str) -> str | None:
    """Why records would be skipped or are missing, with the way on; None where store and intake fit.

    Args:
        marks: up to which position each lane is applied, as the store says; nothing of a lane that is missing.
        positions: those of the intake's groups.
        group: the one that applies.
        kind: of the intake. A stream of NATS goes on in another lane where its servers lost its end, so a lane that
            the store does not know is older than the store only where the store knows none.
    """
    nothing = -1 if kind == "kafka" else 0  # offsets begin at 0
    way_on = _WAY_ON.format(_ANOTHER.get(kind, _MOVED))
    for each in positions:
        if each.group != group:
            continue
        mark = marks.get(each.lane, nothing)
        is_later = kind == "nats" and marks and each.lane not in marks
        if mark < each.settled_to and not is_later:
            return (
                f"profiles: records {mark + 1} to {each.settled_to} of the intake were passed once, and this store "
                f"knows nothing of them: it is older than the intake, or was made anew: {way_on}"
            )
        if each.end is not None and mark > each.end:
            return (
                f"intake: it ends with record {each.end}, and profiles have applied it up to {mark}: it is older than "
                f"the store, or has lost its end, and new records would be taken for applied ones: {way_on}"
            )
    return None

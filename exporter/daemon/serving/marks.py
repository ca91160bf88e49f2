"""Whether profile store and intake belong together: up to where the one is applied must fit where the other stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exporter.queues.port import Position

_WAY_ON = (
    "put back intake and profiles from one and the same `exporter backup`; or, to go on without what is missing, "
    "move the intake's file away: a new one is made, and what the old one still holds is not applied"
)


def mismatch(marks: Mapping[str, int], positions: Sequence[Position], group: str, *, dense: bool) -> str | None:
    """Why records would be skipped or are missing, with the way on; None where store and intake fit.

    Args:
        marks: up to which position each lane is applied, as the store says; a lane that is missing: to 0.
        positions: those of the intake's groups.
        group: the one that applies.
        dense: whether the positions of a lane are counted without gaps, so that its end is known from its lag.
    """
    for each in positions:
        if each.group != group:
            continue
        mark = marks.get(each.lane, 0)
        if mark < each.settled_to:
            return (
                f"profiles: records {mark + 1} to {each.settled_to} of the intake were applied once, and this store "
                f"knows nothing of them: it is older than the intake, or was made anew: {_WAY_ON}"
            )
        end = each.settled_to + each.beyond + (each.lag or 0)
        if dense and each.lag is not None and mark > end:
            return (
                f"intake: it ends with record {end}, and profiles have applied it up to {mark}: it is older than the "
                f"store, and new records would be taken for applied ones: {_WAY_ON}"
            )
    return None

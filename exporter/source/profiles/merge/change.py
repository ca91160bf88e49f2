"""What a write changed in a profile, and two changes of one profile as one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class SegmentChange(msgspec.Struct, frozen=True, gc=False):
    """A segment to which a profile stands otherwise now; ``before`` is None where it had no membership."""

    namespace: str
    id: str
    before: str | None
    after: str


class Change(msgspec.Struct, frozen=True, gc=False):
    """What an event tells: namespaces of identities, paths of attributes, ids of absorbed profiles."""

    segments: Sequence[SegmentChange] = ()
    identities: Sequence[str] = ()
    attributes: Sequence[str] = ()
    joined: Sequence[str] = ()

    @property
    def tells(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.segments or self.identities or self.attributes or self.joined)


def combined(first: Change, second: Change) -> Change:
    """Both as one change. A segment is where the second left it; a way there and back is no change."""
    segments = {(each.namespace, each.id): each for each in first.segments}
    for each in second.segments:
        held = segments.get((each.namespace, each.id))
        before = each.before if held is None else held.before
        segments[each.namespace, each.id] = SegmentChange(each.namespace, each.id, before, each.after)
    return Change(
        [each for each in segments.values() if each.before != each.after],
        _united(first.identities, second.identities),
        _united(first.attributes, second.attributes),
        _united(first.joined, second.joined),
    )


def _united(first: Sequence[str], second: Sequence[str]) -> Sequence[str]:
    return list(dict.fromkeys((*first, *second)))

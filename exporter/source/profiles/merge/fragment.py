"""A fragment: what one dataset has said of one identity, each leaf with the time of its last write."""

from __future__ import annotations

import msgspec

from exporter.source.profiles.merge.leaves import Leaves
from exporter.source.profiles.merge.stamps import Stamp, newest


class Fragment(msgspec.Struct, array_like=True, gc=False):
    """A fragment. Never changed: a write makes another one.

    Attributes:
        dataset: the dataset's id.
        primary: namespace and id of the identity.
        stamp: of every leaf that is not in ``marks``.
        cleared: as of when all that is not said here is known to be absent: the last create or delete.
        leaves: the values, without nulls.
        marks: the stamps of other leaves, and of paths without a value that must not be overwritten by older records.
    """

    dataset: str
    primary: tuple[str, str]
    stamp: Stamp
    cleared: Stamp | None
    leaves: Leaves
    marks: dict[str, Stamp]

    def stamp_of(self, leaf: str) -> Stamp:
        """The time of the last write of a leaf."""
        return self.marks.get(leaf, self.stamp)

    def newest(self) -> Stamp:
        """The time of the last write to anything here."""
        last = self.stamp
        if self.cleared is not None and self.cleared != last:
            last = newest(last, self.cleared)
        for mark in self.marks.values():
            last = newest(last, mark)
        return last

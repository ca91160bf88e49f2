"""Writes what a record said to a fragment.

Each path has at most one stamp: that of the last write to it, be it a value, a removal, or an older value of which a
newer one at a path above or below has taken the place. A write is *heeded* unless something newer stands at its path
or above; then all that is older below its path is gone. So the fragment is the same in whatever order records come.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.leaves import Flattened, Leaves, ancestors, objects_of
from exporter.source.profiles.merge.stamps import Stamp, newer
from exporter.source.records import ArrayUpsert, Operation, UpsertKind


def written(
    fragment: Fragment | None,
    dataset: str,
    primary: tuple[str, str],
    stamp: Stamp,
    operation: Operation,
    said: Flattened,
) -> tuple[Fragment, Collection[str]]:
    """Write what a record ``said`` with ``stamp``.

    Returns:
        The fragment after it, and the paths of the values that were written, whether or not they are others now. The
        fragment is the same object where nothing of the record was heeded.
    """
    is_last = fragment is None or not newer(fragment.newest(), stamp)
    if operation is Operation.MERGE:
        before = fragment or Fragment(dataset, primary, stamp, None, {}, {})
        if is_last and said.plain is not None and _fits(before, said):
            return _updated(before, said.leaves, stamp), said.leaves.keys()
        draft = _Draft(before, stamp)
    elif fragment is None or is_last:
        leaves = {} if operation is Operation.DELETE else _created(said)
        return Fragment(dataset, primary, stamp, stamp, leaves, {}), leaves.keys()
    else:
        draft = _Draft(fragment, stamp)
        draft.clear()
        if operation is Operation.DELETE:
            return draft.done(), ()
        said = Flattened(_created(said), said.objects, None)
    draft.write(said)
    return draft.done(), draft.written


def _created(said: Flattened) -> Leaves:
    if said.plain is not None:
        return said.leaves
    return {
        path: list(value.items) if type(value) is ArrayUpsert else value
        for path, value in said.leaves.items()
        if value is not None
    }


def _fits(before: Fragment, said: Flattened) -> bool:
    """Whether no path of either stands above a path of the other."""
    if not (said.objects.isdisjoint(before.leaves) and said.objects.isdisjoint(before.marks)):
        return False
    new = said.leaves.keys() - before.leaves.keys()
    return not new or (new.isdisjoint(objects_of(before.leaves)) and new.isdisjoint(objects_of(before.marks)))


def _updated(before: Fragment, leaves: Leaves, stamp: Stamp) -> Fragment:
    """What the general way comes to where ``leaves`` are written last, and fit."""
    after = leaves if before.leaves.keys() <= leaves.keys() else {**before.leaves, **leaves}
    base, marks = before.stamp, before.marks
    if 2 * len(leaves) > len(after):
        older = {path: before.stamp_of(path) for path in after.keys() - leaves.keys()}
        return Fragment(before.dataset, before.primary, stamp, before.cleared, after, _besides(marks, leaves) | older)
    marks = {**marks, **dict.fromkeys(leaves, stamp)} if stamp != base else _besides(marks, leaves)
    return Fragment(before.dataset, before.primary, base, before.cleared, after, marks)


def _besides(marks: dict[str, Stamp], leaves: Leaves) -> dict[str, Stamp]:
    return {path: mark for path, mark in marks.items() if path not in leaves} if marks else {}


class _Draft:
    """A fragment that is being written to with one stamp."""

    def __init__(self, fragment: Fragment, stamp: Stamp) -> None:
        self._before = fragment
        self._stamp = stamp
        self._base = fragment.stamp
        self._cleared = fragment.cleared
        self._leaves = dict(fragment.leaves)
        self._marks = dict(fragment.marks)
        self._changed = False
        self.written: dict[str, None] = {}

    def done(self) -> Fragment:
        """The fragment after all writes."""
        if not self._changed:
            return self._before
        before = self._before
        self._rebase()
        return Fragment(before.dataset, before.primary, self._base, self._cleared, self._leaves, self._marks)

    def clear(self) -> None:
        """Remove all that is older."""
        if self._cleared is not None and newer(self._cleared, self._stamp):
            return
        self._changed = True
        self._cleared = self._stamp
        self._leaves = {path: value for path, value in self._leaves.items() if newer(self._at(path), self._stamp)}
        self._marks = {path: mark for path, mark in self._marks.items() if newer(mark, self._stamp)}

    def write(self, said: Flattened) -> None:
        """Write the leaves; a null removes."""
        if self._cleared is not None and newer(self._cleared, self._stamp):
            return
        shaded = not (said.objects.isdisjoint(self._leaves) and said.objects.isdisjoint(self._marks))
        objects: set[str] | None = None
        for path, value in said.leaves.items():
            there = path in self._leaves
            if (there or path in self._marks) and newer(self._at(path), self._stamp):
                continue
            if shaded and not self._gave_way(path):
                continue
            covered = False
            if not there:
                if objects is None:
                    objects = objects_of(self._before.leaves) | objects_of(self._before.marks)
                covered = path in objects and not self._emptied(path)
            self._changed = True
            if value is None or covered:
                self._leaves.pop(path, None)
                self._marks[path] = self._stamp
            else:
                self._leaves[path] = self._array(path, value) if type(value) is ArrayUpsert else value
                self._marks[path] = self._stamp
                self.written[path] = None

    def _at(self, path: str) -> Stamp:
        return self._marks.get(path, self._base)

    def _gave_way(self, path: str) -> bool:
        """Take the value of every path above away; False, and nothing taken, where one is newer."""
        above = [each for each in ancestors(path) if each in self._leaves or each in self._marks]
        if any(newer(self._at(each), self._stamp) for each in above):
            return False
        for each in above:
            if each in self._leaves:
                self._marks[each] = self._at(each)
                del self._leaves[each]
        return True

    def _emptied(self, path: str) -> bool:
        """Take all that is older below ``path`` away; whether nothing newer, be it a removal, stands there."""
        beginning = path + "."
        below = {each for each in (*self._leaves, *self._marks) if each.startswith(beginning)}
        empty = True
        for each in below:
            if not newer(self._at(each), self._stamp):
                self._leaves.pop(each, None)
                self._marks.pop(each, None)
            else:
                empty = False
        return empty

    def _array(self, path: str, upsert: ArrayUpsert) -> list[Any]:
        there = self._leaves.get(path)
        if upsert.kind is UpsertKind.REPLACE or not isinstance(there, list):
            return list(upsert.items)
        if self._at(path) == self._stamp:
            return there  # the same record again
        return [*there, *upsert.items]

    def _rebase(self) -> None:
        """Let the stamp of this write be that of the fragment where most leaves have it."""
        if self._base != self._stamp and 2 * len(self.written) > len(self._leaves):
            marks = {path: self._at(path) for path in self._leaves}
            self._marks = {**marks, **self._marks}
            self._base = self._stamp
        self._marks = {
            path: mark for path, mark in self._marks.items() if mark != self._base or path not in self._leaves
        }

"""The view: one value for each path, out of all fragments of a profile."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.leaves import Leaves, objects_of
from exporter.source.profiles.merge.stamps import Stamp, newer

#: The datasets whose values count, the first wins; None: all datasets, and the last write of a leaf wins.
Precedence: TypeAlias = tuple[str, ...] | None


def view_of(fragments: Sequence[Fragment], precedence: Precedence) -> Leaves:
    """The leaves of the view. The result may be a fragment's own, so it must not be changed.

    Where a value of one fragment stands above values of another, they cannot both be: the newer one counts, or that of
    the dataset that wins.
    """
    if precedence is None:
        return fragments[0].leaves if len(fragments) == 1 else _latest([each for each in fragments if each.leaves])
    said = [each for each in fragments if each.leaves]
    view: Leaves = {}
    for dataset in precedence:
        leaves = _latest([each for each in said if each.dataset == dataset])
        view = {**leaves, **view} if _apart(view, leaves) else _filled(view, leaves)
    return view


def _latest(said: Sequence[Fragment]) -> Leaves:
    if len(said) < 2:
        return said[0].leaves if said else {}
    view: Leaves = {}
    stamps: dict[str, Stamp] = {}
    for fragment in said:
        marks, base = fragment.marks, fragment.stamp
        for path, value in fragment.leaves.items():
            stamp = marks.get(path, base) if marks else base
            held = stamps.get(path)
            if held is None or newer(stamp, held):
                view[path] = value
                stamps[path] = stamp
    objects = objects_of(view)
    for path in [path for path in view if path in objects]:
        _settle(view, stamps, path)
    return view


def _settle(view: Leaves, stamps: dict[str, Stamp], path: str) -> None:
    """Leave either the value at ``path`` or what is newer below."""
    beginning = path + "."
    stamp = stamps[path]
    below = [each for each in view if each.startswith(beginning)]
    older = [each for each in below if not newer(stamps[each], stamp)]
    for each in older:
        del view[each]
    if len(older) < len(below):
        del view[path]


def _apart(view: Leaves, leaves: Leaves) -> bool:
    """Whether no path of either stands above a path of the other."""
    return objects_of(leaves).isdisjoint(view) and objects_of(view).isdisjoint(leaves)


def _filled(view: Leaves, leaves: Leaves) -> Leaves:
    """``view`` with those of ``leaves`` that stand neither above nor below what is in it."""
    filled = dict(view)
    objects = objects_of(view)
    for path, value in leaves.items():
        if path not in filled and path not in objects and objects_of((path,)).isdisjoint(view):
            filled[path] = value
    return filled


def differing(before: Leaves, after: Leaves, written: Collection[str] = ()) -> list[str]:
    """The paths whose value is another one now, or has come or gone, without those that were ``written``."""
    found: list[str] = []
    if before is after:
        return found
    for path, value in after.items():
        old = before.get(path)
        if old is not value and path not in written and (old != value or type(old) is not type(value)):
            found.append(path)
    return found + vanished(before, after, written)


def vanished(before: Leaves, after: Leaves, written: Collection[str] = ()) -> list[str]:
    """The paths that are no longer there, without those that were ``written``."""
    if before.keys() <= after.keys():
        return []
    return [path for path in before if path not in after and path not in written]

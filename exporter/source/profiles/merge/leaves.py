"""An entity as leaves: path to value. Arrays and scalars are leaves; objects are not, and say nothing where empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from exporter.profile.event.soundness import MAX_DEPTH
from exporter.profile.paths import escaped, format_path, parse_path
from exporter.source.records import ArrayUpsert

#: Values by path, as ``format_path`` writes paths. No path stands above another one.
Leaves: TypeAlias = dict[str, Any]


#: So many paths are remembered; keys that data choose may make any number.
_PATHS_KEPT: Final = 20_000


class Flattened:
    """The leaves of an entity, nulls among them, and the paths of the objects that the leaves stand in.

    ``plain`` is the entity itself, where leaves are all that is in it: no null, no empty object, no ``ArrayUpsert``.
    """

    __slots__ = ("leaves", "objects", "plain")

    def __init__(self, leaves: Leaves, objects: set[str], plain: Mapping[str, Any] | None) -> None:
        self.leaves = leaves
        self.objects = objects
        self.plain = plain


class _TooDeep(Exception):
    """Objects stand in objects beyond the limit."""


#: For each key of an object: its path, and the same for the keys below.
_Names: TypeAlias = dict[str, "tuple[str, _Names]"]


class Paths:
    """The paths that entities have had: records of a dataset have the same ones, so each is put together once."""

    def __init__(self) -> None:
        self._root: _Names = {}
        self._known = 0

    def flattened(self, entity: dict[str, Any]) -> Flattened | None:
        """The leaves of ``entity``, in its order; None where it is nested deeper than an event may be."""
        if self._known > _PATHS_KEPT:
            self._root, self._known = {}, 0
        leaves: Leaves = {}
        objects: set[str] = set()
        try:
            plain = self._flatten(entity, self._root, "", leaves, objects, MAX_DEPTH)
        except _TooDeep:
            return None
        return Flattened(leaves, objects, entity if plain else None)

    def _flatten(
        self, node: dict[str, Any], names: _Names, prefix: str, leaves: Leaves, objects: set[str], levels: int
    ) -> bool:
        """Add the leaves in ``node``; whether they are all that is in it."""
        plain = True
        if not levels:
            raise _TooDeep
        for key, value in node.items():
            name = names.get(key)
            if name is None:
                self._known += 1
                name = names[key] = (prefix + escaped(key), {})
            kind = type(value)
            if kind is not dict:
                leaves[name[0]] = value
                if value is None or kind is ArrayUpsert:
                    plain = False
            elif value:
                path, below = name
                objects.add(path)
                if not self._flatten(value, below, path + ".", leaves, objects, levels - 1):
                    plain = False
            else:
                plain = False
        return plain


def nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The entity that has ``leaves``."""
    root: dict[str, Any] = {}
    objects: dict[str, dict[str, Any]] = {}
    latest, node = "", root  # most leaves stand in the object of the leaf before
    for path, value in leaves.items():
        if "\\" in path:
            above, step = _last_step(path)
            _object(root, objects, above)[step] = value
            continue
        head, dot, step = path.rpartition(".")
        if not dot:
            root[step] = value
            continue
        if node is root or head != latest:
            latest, node = head, _object(root, objects, head)
        node[step] = value
    return root


def _object(root: dict[str, Any], objects: dict[str, dict[str, Any]], path: str | None) -> dict[str, Any]:
    """The object at ``path``, made with all above; None stands for ``root``."""
    if path is None:
        return root
    found = objects.get(path)
    if found is None:
        above, step = _last_step(path)
        found = _object(root, objects, above)[step] = objects[path] = {}
    return found


def _last_step(path: str) -> tuple[str | None, str]:
    """The path above, None for the root, and the last step."""
    if "\\" in path:
        steps = parse_path(path)
        return (format_path(steps[:-1]) if len(steps) > 1 else None), steps[-1]
    above, dot, step = path.rpartition(".")
    return (above if dot else None), step


def ancestors(path: str) -> Iterator[str]:
    """The paths above ``path``, the nearest first, without the root."""
    above, _ = _last_step(path)
    while above is not None:
        yield above
        above, _ = _last_step(above)


def objects_of(paths: Iterable[str]) -> set[str]:
    """Every path that stands above one of ``paths``."""
    found: set[str] = set()
    for path in paths:
        for above in ancestors(path):
            if above in found:
                break
            found.add(above)
    return found

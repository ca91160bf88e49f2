"""An entity as leaves: path to value. Arrays and scalars are leaves; objects are not, and say nothing where empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from exporter.profile.event.soundness import MAX_DEPTH
from exporter.profile.paths import escaped, format_path, parse_path
from exporter.source.records import ArrayUpsert

#: Values by path, as ``format_path`` writes paths. No path stands above another one.
Leaves: TypeAlias = dict[str, Any]


class Flattened(NamedTuple):
    """The leaves of an entity, nulls among them, and the paths of the objects that the leaves stand in.

    ``plain`` is the entity itself, where leaves are all that is in it: no null, no empty object, no ``ArrayUpsert``.
    """

    leaves: Leaves
    objects: set[str]
    plain: Mapping[str, Any] | None


def flattened(entity: dict[str, Any]) -> Flattened | None:
    """The leaves of ``entity``, in its order; None where it is nested deeper than an event may be."""
    leaves: Leaves = {}
    objects: set[str] = set()
    try:
        plain = _flatten(entity, "", leaves, objects, MAX_DEPTH)
    except _TooDeep:
        return None
    return Flattened(leaves, objects, entity if plain else None)


class _TooDeep(Exception):
    """Objects stand in objects beyond the limit."""


def _flatten(node: dict[str, Any], prefix: str, leaves: Leaves, objects: set[str], levels: int) -> bool:
    """Add the leaves in ``node``; whether they are all that is in it."""
    plain = True
    if not levels:
        raise _TooDeep
    for key, value in node.items():
        path = prefix + (escaped(key) if "." in key or "\\" in key else key)
        if type(value) is not dict:
            leaves[path] = value
            if value is None or type(value) is ArrayUpsert:
                plain = False
        elif not value:
            plain = False
        else:
            objects.add(path)
            plain &= _flatten(value, path + ".", leaves, objects, levels - 1)
    return plain


def nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The entity that has ``leaves``."""
    root: dict[str, Any] = {}
    objects: dict[str, dict[str, Any]] = {}
    for path, value in leaves.items():
        if "\\" in path:
            above, step = _last_step(path)
            _object(root, objects, above)[step] = value
            continue
        head, dot, step = path.rpartition(".")
        if not dot:
            root[step] = value
        elif (found := objects.get(head)) is not None:
            found[step] = value
        else:
            _object(root, objects, head)[step] = value
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

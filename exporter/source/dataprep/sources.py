"""Reads values at paths of a record; what is not there is null."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exporter.source.dataprep.paths import EVERY, Path

Read = Callable[[Any], Any]


class Spread(list[Any]):
    """What a path with ``[*]`` has found: a value for each element, null where the element has none."""

    __slots__ = ()


def reader(path: Path) -> Read:
    """What reads the value at ``path`` of a record, an object. Never raises."""
    if all(isinstance(step, str) for step in path):
        return _keys([str(step) for step in path])
    first = path[0]
    rest = reader(path[1:]) if len(path) > 1 else None
    if first is EVERY:
        return _every(rest)
    if isinstance(first, str):
        return _key(first, rest)
    return _element(first, rest)


def _keys(steps: list[str]) -> Read:
    first = steps[0]
    if len(steps) == 1:
        return lambda value: value.get(first) if type(value) is dict else None
    following = tuple(steps)

    def read(value: Any) -> Any:
        for step in following:
            if type(value) is not dict:
                return None
            value = value.get(step)
        return value

    return read


def _key(key: str, rest: Read | None) -> Read:
    def read(value: Any) -> Any:
        below = value.get(key) if type(value) is dict else None
        return below if below is None or rest is None else rest(below)

    return read


def _element(place: Any, rest: Read | None) -> Read:
    def read(value: Any) -> Any:
        below = value[place] if type(value) is list and place < len(value) else None
        return below if below is None or rest is None else rest(below)

    return read


def _every(rest: Read | None) -> Read:
    def read(value: Any) -> Any:
        if type(value) is not list:
            return None
        return Spread(value if rest is None else [rest(element) for element in value])

    return read

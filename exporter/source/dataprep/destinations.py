"""Puts values at paths of a result: objects and arrays on the way are made, and a later value wins.

An object that comes where an object stands is put into it, field by field. An array grows as its elements come, in any
order; places that stay empty are left out in the end. ``[*]`` takes one value of an array for each element; a value
that is no array goes to every element that is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exporter.source.dataprep.coercions import Coerce, coercion
from exporter.source.dataprep.paths import EVERY, Path
from exporter.source.dataprep.run import Exhausted, Failed, Run
from exporter.source.dataprep.sources import Spread
from exporter.source.xdm.fields import Field, Kind

#: Puts a value, which has its type, into the result.
Put = Callable[[Run, dict[str, Any], Any], None]

#: A result with more elements than that by their index is not meant.
MOST_ELEMENTS = 10_000

_COPY = coercion(None, True)


class _Gap:
    """A place of an array that is still empty."""

    __slots__ = ()


_GAP = _Gap()


def field_at(root: Field | None, path: Path) -> Field | str | None:
    """The field at ``path``; None where nothing is known of it; text: why the schema has no such place."""
    field = root
    for step in path:
        if field is None or field.kind is Kind.ANY:
            return None
        kind = field.kind
        if isinstance(step, str):
            if kind is Kind.MAP:
                field = field.element
            elif kind is Kind.OBJECT:
                below = field.properties.get(step)
                if below is None:
                    return f"the schema has no {step!r} there"
                field = below
            elif kind is Kind.ARRAY:
                return f"there is an array before {step!r}: [0] or [*] is missing"
            else:
                return f"a {kind.value} has no {step!r}"
        elif kind is Kind.ARRAY:
            field = field.element
        else:
            return f"what is no array ({kind.value}) has no elements"
    return field


def levels(path: Path) -> int:
    """How many steps of ``path`` are ``[*]``."""
    return sum(step is EVERY for step in path)


def coerced(coerce: Coerce, depth: int) -> Coerce:
    """``coerce`` for what stands ``depth`` arrays deep; what a source has spread beyond is one array."""
    if depth == 0:
        return lambda run, value: coerce(run, _flat(value)) if type(value) is Spread else coerce(run, value)
    below = coerced(coerce, depth - 1)

    def each(run: Run, value: Any) -> Any:
        if not isinstance(value, list):
            return below(run, value)
        found: list[Any] = []
        for at, element in enumerate(value):
            run.spend(1)
            try:
                found.append(None if element is None else below(run, element))
            except Exhausted:
                raise
            except Failed as failed:
                run.note(f"[{at}]: {failed}")
                found.append(None)
        return found

    return each


def _flat(spread: Spread) -> list[Any]:
    flat: list[Any] = []
    for element in spread:
        if type(element) is Spread:
            flat += _flat(element)
        elif element is not None:
            flat.append(element)
    return flat


def putter(path: Path, nulls: bool) -> Put:
    """What puts a value at ``path``; ``nulls``: whether nulls of a spread array are put, too."""
    if all(isinstance(step, str) for step in path):
        return _put_at_keys([str(step) for step in path])
    return _put_below(path, nulls)


def _put_at_keys(steps: list[str]) -> Put:
    *above, last = steps

    def put(_run: Run, entity: dict[str, Any], value: Any) -> None:
        node = entity
        for step in above:
            below = node.get(step)
            if type(below) is not dict:
                below = node[step] = {}
            node = below
        if type(value) is dict and last in node:
            _merge(node, last, value)
        else:
            node[last] = value

    return put


def _merge(node: Any, key: Any, value: Any) -> None:
    """Puts ``value`` at ``key``; an object's fields into an object that stands there."""
    there = node[key] if isinstance(node, list) else node.get(key)
    if type(there) is not dict or type(value) is not dict:
        node[key] = value
        return
    for name, part in value.items():
        _merge(there, name, part)


def _put_below(path: Path, nulls: bool) -> Callable[[Run, Any, Any], None]:
    """What puts a value at ``path`` into an object, or into an array where the first step is no key."""
    step, rest = path[0], path[1:]
    made: type[Any] = dict if rest and isinstance(rest[0], str) else list
    below = _put_below(rest, nulls) if rest else None

    def put_at(run: Run, node: Any, key: Any, value: Any) -> None:
        if below is None:
            _merge(node, key, value)
            return
        there = node[key] if isinstance(node, list) else node.get(key)
        if type(there) is not made:
            run.spend(2)
            there = node[key] = made()
        below(run, there, value)

    if isinstance(step, str):
        return lambda run, node, value: put_at(run, node, step, value)
    if isinstance(step, int):
        place = step

        def put_element(run: Run, node: Any, value: Any) -> None:
            _grow(run, node, place + 1)
            put_at(run, node, place, value)

        return put_element

    def put_every(run: Run, node: Any, value: Any) -> None:
        if not isinstance(value, list):
            for at, there in enumerate(node):
                if there is not _GAP:
                    # Each has its own, and each counts.
                    put_at(run, node, at, _COPY(run, value))
            return
        _grow(run, node, len(value))
        for at, part in enumerate(value):
            if part is not None or nulls:
                put_at(run, node, at, part)

    return put_every


def _grow(run: Run, node: list[Any], length: int) -> None:
    missing = length - len(node)
    if missing > 0:
        run.spend(missing)
        node.extend([_GAP] * missing)
        run.gaps.append(node)


def close_gaps(run: Run) -> None:
    """Leaves out the places of arrays to which nothing came."""
    for array in run.gaps:
        if _GAP in array:
            array[:] = [element for element in array if element is not _GAP]

"""The functions on objects that are maps: any keys, values of one kind."""

from __future__ import annotations

from typing import Any

from exporter.source.dataprep.functions.objects import pairs
from exporter.source.dataprep.functions.signatures import Argument, Example, Function, Type
from exporter.source.dataprep.run import Failed, Run
from exporter.source.dataprep.values import to_text

CATEGORY = "Hierarchies - Maps"

_MAP = Argument("map", Type.OBJECT, "the map")
_KEY = Argument("key", Type.ANY, "a key, or an array of keys")


def _keys(key: Any) -> list[str]:
    return [to_text(each) for each in (key if isinstance(key, list) else [key]) if each is not None]


def _get_values(_run: Run, found: dict[str, Any], key: Any) -> dict[str, Any]:
    return {each: found[each] for each in _keys(key) if each in found}


def _has_keys(_run: Run, found: dict[str, Any], key: Any) -> bool:
    return any(each in found for each in _keys(key))


def _add(run: Run, *maps: Any) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for each in maps:
        if each is not None:
            if not isinstance(each, dict):
                raise Failed("every argument is a map")
            sums.update((key, value) for key, value in each.items() if key not in sums)
    return run.bounded(sums)


def _by_key(run: Run, objects: list[Any], key: str) -> dict[str, Any]:
    """The objects by the value that each has at ``key``; the first of several with one value."""
    found: dict[str, Any] = {}
    for each in objects:
        value = each.get(key) if isinstance(each, dict) else None
        if value is not None:
            found.setdefault(to_text(value), each)
    return run.bounded(found)


def _object_to_map(run: Run, *values: Any) -> dict[str, Any] | None:
    first = values[0] if values else None
    if len(values) == 1 and (first is None or isinstance(first, dict)):
        return first
    if len(values) == 2 and isinstance(first, list):
        return _by_key(run, first, to_text(values[1]))
    return pairs(run, *values)


_BOOK = '{"author": "George R. R. Martin", "price": 17.99, "ISBN": "ISBN-978-0553801477"}'
_OTHER = '{"author": "Neil Gaiman", "publisher": "William Morrow"}'
_PLACES = '[{"city": "San Jose", "type": "home"}, {"city": "Paris", "type": "work"}]'
_PLACES_BY_TYPE = '{"home": {"city": "San Jose", "type": "home"}, "work": {"city": "Paris", "type": "work"}}'
_JOHN = '{"firstName": "John", "lastName": "Doe"}'
FUNCTIONS: tuple[Function, ...] = (
    Function(
        "map_get_values",
        CATEGORY,
        "The map of only these keys",
        (_MAP, _KEY),
        Type.OBJECT,
        _get_values,
        (
            Example(f'map_get_values({_BOOK}, "author")', '{"author": "George R. R. Martin"}'),
            Example(f"map_get_values({_BOOK}, ['price', 'x'])", '{"price": 17.99}'),
        ),
    ),
    Function(
        "map_has_keys",
        CATEGORY,
        "Whether the map has one of these keys",
        (_MAP, _KEY),
        Type.BOOLEAN,
        _has_keys,
        (Example(f'map_has_keys({_BOOK}, "author")', "true"),),
    ),
    Function(
        "add_to_map",
        CATEGORY,
        "All maps in one; of several values for a key the first",
        (
            Argument("map", Type.ANY, "a map", nulls=True),
            Argument("others", Type.ANY, "more maps", repeated=True, nulls=True),
        ),
        Type.OBJECT,
        _add,
        (
            Example(
                f"add_to_map({_BOOK}, {_OTHER})",
                '{"author": "George R. R. Martin", "price": 17.99, "ISBN": "ISBN-978-0553801477", '
                '"publisher": "William Morrow"}',
            ),
        ),
    ),
    Function(
        "object_to_map",
        CATEGORY,
        "The map of an object, of keys and values, or of objects by one of their fields",
        (
            Argument(
                "values", Type.ANY, "an object; keys and values; or an array and a field", repeated=True, nulls=True
            ),
        ),
        Type.OBJECT,
        _object_to_map,
        (
            Example('object_to_map("firstName", "John", "lastName", "Doe")', _JOHN),
            Example("object_to_map({'city': 'San Jose'})", '{"city": "San Jose"}'),
            Example(f"object_to_map({_PLACES}, 'type')", _PLACES_BY_TYPE),
        ),
    ),
    Function(
        "array_to_map",
        CATEGORY,
        "The objects of an array by one of their fields",
        (Argument("objects", Type.ARRAY, "the objects"), Argument("key", Type.TEXT, "the field's name")),
        Type.OBJECT,
        _by_key,
        (Example(f"array_to_map({_PLACES}, 'type')", _PLACES_BY_TYPE),),
    ),
    Function(
        "to_map",
        CATEGORY,
        "The map of keys and values",
        (Argument("pairs", Type.ANY, "a key, its value, the next key, ...", repeated=True, nulls=True),),
        Type.OBJECT,
        pairs,
        (Example('to_map("firstName", "John", "lastName", "Doe")', _JOHN),),
    ),
)

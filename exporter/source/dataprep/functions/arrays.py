"""The functions on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exporter.source.dataprep.functions.signatures import Argument, Example, Function, Type
from exporter.source.dataprep.run import Run
from exporter.source.dataprep.values import Appended, Replaced, truth

CATEGORY = "Hierarchies - Arrays"

_ARRAY = Argument("array", Type.ARRAY, "the array")
_VALUES = Argument("values", Type.ANY, "the elements", repeated=True, nulls=True)


def _elements(values: tuple[Any, ...]) -> Any:
    """The elements of the only argument where it is an array, else the arguments."""
    return values[0] if len(values) == 1 and isinstance(values[0], list) else values


def _coalesce(_run: Run, *values: Any) -> Any:
    return next((value for value in _elements(values) if value is not None), None)


def _first(_run: Run, *values: Any) -> Any:
    elements = _elements(values)
    return elements[0] if elements else None


def _last(_run: Run, *values: Any) -> Any:
    elements = _elements(values)
    return elements[-1] if elements else None


def _add(run: Run, array: list[Any] | None, *values: Any) -> list[Any]:
    return run.bounded([*(array or ()), *values])


def _join(run: Run, *arrays: Any) -> list[Any]:
    if sum(len(array) for array in arrays if isinstance(array, list)) > run.max_bytes:
        raise run.too_large()
    joined: list[Any] = []
    for array in arrays:
        joined += array if isinstance(array, list) else [] if array is None else [array]
    return run.bounded(joined)


def _to_array(run: Run, nulls: bool, *values: Any) -> list[Any]:
    return run.bounded([value for value in values if nulls or value is not None])


def _filter(run: Run, array: list[Any], test: Callable[[Run, Any], Any]) -> list[Any]:
    return [element for element in array if truth(test(run, element))]


def _transform(run: Run, array: list[Any], change: Callable[[Run, Any], Any]) -> list[Any]:
    return run.bounded([change(run, element) for element in array])


def _upsert(merged: type[list[Any]]) -> Callable[[Run, list[Any]], list[Any]]:
    return lambda _run, array: merged(array)


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "coalesce",
        CATEGORY,
        "The first that is not null",
        (_VALUES,),
        Type.ANY,
        _coalesce,
        (Example('coalesce(null, null, null, "first", null, "second")', '"first"'),),
    ),
    Function(
        "first",
        CATEGORY,
        "The first element",
        (_VALUES,),
        Type.ANY,
        _first,
        (Example('first("1", "2", "3")', '"1"'), Example("first([4, 5])", "4")),
    ),
    Function(
        "last",
        CATEGORY,
        "The last element",
        (_VALUES,),
        Type.ANY,
        _last,
        (Example('last("1", "2", "3")', '"3"'),),
    ),
    Function(
        "add_to_array",
        CATEGORY,
        "The array with more elements at the end",
        (Argument("array", Type.ARRAY, "the array", nulls=True), _VALUES),
        Type.ARRAY,
        _add,
        (Example("add_to_array(['a', 'b'], 'c', 'd')", '["a", "b", "c", "d"]'),),
    ),
    Function(
        "join_arrays",
        CATEGORY,
        "The elements of all arrays in one",
        (Argument("arrays", Type.ANY, "the arrays", repeated=True, nulls=True),),
        Type.ARRAY,
        _join,
        (Example("join_arrays(['a', 'b'], ['c'], ['d', 'e'])", '["a", "b", "c", "d", "e"]'),),
    ),
    Function(
        "to_array",
        CATEGORY,
        "The array of the arguments",
        (Argument("include_nulls", Type.BOOLEAN, "whether nulls become elements"), _VALUES),
        Type.ARRAY,
        _to_array,
        (Example("to_array(false, 1, null, 2, 3)", "[1, 2, 3]"), Example("to_array(true, 1, null)", "[1, null]")),
    ),
    Function(
        "filterArray",
        CATEGORY,
        "The elements for which the function is true",
        (_ARRAY, Argument("predicate", Type.FUNCTION, "such as x -> x > 0")),
        Type.ARRAY,
        _filter,
        (Example("filterArray([5, -6, 0, 7], x -> x > 0)", "[5, 7]"),),
    ),
    Function(
        "transformArray",
        CATEGORY,
        "What the function makes of each element",
        (_ARRAY, Argument("transformer", Type.FUNCTION, "such as x -> x + 1")),
        Type.ARRAY,
        _transform,
        (Example("transformArray([5, 6, 7], x -> x + 1)", "[6, 7, 8]"),),
    ),
    Function(
        "upsert_array_append",
        CATEGORY,
        "The array; where the record merges, its elements go behind the profile's",
        (_ARRAY,),
        Type.ARRAY,
        _upsert(Appended),
        (Example("upsert_array_append([123, 456])", "[123, 456]"),),
    ),
    Function(
        "upsert_array_replace",
        CATEGORY,
        "The array; where the record merges, it takes the place of the profile's",
        (_ARRAY, Argument("index", Type.INTEGER, "taken for compatibility, without effect", optional=True)),
        Type.ARRAY,
        lambda _run, array, _index=0: Replaced(array),
        (Example("upsert_array_replace([123, 456], 1)", "[123, 456]"),),
    ),
)

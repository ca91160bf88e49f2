"""Coerces values to the types of the target schema, and copies what has no type.

* STRING: text, numbers, booleans and dates as text.
* BOOLEAN: booleans; ``y yes on true`` and ``n no off false``, all in lower or all in upper case.
* INTEGER and NUMBER: numbers, and text that is one; INTEGER takes no fraction.
* DATE and DATE_TIME: text in RFC 3339 as it came, else in the first of the known forms that matches
  (``dates/forms.py``), or a number of milliseconds since 1970.
* OBJECT: the fields that the schema has; MAP: all. ARRAY: each element.

An array or object of a result is never one of the record's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from exporter.source.dataprep.dates.forms import (
    date_time_text,
    is_date,
    is_date_time,
    moment_text,
    of_epoch,
    parse_date,
)
from exporter.source.dataprep.run import Exhausted, Failed, Run
from exporter.source.dataprep.values import kind_name, parse_number, to_integer, to_text
from exporter.source.xdm.fields import Field, Kind

#: Makes a value one of the field's type; raises ``Failed``. A part of a value that can't be had is noted and left out.
Coerce = Callable[[Run, Any], Any]

_TRUE = frozenset({"y", "Y", "yes", "YES", "on", "ON", "true", "TRUE"})
_FALSE = frozenset({"n", "N", "no", "NO", "off", "OFF", "false", "FALSE"})
#: What a JSON reader takes for whole numbers: 64 bits, with or without a sign.
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1
#: About what a scalar that is no text takes.
_SCALAR_BYTES = 8


def coercion(field: Field | None, nulls: bool) -> Coerce:
    """The coercion to ``field``, None for a field of which nothing is known; ``nulls``: whether nulls within stay."""
    kind = field.kind if field is not None else Kind.ANY
    if field is None or kind is Kind.ANY:
        return _copy(nulls)
    if kind is Kind.OBJECT:
        return _object({name: coercion(each, nulls) for name, each in field.properties.items()}, nulls)
    if kind is Kind.MAP:
        return _map(coercion(field.element, nulls), nulls)
    if kind is Kind.ARRAY:
        typed = field.element is not None and field.element.kind is not Kind.ANY
        return _array(coercion(field.element, nulls), nulls or not typed)
    return _SCALARS[kind]


def _refused(value: Any, kind: str) -> Failed:
    return Failed(f"{kind_name(value)} can't become {kind}")


def _string(run: Run, value: Any) -> str:
    if type(value) is not str:
        if isinstance(value, list | dict):
            raise _refused(value, "text")
        value = to_text(value)
    run.left -= len(value)
    if run.left < 0:
        run.spend(0)
    return value  # type: ignore[no-any-return] # to_text gives text


def _boolean(_run: Run, value: Any) -> bool:
    if type(value) is bool:
        return value
    if value in _TRUE if isinstance(value, str) else False:
        return True
    if value in _FALSE if isinstance(value, str) else False:
        return False
    raise _refused(value, "a boolean")


def _number(value: Any) -> int | float:
    kind = type(value)
    found = parse_number(value.strip()) if kind is str else value if kind is int or kind is float else None
    if found is None:
        raise _refused(value, "a number")
    return _finite(found)


def _finite(number: int | float) -> int | float:
    if isinstance(number, float):
        if not math.isfinite(number):
            raise Failed("the number is infinite or none")
    elif not _LEAST <= number <= _MOST:
        raise Failed("the number has more than 64 bits")
    return number


def _integer(_run: Run, value: Any) -> int:
    return int(_finite(to_integer(_number(value))))


def _date_time(_run: Run, value: Any) -> str:
    if type(value) is str:
        if is_date_time(value):
            return value
        moment = parse_date(value)
    elif isinstance(value, datetime):
        return moment_text(value)
    else:
        moment = _of_number(value)
    if moment is None:
        raise _refused(value, "a date and time")
    return date_time_text(moment)


def _date(_run: Run, value: Any) -> str:
    if type(value) is str:
        if is_date(value):
            return value
        if is_date_time(value):
            return value[:10]
        moment = parse_date(value)
    elif isinstance(value, datetime):
        moment = value
    else:
        moment = _of_number(value)
    if moment is None:
        raise _refused(value, "a date")
    return moment.date().isoformat()


def _of_number(value: Any) -> datetime | None:
    if type(value) not in (int, float):
        raise _refused(value, "a date")
    return of_epoch(to_integer(value))


_SCALARS: dict[Kind, Coerce] = {
    Kind.STRING: _string,
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _integer,
    Kind.NUMBER: lambda _run, value: _number(value),
    Kind.DATE: _date,
    Kind.DATE_TIME: _date_time,
}


def _object(fields: dict[str, Coerce], nulls: bool) -> Coerce:
    def coerce(run: Run, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _refused(value, "an object")
        found: dict[str, Any] = {}
        for name, part in value.items():
            field = fields.get(name)
            if field is not None:
                _put(run, found, name, part, field, nulls, name)
        return found

    return coerce


def _map(element: Coerce, nulls: bool) -> Coerce:
    def coerce(run: Run, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _refused(value, "an object")
        found: dict[str, Any] = {}
        for name, part in value.items():
            # A map's key may be somebody's, and errors name nobody.
            _put(run, found, name, part, element, nulls, "a value")
        return found

    return coerce


def _put(run: Run, found: dict[str, Any], name: str, part: Any, coerce: Coerce, nulls: bool, told: str) -> None:
    """Puts what ``part`` becomes at ``name``; notes under the name ``told`` where it becomes nothing."""
    if part is None and not nulls:
        return
    run.spend(len(name) + _SCALAR_BYTES)
    try:
        found[name] = None if part is None else coerce(run, part)
    except Exhausted:
        raise
    except Failed as failed:
        run.note(f"{told}: {failed}")


def _array(element: Coerce, nulls: bool) -> Coerce:
    def coerce(run: Run, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _refused(value, "an array")
        found: list[Any] = []
        for at, part in enumerate(value):
            if part is None and not nulls:
                continue
            run.spend(_SCALAR_BYTES)
            try:
                found.append(None if part is None else element(run, part))
            except Exhausted:
                raise
            except Failed as failed:
                run.note(f"[{at}]: {failed}")
        return found

    return coerce


def _copy(nulls: bool) -> Coerce:
    def copy(run: Run, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            run.spend(len(value))
            return value
        if kind is bool or value is None:
            return value
        if kind is int or kind is float:
            return _finite(value)
        if kind is datetime:
            return moment_text(value)
        if isinstance(value, dict):
            return as_object(run, value)
        if isinstance(value, list):
            return as_array(run, value)
        raise _refused(value, "a value")

    as_object, as_array = _map(copy, nulls), _array(copy, True)
    return copy

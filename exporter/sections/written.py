"""Settings as people write them: durations, sizes and rates with their units, whatever number they were read from."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from exporter.sections.quantities import Duration, Rate, RateAMinute, Size

_UNITS: Final = {"GiB": 1024**3, "GB": 10**9, "MiB": 1024**2, "MB": 10**6, "KiB": 1024, "kB": 1000, "B": 1}
#: In milliseconds.
_TIMES: Final = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1000, "ms": 1}


def as_written(section: BaseModel, dumped: dict[str, Any]) -> dict[str, Any]:
    """``dumped``, the values of ``section`` or some of them, with each duration, size and rate as a text."""
    fields = type(section).model_fields
    return {key: _as_written(fields.get(key), getattr(section, key, None), value) for key, value in dumped.items()}


def _as_written(field: FieldInfo | None, read: Any, dumped: Any) -> Any:
    if isinstance(read, BaseModel) and isinstance(dumped, dict):
        return as_written(read, dumped)
    for quantity, text in _TEXTS:
        if field is not None and any(_is(quantity, each) for each in (field.annotation, *field.metadata)):
            return [text(each) for each in dumped] if isinstance(dumped, list) else _number_as(text, dumped)
    return dumped


def _number_as(text: Callable[[Any], str], value: Any) -> Any:
    """``text`` of a number; what is none, such as nothing at all or a word, stays."""
    return text(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _is(quantity: type, annotation: object) -> bool:
    return isinstance(annotation, quantity) or any(_is(quantity, each) for each in get_args(annotation))


def size(count: int) -> str:
    """A number of bytes, in the largest unit of which the number is a multiple: ``16MiB``, ``2GB``, ``500B``."""
    unit = next((unit for unit, factor in _UNITS.items() if count and count % factor == 0), "B")
    return f"{count // _UNITS[unit]}{unit}"


def duration(seconds: float) -> str:
    """A duration, in the largest unit of which it is a multiple: ``30d``, ``50ms``; ``2.5s`` all the same."""
    milliseconds = round(seconds * 1000)
    if not math.isclose(milliseconds, seconds * 1000) or (milliseconds > 1000 and milliseconds % 1000):
        return f"{seconds:g}s"
    unit = next((unit for unit, of in _TIMES.items() if milliseconds and milliseconds % of == 0), "s")
    return f"{milliseconds // _TIMES[unit]}{unit}"


_TEXTS: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (Duration, duration),
    (Size, size),
    (RateAMinute, "{:g}/min".format),
    (Rate, "{:g}/s".format),
)

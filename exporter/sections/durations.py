"""Durations as people write them: a number of seconds, or ``10s``, ``5m``, ``2h``, ``7d``."""

from __future__ import annotations

import math
import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from exporter.sections.mistakes import mistake

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PATTERN: Final = r"^[0-9]+(\.[0-9]+)? *[smhd]?$"
_WRITTEN: Final = re.compile(_PATTERN, re.ASCII)
#: A hundred years: what is longer is a slip.
MOST_SECONDS: Final = 36_525 * 86_400


def seconds_in(value: object) -> float:
    """The seconds of a duration as written.

    Raises:
        PydanticCustomError: ``value`` is no duration.
    """
    seconds = math.nan
    if isinstance(value, str) and _WRITTEN.match(text := value.strip()):
        unit = text[-1] if text[-1] in _SECONDS else ""
        seconds = float(text.removesuffix(unit)) * _SECONDS.get(unit, 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    if not 0 <= seconds <= MOST_SECONDS:
        raise mistake("not a duration: a number of seconds, or a number with s, m, h or d behind it, such as 10s or 7d")
    return seconds


#: In seconds, whatever unit was written.
Duration = Annotated[
    float,
    BeforeValidator(seconds_in),
    Field(ge=0),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0, "maximum": MOST_SECONDS}, {"type": "string", "pattern": _PATTERN}]}
    ),
]

"""Durations, sizes and rates as people write them: one rule for each, wherever in the configuration it stands.

A field says which it is and how much it may be: ``timeout: Annotated[float, Duration(above=0, most=3600)]``.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from exporter.sections.mistakes import mistake

_NUMBER: Final = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SECONDS: Final = {"ms": 0.001, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
#: A unit of time in any letter case, written out, since JSON Schema knows no flags.
_TIME: Final = "|".join("".join(f"[{letter}{letter.upper()}]" for letter in unit) for unit in _SECONDS)
_PREFIXES: Final = "kmgtpe"
#: A hundred years: what is longer is a slip.
MOST_SECONDS: Final = 36_525 * 86_400.0
_MOST_BYTES: Final = 2.0**63 - 1


@dataclass(frozen=True, slots=True)
class _Quantity(ABC):
    """``least`` and ``most`` are the bounds, ``above`` a lower bound that is itself too little; all in ``unit``."""

    least: float = 0
    most: float = math.inf
    above: float | None = None

    what: ClassVar[str]
    unit: ClassVar[str]
    #: As regular expressions of JSON Schema know it, too.
    pattern: ClassVar[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        number: dict[str, Any] = {"type": "number"}
        number |= {"minimum": self.least} if self.above is None else {"exclusiveMinimum": self.above}
        if self.most < math.inf:
            number["maximum"] = self.most
        return {"anyOf": [number, {"type": "string", "pattern": self.pattern}], "quantity": True}

    def read(self, value: object) -> float:
        """The amount, in ``unit``.

        Raises:
            PydanticCustomError: ``value`` is no such quantity, or too much or too little.
        """
        amount: float | None = None
        if isinstance(value, str):
            match = re.match(self.pattern, value, re.ASCII)
            amount = self.amount(*match.groups()) if match is not None else None
        elif isinstance(value, int | float) and not isinstance(value, bool):
            amount = value
        if amount is None or not math.isfinite(amount):
            raise mistake(f"should be {self.what}")
        amount = self.rounded(amount)
        if self.above is not None and amount <= self.above:
            raise mistake(f"should be more than {self._said(self.above)}")
        if amount < self.least:
            raise mistake(f"should be at least {self._said(self.least)}")
        if amount > self.most:
            raise mistake(f"should be at most {self._said(self.most)}")
        return amount

    def _said(self, bound: float) -> str:
        """A bound with its unit, as ``1 second`` or ``10 a second``."""
        return f"{bound:.16g} {self.unit.removesuffix('s') if bound == 1 else self.unit}"

    @staticmethod
    def rounded(amount: float) -> float:
        """The amount as it is kept."""
        return amount

    @staticmethod
    @abstractmethod
    def amount(*parts: str | None) -> float | None:
        """The amount of a text, from the groups of ``pattern``; None where it has none."""


def _seconds(unit: str | None) -> float:
    """The length of a unit of time; no unit is a second."""
    return _SECONDS[(unit or "s").lower()]


@dataclass(frozen=True, slots=True)
class Duration(_Quantity):
    """A field in seconds: ``10``, ``10s``, ``500ms``, ``1.5m``, ``1.5min``, ``2h``, ``7d``, ``2w``; any letter case."""

    most: float = MOST_SECONDS

    what = "a duration, as 10, 10s or 1.5m"
    unit = "seconds"
    pattern = rf"^\s*({_NUMBER})\s*({_TIME})?\s*$"

    @staticmethod
    def amount(*parts: str | None) -> float | None:
        number, unit = parts
        return float(number or 0) * _seconds(unit)


@dataclass(frozen=True, slots=True)
class Size(_Quantity):
    """A field in whole bytes: ``1048576``, ``16MiB``, ``16Mi``, ``1.5GB``, ``2G``; in any letter case."""

    most: float = _MOST_BYTES

    what = "a size, as 1048576 or 16MiB"
    unit = "bytes"
    pattern = rf"^\s*({_NUMBER})\s*([kKmMgGtTpPeE]?)([iI]?)[bB]?\s*$"

    @staticmethod
    def amount(*parts: str | None) -> float | None:
        number, prefix, binary = parts
        power = _PREFIXES.index(prefix.lower()) + 1 if prefix else 0
        if binary and not power:
            return None
        return float(number or 0) * (1024.0 if binary else 1000.0) ** power

    @staticmethod
    def rounded(amount: float) -> int:
        """Whole bytes."""
        return int(amount)


@dataclass(frozen=True, slots=True)
class Rate(_Quantity):
    """A field in times a second: ``300``, ``300/s``, ``100/10s``, ``5/m``, ``5/min``, ``600/h``; in any letter case."""

    what = "a rate, as 300, 300/s or 100/10s"
    unit = "a second"
    pattern = rf"^\s*({_NUMBER})\s*(?:/\s*({_NUMBER})?\s*({_TIME})\s*)?$"

    @staticmethod
    def amount(*parts: str | None) -> float | None:
        number, count, unit = parts
        seconds = float(count or 1) * _seconds(unit)
        return float(number or 0) / seconds if seconds else None


@dataclass(frozen=True, slots=True)
class RateAMinute(Rate):
    """A field in times a minute, written as a ``Rate``; a number alone is of a minute, too."""

    what = "a rate, as 60, 60/m or 1/s"
    unit = "a minute"

    @staticmethod
    def amount(*parts: str | None) -> float | None:
        number, count, unit = parts
        found = Rate.amount(number, count, unit or "m")
        return None if found is None else found * 60

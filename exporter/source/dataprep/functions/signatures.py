"""What a row of the table of functions says: the name, the arguments with their types, the meaning, examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from exporter.source.dataprep.dates.forms import of_epoch, parse_date
from exporter.source.dataprep.dates.patterns import DatePattern, compile_date_pattern
from exporter.source.dataprep.dates.zones import parse_zone
from exporter.source.dataprep.patterns import Pattern, compile_pattern
from exporter.source.dataprep.run import Failed
from exporter.source.dataprep.values import kind_name, to_integer, to_number, to_text, truth


class Type(Enum):
    """The type of an argument or result. An argument of another type becomes one of this type, or fails."""

    ANY = "any value"
    TEXT = "text"
    INTEGER = "whole number"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    DATE = "date"
    PATTERN = "regular expression"
    DATE_PATTERN = "date pattern"
    ZONE = "time zone"
    FUNCTION = "function of one parameter"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. ``repeated``: any number of them, from 0; ``nulls``: null is a value, and not the result."""

    name: str
    type: Type
    meaning: str
    optional: bool = False
    repeated: bool = False
    nulls: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """An expression and what comes of it, as JSON; None for ``result`` where no two calls give the same."""

    expression: str
    result: str | None


@dataclass(frozen=True, slots=True)
class Function:
    """A row of the table.

    ``call`` takes the run, then the arguments as their types have them; an optional one that is missing is not passed.
    A null for an argument that does not say ``nulls`` makes the result null without a call.
    """

    name: str
    category: str
    meaning: str
    arguments: tuple[Argument, ...]
    returns: Type
    call: Callable[..., Any]
    examples: tuple[Example, ...]
    aliases: tuple[str, ...] = ()

    @property
    def least(self) -> int:
        """The smallest number of arguments."""
        return sum(not (argument.optional or argument.repeated) for argument in self.arguments)

    @property
    def most(self) -> int | None:
        """The largest number of arguments; None where there is no bound."""
        return None if any(argument.repeated for argument in self.arguments) else len(self.arguments)

    def argument(self, position: int) -> Argument:
        """The argument at ``position``, counted from 0."""
        return self.arguments[min(position, len(self.arguments) - 1)]

    @property
    def syntax(self) -> str:
        parts = [
            f"[{each.name}]" if each.optional else f"{each.name}, ..." if each.repeated else each.name
            for each in self.arguments
        ]
        return f"{self.name}({', '.join(parts)})"


def _array(value: Any) -> Any:
    if not isinstance(value, list):
        raise Failed(f"{kind_name(value)} is no array")
    return value


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise Failed(f"{kind_name(value)} is no object")
    return value


def _date(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        moment = parse_date(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        moment = of_epoch(to_integer(value))
    else:
        raise Failed(f"{kind_name(value)} is no date")
    if moment is None:
        raise Failed("the value is no date that is known without a pattern")
    return moment


def _pattern(value: Any) -> Pattern:
    return compile_pattern(to_text(value))


def _date_pattern(value: Any) -> DatePattern:
    pattern = compile_date_pattern(to_text(value))
    if isinstance(pattern, str):
        raise Failed(pattern)
    return pattern


def _zone(value: Any) -> Any:
    zone = parse_zone(to_text(value))
    if zone is None:
        raise Failed("there is no such time zone")
    return zone


#: How a value becomes one of the type; raises ``Failed`` where the value cannot.
CONVERSIONS: dict[Type, Callable[[Any], Any]] = {
    Type.TEXT: to_text,
    Type.INTEGER: to_integer,
    Type.NUMBER: to_number,
    Type.BOOLEAN: truth,
    Type.ARRAY: _array,
    Type.OBJECT: _object,
    Type.DATE: _date,
    Type.PATTERN: _pattern,
    Type.DATE_PATTERN: _date_pattern,
    Type.ZONE: _zone,
}

"""Every call in the sources that writes a line of the log, found by reading them: its event, its level, its fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import exporter

LEVELS: Final = ("debug", "info", "warning", "error")
#: What is named in its place where a call passes fields on that are known only as it runs.
MORE: Final = "…"


class NoLiteral(Exception):
    """A line whose event is not written down where it is logged; the text says where."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of a line: at which levels it is logged, and with which fields, in the order of the sources."""

    levels: tuple[str, ...]
    fields: tuple[str, ...]


def lines(package: Path = Path(exporter.__file__).parent) -> Mapping[str, Line]:
    """Every line of the log by its event.

    Raises:
        NoLiteral: an event is put together as the program runs, so that nobody can list it.
    """
    found: dict[str, Line] = {}
    for file in sorted(package.rglob("*.py")):
        for event, level, fields in _calls(file):
            known = found.get(event, Line((), ()))
            found[event] = Line(_with(known.levels, level), _with(known.fields, *fields))
    return found


def _with(known: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def _calls(file: Path) -> Iterator[tuple[str, str, list[str]]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=logger, attr=level), args=[event, *_]) if level in LEVELS:
                if not ast.unparse(logger).endswith("log"):
                    continue
                if not (isinstance(event, ast.Constant) and isinstance(event.value, str)):
                    raise NoLiteral(f"{file}:{node.lineno}: the event of a line is a literal")
                yield event.value, level, [each.arg or MORE for each in node.keywords]

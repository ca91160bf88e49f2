"""What the language can do, told: ``languages/el/functions``, ``languages/el/operators``, and the page for people."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from exporter.source.dataprep.dates.forms import FORMS
from exporter.source.dataprep.expressions.calls import counted
from exporter.source.dataprep.expressions.methods import METHODS
from exporter.source.dataprep.expressions.operators import OPERATORS
from exporter.source.dataprep.functions.signatures import Argument, Function, Type
from exporter.source.dataprep.functions.table import TABLE

#: The classes of Java that the reference names for the types.
_JAVA = {
    Type.ANY: "java.lang.Object",
    Type.TEXT: "java.lang.String",
    Type.INTEGER: "java.lang.Integer",
    Type.NUMBER: "java.lang.Double",
    Type.BOOLEAN: "java.lang.Boolean",
    Type.ARRAY: "java.util.List",
    Type.OBJECT: "java.util.Map",
    Type.DATE: "java.time.ZonedDateTime",
    Type.PATTERN: "java.lang.String",
    Type.DATE_PATTERN: "java.lang.String",
    Type.ZONE: "java.lang.String",
    Type.FUNCTION: "java.util.function.Function",
}
#: A bar within a cell of a table.
BAR = "\\|"
_RECEIVERS: dict[type, str] = {str: "String", dict: "Map", list: "List"}


def list_functions() -> list[dict[str, Any]]:
    """Every function, under each of its names, in the form of ``GET /languages/el/functions``; pure JSON."""
    return [_listed(function, name) for function in TABLE for name in (function.name, *function.aliases)]


def _listed(function: Function, name: str) -> dict[str, Any]:
    examples = [example for example in function.examples if example.expression.startswith(f"{name}(")]
    example = (examples or function.examples)[0]
    return {
        "category": function.category,
        "function": name,
        "description": function.meaning,
        "syntax": function.syntax.replace(function.name, name, 1),
        "returns": function.returns.value,
        "returnType": _JAVA[function.returns],
        "example": example.expression,
        "result": example.result or "",
        "params": [_parameter(argument, position) for position, argument in enumerate(function.arguments, 1)],
        "since": 1,
    }


def _parameter(argument: Argument, position: int) -> dict[str, Any]:
    return {
        "name": argument.name,
        "description": argument.meaning,
        "type": argument.type.value,
        "dataType": _JAVA[argument.type],
        "position": position,
        "required": not (argument.optional or argument.repeated),
        "repeated": argument.repeated,
    }


def list_operators() -> list[dict[str, Any]]:
    """Every operator, under each of its symbols, in the form of ``GET /languages/el/operators``; pure JSON."""
    return [
        {
            "operatorSymbol": symbol,
            "methodName": operator.name,
            "numberOfOperands": operator.operands,
            "description": operator.meaning,
            "example": operator.example_with(symbol),
        }
        for operator in OPERATORS
        for symbol in operator.symbols
    ]


def functions_page() -> str:
    """The documentation of functions, operators, methods and date forms, as Markdown."""
    parts = [
        "# Functions of Data Prep",
        "What an expression of a mapping can call. Null for an argument makes the result null, where the argument's "
        "row doesn't say otherwise; an argument of another type becomes one of the row's type, or the mapping has an "
        "error and no value. Characters are Unicode code points, and indexes count from 0. Dates are in UTC, but for "
        "those which a function puts into another zone; as text they are their wall clock's reading, with a `Z`.",
    ]
    for category, rows in groupby(TABLE, key=lambda function: function.category):
        parts.append(f"## {category}")
        parts.extend(_section(function) for function in rows)
    parts.append("## Operators")
    parts.append(
        _table(
            ("operator", "meaning", "example"),
            [
                (
                    " ".join(_code(each) for each in row.symbols),
                    row.meaning,
                    f"{_code(row.example)} → {_code(row.result)}",
                )
                for row in OPERATORS
            ],
        )
    )
    parts.append("## Methods")
    methods_of = [
        (_code(name), _RECEIVERS[kind], counted(method.least, method.most))
        for name, methods in METHODS.items()
        for kind, method in methods.items()
    ]
    parts.append(_table(("method", "of", "takes"), methods_of))
    parts.append("## Dates without a pattern")
    parts.append(
        "Tried in this order, after RFC 3339 and its common deviations (a blank for the `T`, no seconds, no zone: UTC):"
    )
    parts.append("\n".join(f"* {_code(form.text)}" for form in FORMS))
    return "\n\n".join(parts) + "\n"


def _section(function: Function) -> str:
    names = " ".join(f"`{name}`" for name in (function.name, *function.aliases))
    parts = [f"### {names}", f"{_code(function.syntax)}: {function.meaning}. Returns: {function.returns.value}."]
    if function.arguments:
        rows = [(_code(each.name), each.type.value, _meaning(each)) for each in function.arguments]
        parts.append(_table(("argument", "type", "meaning"), rows))
    examples = [
        f"* {_code(example.expression)}" + (f" → {_code(example.result)}" if example.result else "")
        for example in function.examples
    ]
    parts.append("\n".join(examples))
    return "\n\n".join(parts)


def _meaning(argument: Argument) -> str:
    notes = [
        note
        for note, holds in (
            ("optional", argument.optional),
            ("any number", argument.repeated),
            ("may be null", argument.nulls),
        )
        if holds
    ]
    return argument.meaning + (f" ({', '.join(notes)})" if notes else "")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', BAR) for cell in line)} |" for line in lines)


def _code(text: str) -> str:
    """``text`` as code."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"

"""Compiles calls of functions: the right number of arguments, each of its type, before anything is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from exporter.source.dataprep.functions.signatures import CONVERSIONS, Argument, Function, Type
from exporter.source.dataprep.functions.table import FUNCTIONS
from exporter.source.dataprep.run import Failed, Run

Evaluate = Callable[[Run], Any]


class Refused(Exception):
    """A text is no expression of the language; caught where a mapping is compiled."""


@dataclass(frozen=True, slots=True)
class Code:
    """A compiled part: its closure, and its value where that is the same for every record."""

    evaluate: Evaluate
    constant: bool = False
    value: Any = None


def constant(value: Any) -> Code:
    return Code(lambda _run: value, True, value)


def function_named(name: str, count: int) -> Function:
    """The function of this name, which takes ``count`` arguments; raises ``Refused`` where there is none."""
    function = FUNCTIONS.get(name)
    if function is None:
        near = get_close_matches(name, FUNCTIONS, 1)
        raise Refused(f"unknown function {name}" + (f", did you mean {near[0]}?" if near else ""))
    if count < function.least or (function.most is not None and count > function.most):
        raise Refused(f"{name} takes {counted(function.least, function.most)}, and has {count}: {function.syntax}")
    return function


def counted(least: int, most: int | None) -> str:
    """``1 argument``, ``2 to 3 arguments``, ``at least 1 argument``."""
    if most is None:
        return f"at least {least} argument{'s' * (least != 1)}"
    if least == most:
        return f"{least} argument{'s' * (least != 1)}"
    return f"{least} to {most} arguments"


def call(function: Function, codes: list[Code]) -> Code:
    """The closure of a call; raises ``Refused`` where a constant argument can't have the type that it has to."""
    arguments = tuple(_converted(function.argument(at), code) for at, code in enumerate(codes))
    required = tuple(at for at in range(len(codes)) if not function.argument(at).nulls)
    apply = function.call

    def evaluate(run: Run) -> Any:
        if run.clock() > run.deadline:
            run.look_at_the_clock()
        values = [argument(run) for argument in arguments]
        for at in required:
            if values[at] is None:
                return None
        return apply(run, *values)

    return Code(evaluate)


def _converted(argument: Argument, code: Code) -> Evaluate:
    """What evaluates an argument to its type; converted here and now where it is the same for every record."""
    convert = CONVERSIONS.get(argument.type)
    evaluate = code.evaluate
    if convert is None:
        return evaluate
    if code.constant:
        if code.value is None:
            return evaluate
        try:
            return constant(convert(code.value)).evaluate
        except Failed as failed:
            raise Refused(f"{argument.name}: {failed}") from None

    of_text = argument.type is Type.TEXT

    def converted(run: Run) -> Any:
        value = evaluate(run)
        if value is None or (of_text and type(value) is str):
            return value
        return convert(value)

    return converted

"""Compiles what stands behind a value: a property, an index, a call of a method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from lark import Token

from exporter.source.dataprep.expressions import literals
from exporter.source.dataprep.expressions.calls import Code, Evaluate, Refused, counted
from exporter.source.dataprep.expressions.methods import METHODS, Method
from exporter.source.dataprep.expressions.parsing import Node
from exporter.source.dataprep.paths import EVERY, MAX_STEPS, parse_path, unescaped
from exporter.source.dataprep.run import Run
from exporter.source.dataprep.values import to_integer, to_text

#: What leads from a value to Java's own classes.
_REFLECTION = frozenset({"class", "getClass", "forName", "newInstance"})


class Compiler(Protocol):
    """What this file needs of the compiler of nodes."""

    def compile(self, node: Node, level: int) -> Code: ...
    def arguments(self, given: Any, level: int) -> list[Code]: ...


def reached(compiler: Compiler, parts: Any, level: int) -> Code:
    """The code of a value with all that stands behind it."""
    if len(parts) > MAX_STEPS:
        raise Refused(f"a path has more than {MAX_STEPS} steps")
    code = compiler.compile(parts[0], level).evaluate
    for suffix in parts[1:]:
        if suffix.data == "property":
            for key in _keys(suffix.children[0]):
                code = _property(code, key)
        elif suffix.data == "index":
            code = _index(code, compiler.compile(suffix.children[0], level).evaluate)
        else:
            code = _method(code, str(suffix.children[0]), compiler.arguments(suffix.children[1], level))
    return Code(code)


def _keys(token: Token) -> list[str]:
    if token.type == "STRING":
        return [literals.string(token)]
    if token.type == "WRAPPED":
        path = parse_path(token)
        if isinstance(path, str) or any(step is EVERY for step in path):
            raise Refused(f"{token} is no path")
        return [str(step) for step in path]
    if token in _REFLECTION:
        raise Refused(f"not supported: reflection (.{token}); a field of this name is .'{token}'")
    return [str(unescaped(token))]


def _property(evaluate: Evaluate, key: str) -> Evaluate:
    place = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else None

    def read(run: Run) -> Any:
        value = evaluate(run)
        if isinstance(value, dict):
            return value.get(key)
        if place is not None and isinstance(value, list) and place < len(value):
            return value[place]
        return None

    return read


def _index(evaluate: Evaluate, key: Evaluate) -> Evaluate:
    def read(run: Run) -> Any:
        value, at = evaluate(run), key(run)
        if isinstance(value, dict):
            return None if at is None else value.get(to_text(at))
        if not isinstance(value, list) or at is None or isinstance(at, str):
            return None
        place = to_integer(at)
        return value[place] if 0 <= place < len(value) else None

    return read


def _method(evaluate: Evaluate, name: str, codes: list[Code]) -> Evaluate:
    if name in _REFLECTION:
        raise Refused(f"not supported: reflection ({name})")
    methods = METHODS.get(name)
    if methods is None:
        raise Refused(f"unknown method {name}")
    fitting = {kind: each.call for kind, each in methods.items() if each.least <= len(codes) <= each.most}
    if not fitting:
        raise Refused(f"{name} takes {_count(methods)}, and has {len(codes)}")
    arguments = tuple(code.evaluate for code in codes)

    def call(run: Run) -> Any:
        if run.clock() > run.deadline:
            run.look_at_the_clock()
        receiver = evaluate(run)
        values = [argument(run) for argument in arguments]
        apply = _fitting(fitting, receiver)
        return None if apply is None else apply(run, receiver, *values)

    return call


def _fitting(methods: dict[type, Callable[..., Any]], receiver: Any) -> Callable[..., Any] | None:
    """The method for this kind of receiver; None where the kind has none, which makes the result null."""
    found = methods.get(type(receiver))
    if found is None and isinstance(receiver, list):
        return methods.get(list)
    return found


def _count(methods: dict[type, Method]) -> str:
    return counted(min(each.least for each in methods.values()), max(each.most for each in methods.values()))

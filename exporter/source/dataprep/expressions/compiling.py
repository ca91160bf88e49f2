"""Compiles the tree of an expression to closures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lark import Token, Tree

from exporter.source.dataprep.expressions import literals
from exporter.source.dataprep.expressions.accesses import reached
from exporter.source.dataprep.expressions.calls import Code, Evaluate, Refused, call, constant, function_named
from exporter.source.dataprep.expressions.operators import BINARY, UNARY, add
from exporter.source.dataprep.expressions.parsing import RESERVED, STATEMENTS, Node, parse_expression
from exporter.source.dataprep.functions.signatures import Type
from exporter.source.dataprep.paths import parse_path, unescaped
from exporter.source.dataprep.patterns import compile_pattern
from exporter.source.dataprep.run import Failed, Run
from exporter.source.dataprep.sources import reader
from exporter.source.dataprep.values import to_text, truth

#: More levels than anybody nests, and far from the interpreter's own bound.
_MOST_LEVELS = 60


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression."""

    text: str
    _evaluate: Evaluate
    _parameters: int

    def evaluate(self, run: Run) -> Any:
        """The value for the run's record: JSON, a ``datetime``, ``Appended`` or ``Replaced``; raises ``Failed``."""
        if self._parameters:
            run.parameters = [None] * self._parameters
        return self._evaluate(run)


def compile_expression(text: str) -> Expression | str:
    """The expression that ``text`` is, or in a few words why it is none. Never raises."""
    tree = parse_expression(text)
    if isinstance(tree, str):
        return tree
    compiler = _Compiler()
    try:
        if tree.data == "function":
            # A function that nobody calls is called with nulls.
            names = compiler.names(tree.children[0])
            code = compiler.application(tree, [constant(None) for _ in names], 0)
        else:
            code = compiler.compile(tree, 0)
    except Refused as refused:
        return str(refused)
    return Expression(text, code.evaluate, compiler.slots)


class _Compiler:
    """Knows the names of the parameters around the node that is being compiled."""

    def __init__(self) -> None:
        self.slots = 0
        self._names: dict[str, int] = {}
        self._by_node: dict[str, Callable[[Any, int], Code]] = {
            "either": self._either,
            "both": self._both,
            "unary": self._unary,
            "choice": self._choice,
            "otherwise": self._otherwise,
            "unless_null": self._unless_null,
            "reached": lambda parts, level: reached(self, parts, level),
            "string": lambda parts, _: constant(literals.string(parts[0])),
            "integer": lambda parts, _: constant(literals.integer(parts[0])),
            "decimal": lambda parts, _: self._decimal(parts[0]),
            "true": lambda *_: constant(True),
            "false": lambda *_: constant(False),
            "null": lambda *_: constant(None),
            "reference": lambda parts, _: self._reference(parts[0]),
            "wrapped": lambda parts, _: self._wrapped(parts[0]),
            "call": self._call,
            "array": self._array,
            "object": self._object,
        }
        chains = ("bits_or", "bits_xor", "bits_and", "equality", "comparison", "shift", "sum", "product")
        self._by_node.update(dict.fromkeys(chains, self._chain))

    def compile(self, node: Node, level: int) -> Code:
        """The code of a node that stands ``level`` levels deep; raises ``Refused``."""
        if level > _MOST_LEVELS:
            raise Refused(f"is nested more than {_MOST_LEVELS} levels deep")
        if node.data == "application":
            function, given = node.children
            if not isinstance(function, Tree) or function.data != "function":
                raise Refused("not supported: calling what is no function")
            return self.application(function, self.arguments(given, level), level)
        compile_node = self._by_node.get(node.data)
        if compile_node is None:
            reasons = {
                "set": "not supported: sets ({1, 2})",
                "function": "not supported: a function that is no argument of a function",
            }
            raise Refused(reasons.get(node.data, "is no expression: a list stands in parentheses"))
        return compile_node(node.children, level + 1)

    def arguments(self, given: Any, level: int) -> list[Code]:
        return [self.compile(node, level) for node in _nodes(given)]

    def names(self, node: Any) -> list[str]:
        """The names of a function's parameters: ``x``, ``(x, y)``."""
        nodes = node.children if node.data == "parameters" else [node]
        if any(not isinstance(each, Tree) or each.data != "reference" for each in nodes):
            raise Refused("is no expression: a parameter is a name")
        return [str(each.children[0]) for each in nodes]

    def application(self, function: Node, values: list[Code], level: int) -> Code:
        """The code of a function that is called where it stands."""
        parameters, body = self._body(function, level)
        evaluated = tuple(value.evaluate for value in values[: len(parameters)])
        missing = (None,) * (len(parameters) - len(evaluated))

        def evaluate(run: Run) -> Any:
            for slot, value in zip(parameters, (*[each(run) for each in evaluated], *missing), strict=True):
                run.parameters[slot] = value
            return body(run)

        return Code(evaluate)

    def _body(self, function: Node, level: int) -> tuple[tuple[int, ...], Evaluate]:
        """The slots of a function's parameters, and its body."""
        names = self.names(function.children[0])
        slots = tuple(range(self.slots, self.slots + len(names)))
        self.slots += len(names)
        around = self._names
        self._names = {**around, **dict(zip(names, slots, strict=True))}
        body = self.compile(function.children[1], level + 1).evaluate  # type: ignore[arg-type] # no token stands there
        self._names = around
        return slots, body

    def _function(self, node: Any, level: int) -> Code:
        """A function of one parameter, as the argument of a function of the table."""
        if node.data != "function":
            raise Refused("the argument is a function, such as x -> x > 0")
        slots, body = self._body(node, level)
        if len(slots) != 1:
            raise Refused("the function has one parameter")
        slot = slots[0]

        def apply(run: Run, value: Any) -> Any:
            if run.clock() > run.deadline:
                run.look_at_the_clock()
            run.parameters[slot] = value
            return body(run)

        return constant(apply)

    def _call(self, parts: Any, level: int) -> Code:
        name = unescaped(parts[0])
        nodes = _nodes(parts[1])
        if name in STATEMENTS:
            raise Refused(f"not supported: {STATEMENTS[name]}")
        function = function_named(name, len(nodes))
        codes = [
            self._function(node, level) if function.argument(at).type is Type.FUNCTION else self.compile(node, level)
            for at, node in enumerate(nodes)
        ]
        return call(function, codes)

    def _reference(self, token: Token) -> Code:
        slot = self._names.get(token)
        if slot is not None:
            return Code(lambda run: run.parameters[slot])
        if token in STATEMENTS and token in RESERVED:
            raise Refused(f"not supported: {STATEMENTS[token]}; a field of this name is ${{{token}}}")
        if token in RESERVED:
            raise Refused(f"{token} is reserved; a field of this name is ${{{token}}}")
        name = str(unescaped(token))
        return Code(lambda run: run.record.get(name))

    def _wrapped(self, token: Token) -> Code:
        path = parse_path(token)
        if isinstance(path, str):
            raise Refused(f"the path {token} {path}")
        read = reader(path)
        return Code(lambda run: read(run.record))

    def _decimal(self, token: Token) -> Code:
        number = literals.decimal(token)
        if number is None:
            raise Refused("the number is too large")
        return constant(number)

    def _chain(self, parts: Any, level: int) -> Code:
        """Operators of one precedence, from left to right."""
        first = self.compile(parts[0], level).evaluate
        rest: list[tuple[Callable[[Any, Any], Any], Evaluate]] = []
        grows = False
        for symbol, node in zip(parts[1::2], parts[2::2], strict=True):
            apply, code = BINARY[symbol], self.compile(node, level)
            if symbol in ("=~", "!~") and code.constant and isinstance(code.value, str):
                code = self._pattern(code.value)
            grows = grows or apply is add
            rest.append((apply, code.evaluate))

        def evaluate(run: Run) -> Any:
            value = first(run)
            for apply, operand in rest:
                # Operands may be as large as the bounds allow, and operators many.
                if run.clock() > run.deadline:
                    run.look_at_the_clock()
                value = apply(value, operand(run))
                if grows and type(value) is str:
                    run.bounded_text(value)
            return value

        return Code(evaluate)

    def _pattern(self, text: str) -> Code:
        try:
            return constant(compile_pattern(text))
        except Failed as failed:
            raise Refused(str(failed)) from None

    def _unary(self, parts: Any, level: int) -> Code:
        apply, operand = UNARY[parts[0]], self.compile(parts[1], level)
        if operand.constant:
            try:
                return constant(apply(operand.value))
            except Failed:
                pass
        evaluate = operand.evaluate
        return Code(lambda run: apply(evaluate(run)))

    def _either(self, parts: Any, level: int) -> Code:
        operands = [self.compile(part, level).evaluate for part in parts]
        return Code(lambda run: any(truth(operand(run)) for operand in operands))

    def _both(self, parts: Any, level: int) -> Code:
        operands = [self.compile(part, level).evaluate for part in parts]
        return Code(lambda run: all(truth(operand(run)) for operand in operands))

    def _choice(self, parts: Any, level: int) -> Code:
        condition, one, other = (self.compile(part, level).evaluate for part in parts)
        return Code(lambda run: one(run) if truth(condition(run)) else other(run))

    def _otherwise(self, parts: Any, level: int) -> Code:
        one, other = (self.compile(part, level).evaluate for part in parts)
        return Code(lambda run: value if truth(value := one(run)) else other(run))

    def _unless_null(self, parts: Any, level: int) -> Code:
        one, other = (self.compile(part, level).evaluate for part in parts)
        return Code(lambda run: other(run) if (value := one(run)) is None else value)

    def _array(self, parts: Any, level: int) -> Code:
        elements = [code.evaluate for code in self.arguments(parts[0], level)]

        def evaluate(run: Run) -> list[Any]:
            run.look_at_the_clock()
            return run.bounded([element(run) for element in elements])

        return Code(evaluate)

    def _object(self, parts: Any, level: int) -> Code:
        fields = [tuple(self.compile(each, level).evaluate for each in pair.children) for pair in parts]

        def evaluate(run: Run) -> dict[str, Any]:
            run.look_at_the_clock()
            return run.bounded({_key(key(run)): value(run) for key, value in fields})

        return Code(evaluate)


def _nodes(given: Any) -> list[Any]:
    return [] if given is None else list(given.children)


def _key(value: Any) -> str:
    if value is None:
        raise Failed("a key is null")
    return to_text(value)

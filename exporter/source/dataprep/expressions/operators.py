"""The operators of the expression language: one table, from which evaluation and ``languages/el/operators`` come.

Their meaning is that of Apache Commons JEXL 3 in its lenient mode: nulls count as 0 or as empty text, text that is a
number counts as one, integers divide whole, and a division by zero is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exporter.source.dataprep.patterns import Pattern, compile_pattern
from exporter.source.dataprep.run import Failed
from exporter.source.dataprep.values import MOST_BITS, is_empty, size_of, to_number, to_text, truth

_NUMBERS = (int, float)


def _number(value: int | float) -> int | float:
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            raise Failed("the number is too large")
    elif not math.isfinite(value):
        raise Failed("the number is too large")
    return value


def add(left: Any, right: Any) -> Any:
    """The sum where both are numbers or can be; else both texts, one after the other."""
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    try:
        return _number(to_number(left) + to_number(right))
    except Failed:
        return ("" if left is None else to_text(left)) + ("" if right is None else to_text(right))


def subtract(left: Any, right: Any) -> int | float:
    return _number(to_number(left) - to_number(right))


def multiply(left: Any, right: Any) -> int | float:
    return _number(to_number(left) * to_number(right))


def divide(left: Any, right: Any) -> int | float:
    dividend, divisor = to_number(left), to_number(right)
    if divisor == 0:
        return 0.0
    if isinstance(dividend, int) and isinstance(divisor, int):
        quotient = abs(dividend) // abs(divisor)
        return quotient if (dividend < 0) == (divisor < 0) else -quotient
    return _number(dividend / divisor)


def modulo(left: Any, right: Any) -> int | float:
    dividend, divisor = to_number(left), to_number(right)
    if divisor == 0:
        return 0.0
    if isinstance(dividend, int) and isinstance(divisor, int):
        rest = abs(dividend) % abs(divisor)
        return -rest if dividend < 0 else rest
    return math.fmod(dividend, divisor)


def negate(value: Any) -> int | float | None:
    return None if value is None else -to_number(value)


def positivize(value: Any) -> int | float | None:
    return None if value is None else to_number(value)


def _wrapped(value: int) -> int:
    """The 64-bit number of the same lowest bits."""
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def _bits(value: Any) -> int:
    number = int(to_number(value))
    if number != _wrapped(number):
        raise Failed("the number has more than 64 bits")
    return number


def complement(value: Any) -> int:
    return ~_bits(value)


def bitwise_and(left: Any, right: Any) -> int:
    return _bits(left) & _bits(right)


def bitwise_or(left: Any, right: Any) -> int:
    return _bits(left) | _bits(right)


def bitwise_xor(left: Any, right: Any) -> int:
    return _bits(left) ^ _bits(right)


def shift_left(left: Any, right: Any) -> int:
    return _wrapped(_bits(left) << (_bits(right) & 63))


def shift_right(left: Any, right: Any) -> int:
    return _bits(left) >> (_bits(right) & 63)


def equal(left: Any, right: Any) -> bool:
    """Whether both are equal once one has the other's kind; two arrays only if they are the same one."""
    if left is None or right is None or left is right:
        return left is right
    kinds = (type(left), type(right))
    try:
        if bool in kinds:
            return truth(left) == truth(right)
        if kinds[0] in _NUMBERS or kinds[1] in _NUMBERS:
            return to_number(left) == to_number(right)
        if str in kinds:
            return to_text(left) == to_text(right)
    except Failed:
        return False
    return not isinstance(left, list) and bool(left == right)


def identical(left: Any, right: Any) -> bool:
    """Whether both are of one kind and equal."""
    return type(left) is type(right) and equal(left, right)


def compare(left: Any, right: Any) -> int:
    """Below 0, 0 or above, as ``left`` is less, equal or more; raises ``Failed`` where there is no order."""
    kinds = (type(left), type(right))
    if kinds[0] in _NUMBERS or kinds[1] in _NUMBERS or kinds == (bool, bool):
        one, other = to_number(left), to_number(right)
        return (one > other) - (one < other)
    if kinds == (datetime, datetime):
        return int(left > right) - int(left < right)
    text, others = to_text(left), to_text(right)
    return (text > others) - (text < others)


def less(left: Any, right: Any) -> bool:
    return left is not None and right is not None and compare(left, right) < 0


def at_most(left: Any, right: Any) -> bool:
    return left is right or (left is not None and right is not None and compare(left, right) <= 0)


def matches(left: Any, right: Any) -> bool:
    """Whether a pattern matches all of a text, or an array or object on the right holds what is on the left."""
    if isinstance(right, list):
        return any(equal(left, element) for element in right)
    if isinstance(right, dict):
        return isinstance(left, str) and left in right
    if left is None or right is None:
        return left is right
    pattern = right if isinstance(right, Pattern) else compile_pattern(to_text(right))
    return pattern.whole(to_text(left)) is not None


def starts_with(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    return isinstance(left, str) and left.startswith(to_text(right))


def ends_with(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    return isinstance(left, str) and left.endswith(to_text(right))


def _not(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: not test(left, right)


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator; ``apply`` is None for those which do not need both of their operands.

    ``example`` is an expression with the first of ``symbols``; ``result`` is what comes of it, as JSON.
    """

    symbols: tuple[str, ...]
    name: str
    operands: int
    meaning: str
    example: str
    result: str
    apply: Callable[..., Any] | None

    def example_with(self, symbol: str) -> str:
        """The example with any of ``symbols``."""
        first = self.symbols[0]
        if symbol == first:
            return self.example
        return self.example.replace(first, f"{symbol} " if self.operands == 1 else symbol)


OPERATORS: tuple[Operator, ...] = (
    Operator(("+",), "add", 2, "The sum, or both texts one after the other", "1 + 2", "3", add),
    Operator(("-",), "subtract", 2, "The difference", "3 - 2", "1", subtract),
    Operator(("*",), "multiply", 2, "The product", "2 * 3", "6", multiply),
    Operator(
        ("/", "div"), "divide", 2, "The quotient; whole for whole numbers, 0 for a division by 0", "7 / 2", "3", divide
    ),
    Operator(("%", "mod"), "mod", 2, "The rest of a division", "7 % 2", "1", modulo),
    Operator(("-",), "negate", 1, "The number with the other sign", "-12", "-12", negate),
    Operator(("+",), "positivize", 1, "The number", "+12", "12", positivize),
    Operator(("~",), "complement", 1, "Every bit the other way", "~44", "-45", complement),
    Operator(
        ("!", "not"), "not", 1, "Whether the operand is not true", "!true", "false", lambda value: not truth(value)
    ),
    Operator(("empty",), "empty", 1, "Whether null, 0, or nothing is in it", "empty ''", "true", is_empty),
    Operator(
        ("size",), "size", 1, "Characters of text, elements of an array, keys of an object", "size('abc')", "3", size_of
    ),
    Operator(("&&", "and"), "and", 2, "Whether both are true", "true && false", "false", None),
    Operator(("||", "or"), "or", 2, "Whether any is true", "true || false", "true", None),
    Operator(("==", "eq"), "equals", 2, "Whether both are equal", "1 == '1'", "true", equal),
    Operator(("!=", "ne"), "notEquals", 2, "Whether both differ", "1 != 2", "true", _not(equal)),
    Operator(("===",), "strictEquals", 2, "Whether both are equal and of one kind", "1 === 1", "true", identical),
    Operator(
        ("!==",), "strictNotEquals", 2, "Whether both differ or are of two kinds", "1 !== '1'", "true", _not(identical)
    ),
    Operator(("<", "lt"), "lessThan", 2, "Whether the left is less", "1 < 2", "true", less),
    Operator(("<=", "le"), "lessThanOrEqual", 2, "Whether the left is not more", "2 <= 2", "true", at_most),
    Operator(
        (">", "gt"),
        "greaterThan",
        2,
        "Whether the left is more",
        "2 > 1",
        "true",
        lambda left, right: less(right, left),
    ),
    Operator(
        (">=", "ge"),
        "greaterThanOrEqual",
        2,
        "Whether the left is not less",
        "2 >= 2",
        "true",
        lambda left, right: at_most(right, left),
    ),
    Operator(
        ("=~",),
        "matches",
        2,
        "Whether the pattern matches all of the text, or the array has the value",
        "'Jim' =~ 'J.*'",
        "true",
        matches,
    ),
    Operator(("!~",), "notMatches", 2, "The opposite of =~", "'Jim' !~ 'K.*'", "true", _not(matches)),
    Operator(("=^",), "startsWith", 2, "Whether the text begins so", "'Jim' =^ 'J'", "true", starts_with),
    Operator(("!^",), "notStartsWith", 2, "The opposite of =^", "'Jim' !^ 'K'", "true", _not(starts_with)),
    Operator(("=$",), "endsWith", 2, "Whether the text ends so", "'Jim' =$ 'm'", "true", ends_with),
    Operator(("!$",), "notEndsWith", 2, "The opposite of =$", "'Jim' !$ 'x'", "true", _not(ends_with)),
    Operator(("&",), "bitwiseAnd", 2, "The bits that both have", "5 & 3", "1", bitwise_and),
    Operator(("|",), "bitwiseOr", 2, "The bits that any has", "5 | 3", "7", bitwise_or),
    Operator(("^",), "bitwiseXor", 2, "The bits in which both differ", "5 ^ 3", "6", bitwise_xor),
    Operator(("<<",), "shiftLeft", 2, "The bits moved up", "1 << 3", "8", shift_left),
    Operator((">>",), "shiftRight", 2, "The bits moved down", "8 >> 3", "1", shift_right),
    Operator(
        ("? :",), "ternary", 3, "The second operand where the first is true, else the third", "true ? 1 : 2", "1", None
    ),
    Operator(("?:",), "elvis", 2, "The left operand where it is true, else the right", "null ?: 'd'", '"d"', None),
    Operator(
        ("??",), "nullCoalescing", 2, "The left operand unless it is null, else the right", "null ?? 'd'", '"d"', None
    ),
)
BINARY = {symbol: each.apply for each in OPERATORS if each.operands == 2 and each.apply for symbol in each.symbols}
UNARY = {symbol: each.apply for each in OPERATORS if each.operands == 1 and each.apply for symbol in each.symbols}

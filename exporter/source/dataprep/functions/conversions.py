"""The functions of logic, order and type, of JSON, and those that make ids."""

from __future__ import annotations

import struct
from typing import Any

import orjson

from exporter.source.dataprep.expressions.operators import compare, equal
from exporter.source.dataprep.functions.signatures import Argument, Example, Function, Type
from exporter.source.dataprep.run import Failed, Run
from exporter.source.dataprep.values import parse_number, to_integer, to_number

LOGIC, ORDER, NUMBERS = "Logical operators", "Aggregation", "Type conversions"
JSON, SPECIAL = "JSON", "Special operations"


def _decode(_run: Run, key: Any, *options: Any) -> Any:
    for at in range(0, len(options) - 1, 2):
        if equal(key, options[at]):
            return options[at + 1]
    return options[-1] if len(options) % 2 else None


def _iif(_run: Run, condition: bool, one: Any, other: Any) -> Any:
    return one if condition else other


def _extreme(sign: int) -> Any:
    def call(_run: Run, *values: Any) -> Any:
        elements = values[0] if len(values) == 1 and isinstance(values[0], list) else values
        best = None
        for value in elements:
            if value is not None and (best is None or compare(value, best) * sign > 0):
                best = value
        return best

    return call


def _number(value: Any) -> int | float:
    """The number of a text, blanks around left out; raises ``Failed`` for empty text, too."""
    if isinstance(value, str):
        number = parse_number(value.strip())
        if number is None:
            raise Failed("the text is no number")
        return number
    return to_number(value)


def _to_integer(_run: Run, value: Any) -> int:
    return to_integer(_number(value))


def _to_decimal(_run: Run, value: Any) -> float:
    try:
        return float(_number(value))
    except OverflowError:
        raise Failed("the number is too large") from None


def _to_float(run: Run, value: Any) -> float:
    """The nearest number of 32 bits, in its shortest form."""
    number = _to_decimal(run, value)
    try:
        packed = struct.pack("<f", number)
    except OverflowError:
        raise Failed("the number is too large") from None
    nearest: float = struct.unpack("<f", packed)[0]
    return next(
        (short for digits in range(6, 10) if struct.pack("<f", short := float(f"{nearest:.{digits}g}")) == packed),
        nearest,
    )


def _from_json(_run: Run, text: str) -> Any:
    try:
        return orjson.loads(text.encode("utf-8", "surrogatepass"))
    except (orjson.JSONDecodeError, RecursionError):
        raise Failed("the text is no JSON") from None


def _uuid(run: Run) -> str:
    """A random UUID (RFC 9562 §5.4)."""
    octets = bytearray(run.chance(16))
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    digits = octets.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_OPTIONS = Argument("options", Type.ANY, "the values; or an array of them", repeated=True, nulls=True)
_VALUE = Argument("value", Type.ANY, "the text or number")
_STATES = 'decode("{}", "ca", "California", "pa", "Pennsylvania", "N/A")'
FUNCTIONS: tuple[Function, ...] = (
    Function(
        "decode",
        LOGIC,
        "What stands behind the option that equals the key, else the default",
        (
            Argument("key", Type.ANY, "the key", nulls=True),
            Argument("options", Type.ANY, "an option, its value, ..., a default", repeated=True, nulls=True),
        ),
        Type.ANY,
        _decode,
        (Example(_STATES.format("pa"), '"Pennsylvania"'), Example(_STATES.format("x"), '"N/A"')),
    ),
    Function(
        "iif",
        LOGIC,
        "One value or another, as the condition is true or not",
        (
            Argument("condition", Type.BOOLEAN, "the condition; null is not true", nulls=True),
            Argument("true_value", Type.ANY, "the result where true", nulls=True),
            Argument("false_value", Type.ANY, "the result where not", nulls=True),
        ),
        Type.ANY,
        _iif,
        (Example('iif("s".equalsIgnoreCase("S"), "True", "False")', '"True"'),),
    ),
    Function(
        "min",
        ORDER,
        "The least; nulls do not count",
        (_OPTIONS,),
        Type.ANY,
        _extreme(-1),
        (Example("min(3, 1, 4)", "1"),),
    ),
    Function(
        "max",
        ORDER,
        "The greatest; nulls do not count",
        (_OPTIONS,),
        Type.ANY,
        _extreme(1),
        (Example("max(3, 1, 4)", "4"), Example("max('a', 'b')", '"b"')),
    ),
    Function(
        "to_integer",
        NUMBERS,
        "A whole number",
        (_VALUE,),
        Type.INTEGER,
        _to_integer,
        (Example('to_integer("12")', "12"),),
    ),
    Function(
        "to_decimal",
        NUMBERS,
        "A number of 64 bits",
        (_VALUE,),
        Type.NUMBER,
        _to_decimal,
        (Example('to_decimal("20.5")', "20.5"),),
    ),
    Function(
        "to_float",
        NUMBERS,
        "A number of 32 bits",
        (_VALUE,),
        Type.NUMBER,
        _to_float,
        (Example('to_float("12.3456")', "12.3456"),),
    ),
    Function(
        "to_bigint",
        NUMBERS,
        "A number; a fraction stays",
        (_VALUE,),
        Type.NUMBER,
        lambda _run, value: _number(value),
        (Example('to_bigint("1000000.34")', "1000000.34"), Example("to_bigint('12345678901')", "12345678901")),
    ),
    Function(
        "json_to_object",
        JSON,
        "What a JSON text says",
        (Argument("string", Type.TEXT, "the text"),),
        Type.ANY,
        _from_json,
        (
            Example(
                'json_to_object("{\\"info\\":{\\"firstName\\":\\"John\\",\\"lastName\\": \\"Doe\\"}}")',
                '{"info": {"firstName": "John", "lastName": "Doe"}}',
            ),
        ),
    ),
    Function(
        "uuid",
        SPECIAL,
        "A random id",
        (),
        Type.TEXT,
        _uuid,
        (Example("uuid()", None), Example("guid()", None)),
        ("guid",),
    ),
)

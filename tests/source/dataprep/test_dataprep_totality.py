"""Whatever a record, an expression or a mapping set is: a value or a named error, within bounds, never an exception."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from dataprep_runs import NOW, chance, standing
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.source.dataprep.expressions.compiling import Expression, compile_expression
from exporter.source.dataprep.expressions.methods import METHODS
from exporter.source.dataprep.expressions.operators import BINARY, UNARY
from exporter.source.dataprep.functions.signatures import Function, Type
from exporter.source.dataprep.functions.table import TABLE
from exporter.source.dataprep.mapper import CompiledMappingSet, compile_mapping_set
from exporter.source.dataprep.mapping_sets import MappingSet, read_mapping_set
from exporter.source.dataprep.outcomes import Mapped
from exporter.source.dataprep.run import MOST_NOTES, Bounds, measure
from exporter.source.xdm.fields import Field, Kind

BOUNDS = Bounds(5_000, 1.0)
NAMES = "abcdefgh"
#: Half of a character, which JSON can spell and UTF-8 can't.
HALF = "\ud800"

#: What functions look for in texts, beside any text.
TELLING = st.sampled_from(
    [
        *("", " ", "a:1,b:2", "2021-10-26T10:10:24Z", "2021-10-26", "10/26/2021", "1635243024000", "0001-01-01", "12"),
        *(
            "-7.5",
            "1e400",
            "9" * 400,
            "https://a.example:8443/x/y?b=1&c#d",
            "http://[",
            "%zz",
            "{",
            '{"a": [1]}',
            "[" * 2000,
        ),
        *(
            "(",
            "(a+)+$",
            "(?=a)(a|aa)+$",
            r"\1",
            "$1",
            "\\",
            "yyyy-MM-dd'T'HH:mm:ssX",
            "'",
            "EEEEEEEEEE",
            "Europe/Paris",
        ),
        *("../x", "year", "MM", "UTF-16", "append", "true", "ß" * 50, "a" * 3000, "\x00", "a.b[0]", HALF, f"a{HALF}b"),
    ]
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, -1, 2**31, 2**63, -(2**63), 2**64, 10**400, 1e308, -0.0, 253402300800000, -62135596800001]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TELLING, st.text(max_size=20))
JSON = st.recursive(
    SCALARS,
    lambda below: st.one_of(
        st.lists(below, max_size=5),
        st.dictionaries(st.one_of(st.sampled_from(list(NAMES)), st.text(max_size=5)), below, max_size=5),
    ),
    max_leaves=20,
)
RECORDS = st.one_of(
    JSON,
    st.fixed_dictionaries(dict.fromkeys(NAMES, SCALARS)),
    st.fixed_dictionaries(dict.fromkeys(NAMES, NUMBERS)),
    st.fixed_dictionaries(dict.fromkeys(NAMES, JSON)),
)


def expressions(function: Function) -> list[str]:
    """A call of ``function`` for every number of arguments that it takes, up to a few."""
    most = function.most if function.most is not None else function.least + 5
    found = []
    for count in range(function.least, most + 1):
        arguments = [
            "x -> x" if function.arguments and function.argument(at).type is Type.FUNCTION else NAMES[at]
            for at in range(count)
        ]
        found.append(f"{function.name}({', '.join(arguments)})")
    return found


CALLS = [call for function in TABLE for call in expressions(function)]
OPERATIONS = [
    *(f"a {symbol} b" for symbol in BINARY),
    *(f"{symbol} a" for symbol in UNARY),
    *("a + b + c", "a ? b : c", "a ?: b", "a ?? b", "a && b || c", "[a, b]", "{a: b}", "a[b]", "a.b.c[0].d", "a.0"),
    *("filterArray(a, x -> x > b)", "transformArray(a, x -> x + b)", "((x, y) -> x == y)(a, b)", "${a.b}.c"),
]
METHOD_CALLS = [
    f"a.{name}({', '.join(NAMES[1 : 1 + count])})"
    for name, methods in METHODS.items()
    for count in range(min(each.least for each in methods.values()), max(each.most for each in methods.values()) + 1)
]
PATHS = ["a", "a.b", "a[0]", "a[*]", "a[*].b", "a[*].b[*].c", "a[*][*]", "${a}.b"]
DESTINATIONS = ["x", "x.y", "x.y.z", "x[0]", "x[3].y", "x[*]", "x[*].y", "x[*].y[*].z", "x[*][*]", "y"]

TEXT = Field(Kind.STRING)
LEAVES = st.sampled_from([Field(kind) for kind in Kind if kind not in (Kind.OBJECT, Kind.MAP, Kind.ARRAY)])
FIELDS = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.dictionaries(st.sampled_from([*NAMES, *"xyz"]), below, max_size=4).map(
            lambda found: Field(Kind.OBJECT, found)
        ),
        below.map(lambda found: Field(Kind.MAP, element=found)),
        below.map(lambda found: Field(Kind.ARRAY, element=found)),
    ),
    max_leaves=8,
)
ROOTS = st.one_of(
    st.none(),
    st.fixed_dictionaries({"x": FIELDS, "y": FIELDS}).map(lambda found: Field(Kind.OBJECT, found)),
)


def compiled(mappings: Any, root: Field | None = None, nulls: bool = False) -> CompiledMappingSet | None:
    read = read_mapping_set({"mappings": mappings, "allowNullValues": nulls})
    assert isinstance(read, MappingSet), read
    found = compile_mapping_set(read, root, BOUNDS)
    return found if isinstance(found, CompiledMappingSet) else None


def check(result: Mapped, mappings: int) -> None:
    # Keys and signs that JSON has between values are counted by ``measure`` and not all of them by a run.
    assert measure(result.entity, 100 * BOUNDS.max_bytes) <= 4 * BOUNDS.max_bytes + 300 * mappings
    assert len(result.errors) <= mappings * (1 + MOST_NOTES)
    assert all(error.reason for error in result.errors)
    spelt = json.dumps(result.entity, allow_nan=False, ensure_ascii=False)
    orjson.dumps(json.loads(spelt.replace(HALF, "?")))


ALL = compiled(
    [
        {"sourceType": "EXPRESSION", "source": source, "destination": f"r{number}"}
        for number, source in enumerate([*CALLS, *OPERATIONS, *METHOD_CALLS])
    ]
)


@given(RECORDS)
@settings(max_examples=300)
@example(dict.fromkeys(NAMES, "[" * 2000))
@example({name: [[1]] for name in NAMES})
@example(dict.fromkeys(NAMES, 10**400))
@example({name: float("nan") for name in NAMES})
@example({name: 2.5 if name in "aceg" else 10**400 for name in NAMES})
@example(dict.fromkeys(NAMES, f"a{HALF}b"))
@example(dict.fromkeys(NAMES, 253402300800000))
def test_every_function_operator_and_method_takes_anything(record: Any) -> None:
    assert ALL is not None
    check(ALL.apply(record, NOW, chance, standing), len(CALLS) + len(OPERATIONS) + len(METHOD_CALLS))


@pytest.mark.parametrize("call", [*CALLS, *OPERATIONS, *METHOD_CALLS])
@given(values=st.lists(SCALARS, min_size=8, max_size=8))
@settings(max_examples=12)
def test_a_call_ends_in_a_value_or_an_error(call: str, values: list[Any]) -> None:
    alone = compiled([{"sourceType": "EXPRESSION", "source": call, "destination": "x"}], nulls=True)
    assert alone is not None
    result = alone.apply(dict(zip(NAMES, values, strict=True)), NOW, chance, standing)
    check(result, 1)
    assert ("x" in result.entity) or result.errors


@given(
    RECORDS,
    ROOTS,
    st.lists(st.tuples(st.sampled_from([*PATHS, *CALLS]), st.sampled_from(DESTINATIONS)), max_size=8),
    st.booleans(),
)
@settings(max_examples=500)
def test_any_record_through_any_mapping(
    record: Any, root: Field | None, pairs: list[tuple[str, str]], nulls: bool
) -> None:
    mappings = [
        {"sourceType": "EXPRESSION" if "(" in source else "ATTRIBUTE", "source": source, "destination": destination}
        for source, destination in pairs
    ]
    found = [each for mapping in mappings if (each := compiled([mapping], root, nulls)) is not None]
    for each in found:
        check(each.apply(record, NOW, chance, standing), 1)
    together = compiled(mappings, root, nulls)
    assert (together is not None) == (len(found) == len(mappings))
    if together is not None:
        check(together.apply(record, NOW, chance, standing), len(mappings))


@given(st.text(max_size=200))
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    found = compile_expression(text)
    assert isinstance(found, Expression) or found


FRAGMENTS = st.sampled_from(
    [
        *(
            "a",
            "b.c",
            "x",
            "1",
            "2.5",
            "'t'",
            '"u"',
            "${v w}",
            "null",
            "true",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ":",
            ",",
            ".",
        ),
        *(
            "->",
            "?",
            "?:",
            "??",
            "..",
            "=",
            ";",
            "`",
            "upper(",
            "if",
            "var",
            "new",
            "size",
            "empty",
            "not",
            "class",
            "##",
        ),
        *(*BINARY, *UNARY, "\\", "'", '"', "$", "#", "@", "\n", "0x", "1e", "lpad(a, 1,"),
    ]
)


@given(st.lists(FRAGMENTS, max_size=25))
@settings(max_examples=1000)
def test_anything_that_looks_like_an_expression_is_one_or_is_refused(fragments: list[str]) -> None:
    for joint in ("", " "):
        found = compile_expression(joint.join(fragments))
        assert isinstance(found, Expression) or found


@given(
    st.one_of(
        JSON,
        st.fixed_dictionaries(
            {
                "mappings": st.one_of(
                    JSON,
                    st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=4),
                    st.lists(
                        st.fixed_dictionaries(
                            {"source": SCALARS, "destination": SCALARS},
                            optional={"sourceType": st.sampled_from(["STATIC", "EXPRESSION", "ATTRIBUTE", 3, None])},
                        ),
                        max_size=4,
                    ),
                )
            }
        ),
    ),
    ROOTS,
    RECORDS,
)
def test_any_document_is_a_mapping_set_or_is_refused(document: Any, root: Field | None, record: Any) -> None:
    read = read_mapping_set(document)
    if isinstance(read, MappingSet):
        found = compile_mapping_set(read, root, BOUNDS)
        if isinstance(found, CompiledMappingSet):
            check(found.apply(record, NOW, chance, standing), len(read.mappings))
        else:
            assert found
    else:
        assert read

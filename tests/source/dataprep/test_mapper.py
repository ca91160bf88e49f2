"""Records through mapping sets: paths on both sides, objects, arrays, nulls, errors and bounds."""

from __future__ import annotations

from typing import Any

import pytest
from dataprep_runs import BOUNDS, NOW, chance, compiled, mapped, standing, ticking

from exporter.source.dataprep.mapper import CompiledMappingSet, compile_mapping_set
from exporter.source.dataprep.mapping_sets import Mapping, MappingSet, SourceType, read_mapping_set
from exporter.source.dataprep.outcomes import MappingError, Refusal, Upsert
from exporter.source.dataprep.run import Bounds
from exporter.source.records import UpsertKind
from exporter.source.xdm.fields import Field, Kind

STRING = Field(Kind.STRING)
ADDRESS = Field(Kind.OBJECT, {"addrLine1": STRING, "city": STRING, "state": STRING})
SCHEMA = Field(
    Kind.OBJECT,
    {
        "addr": ADDRESS,
        "age": Field(Kind.INTEGER),
        "born": Field(Kind.DATE),
        "name": STRING,
        "tags": Field(Kind.ARRAY, element=STRING),
        "places": Field(Kind.ARRAY, element=ADDRESS),
        "identityMap": Field(
            Kind.MAP,
            element=Field(Kind.ARRAY, element=Field(Kind.OBJECT, {"id": STRING, "primary": Field(Kind.BOOLEAN)})),
        ),
        "free": Field(Kind.ANY),
    },
)
EXPRESSION_TO_TAGS = {"sourceType": "EXPRESSION", "source": "upsert_array_append(a)", "destination": "tags"}
EMAILS = {"emails": [{"name": "John", "email": "js@x"}, {"email": "y@x"}, {"name": "Jane"}]}


@pytest.mark.parametrize(
    ("mappings", "record", "entity"),
    [
        pytest.param(
            {"pi.name": "customerInfo.name"}, {"customerInfo": {"name": "John"}}, {"pi": {"name": "John"}}, id="nested"
        ),
        pytest.param({"name": "a.b.c"}, {"a": {"b": None}}, {}, id="nothing there"),
        pytest.param({"name": "a.b"}, {"a": [1]}, {}, id="no object there"),
        pytest.param({"name": "a"}, {"a": None}, {}, id="null"),
        pytest.param({"email": "emails[0].email"}, EMAILS, {"email": "js@x"}, id="an element"),
        pytest.param({"email": "emails[7].email"}, EMAILS, {}, id="no such element"),
        pytest.param({"list": "emails"}, EMAILS, {"list": EMAILS["emails"]}, id="an array"),
        pytest.param({"names": "emails[*].name"}, EMAILS, {"names": ["John", "Jane"]}, id="of every element"),
        pytest.param({"list[0]": "emails[1].email"}, EMAILS, {"list": ["y@x"]}, id="to an element"),
        pytest.param({"list[3]": "'x'", "list[1]": "'y'"}, {}, {"list": ["y", "x"]}, id="gaps are left out"),
        pytest.param(
            {"pi[*].n": "emails[*].name", "pi[*].e": "emails[*].email", "pi[*].type": "'home'"},
            EMAILS,
            {
                "pi": [
                    {"n": "John", "e": "js@x", "type": "home"},
                    {"e": "y@x", "type": "home"},
                    {"n": "Jane", "type": "home"},
                ]
            },
            id="every to every",
        ),
        pytest.param({"pi[*].t": "'home'"}, {}, {"pi": []}, id="every element of none"),
        pytest.param(
            {"pi[*].t": "explode('a,b')"}, {}, {"pi": [{"t": "a"}, {"t": "b"}]}, id="every from an expression"
        ),
        pytest.param(
            {"skus": "orders[*].items[*].sku"},
            {"orders": [{"items": [{"sku": 1}, {"sku": 2}]}, {}, {"items": [{"sku": 3}]}]},
            {"skus": [1, 2, 3]},
            id="levels beyond are one array",
        ),
        pytest.param(
            {"o[*].i[*].sku": "orders[*].items[*].sku"},
            {"orders": [{"items": [{"sku": 1}, {"sku": 2}]}, {"items": [{"sku": 3}]}]},
            {"o": [{"i": [{"sku": 1}, {"sku": 2}]}, {"i": [{"sku": 3}]}]},
            id="two levels",
        ),
        pytest.param(
            {"addr": "address", "addr.line": "address.line1"},
            {"address": {"line1": "a", "city": "c"}},
            {"addr": {"line1": "a", "city": "c", "line": "a"}},
            id="an object, then into it",
        ),
        pytest.param(
            {"addr.line": "address.line1", "addr": "address"},
            {"address": {"line1": "a", "city": "c"}},
            {"addr": {"line1": "a", "city": "c", "line": "a"}},
            id="into an object, then the object",
        ),
        pytest.param({"a": "x", "a.b": "y"}, {"x": 1, "y": 2}, {"a": {"b": 2}}, id="the later wins below"),
        pytest.param({"a.b": "y", "a": "x"}, {"x": 1, "y": 2}, {"a": 1}, id="the later wins above"),
        pytest.param({r"a\.b": "x"}, {"x": 1}, {"a.b": 1}, id="a dot in a key"),
        pytest.param({"${a b}.c": "x"}, {"x": 1}, {"a b": {"c": 1}}, id="a blank in a key"),
        pytest.param({"d": "date('2020-01-02')"}, {}, {"d": "2020-01-02T00:00:00Z"}, id="a date leaves as text"),
        pytest.param({"d": "[date('2020-01-02')]"}, {}, {"d": ["2020-01-02T00:00:00Z"]}, id="also within"),
        pytest.param({"n": "1.5"}, {}, {"n": 1.5}, id="a constant"),
        pytest.param({"n": 3}, {}, {"n": 3}, id="a number"),
        pytest.param({"a": "b"}, [1], {}, id="a record that is no object"),
    ],
)
def test_without_a_schema(mappings: Any, record: Any, entity: Any) -> None:
    found = mapped(mappings, record)
    assert found.entity == entity
    assert found.errors == ()


@pytest.mark.parametrize(
    ("mappings", "record", "entity", "reasons"),
    [
        ({"addr": "address"}, {"address": {"city": "c", "zip": 1}}, {"addr": {"city": "c"}}, []),
        ({"name": "a"}, {"a": 12}, {"name": "12"}, []),
        ({"name": "a"}, {"a": [1]}, {}, ["an array can't become text"]),
        ({"age": "a"}, {"a": "x"}, {}, ["text can't become a number"]),
        ({"tags": "a"}, {"a": [1, None, "b", {}]}, {"tags": ["1", "b"]}, ["[3]: an object can't become text"]),
        (
            {"places[*].city": "a[*].c"},
            {"a": [{"c": "x"}, {"c": []}]},
            {"places": [{"city": "x"}]},
            ["[1]: an array can't become text"],
        ),
        (
            {"identityMap.Email[0].id": "a", "identityMap.Email[0].primary": "'yes'"},
            {"a": "x@y"},
            {"identityMap": {"Email": [{"id": "x@y", "primary": True}]}},
            [],
        ),
        ({"free.x.y": "a"}, {"a": {"b": [1, None]}}, {"free": {"x": {"y": {"b": [1, None]}}}}, []),
        ({"age": "1 +", "name": "a"}, {}, None, []),
    ],
)
def test_with_a_schema(mappings: Any, record: Any, entity: Any, reasons: list[str]) -> None:
    read = read_mapping_set({"mappings": mappings})
    assert isinstance(read, MappingSet)
    found = compile_mapping_set(read, SCHEMA, BOUNDS)
    if entity is None:
        assert found == (Refusal(0, read.mappings[0], "the expression ends too early"),)
        return
    assert isinstance(found, CompiledMappingSet)
    result = found.apply(record, NOW, chance, standing)
    assert result.entity == entity
    assert [error.reason for error in result.errors] == reasons


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        (("EXPRESSION", "upper(", "name"), "the expression ends too early"),
        (("ATTRIBUTE", "a..b", "name"), "the source has an empty step"),
        (("ATTRIBUTE", "a", "nam"), "the destination does not fit the schema: the schema has no 'nam' there"),
        (("ATTRIBUTE", "a", "name.x"), "the destination does not fit the schema: a string has no 'x'"),
        (
            ("ATTRIBUTE", "a", "places.city"),
            "the destination does not fit the schema: there is an array before 'city': [0] or [*] is missing",
        ),
        (
            ("ATTRIBUTE", "a", "name[0]"),
            "the destination does not fit the schema: what is no array (string) has no elements",
        ),
        (("ATTRIBUTE", "a", "tags[10000]"), "the destination has an index beyond 9999"),
        (("STATIC", "x", "age"), "the constant does not fit the schema: text can't become a number"),
    ],
)
def test_refusals(mapping: tuple[str, str, str], reason: str) -> None:
    source_type, source, destination = mapping
    given = Mapping(SourceType(source_type), source, destination)
    fine = Mapping(SourceType.ATTRIBUTE, "a", "name")
    found = compile_mapping_set(MappingSet(None, 0, None, False, (fine, given)), SCHEMA, BOUNDS)
    assert found == (Refusal(1, given, reason),)


def test_a_constant_is_coerced_once() -> None:
    mappings = [
        {"sourceType": "STATIC", "source": "12", "destination": "age"},
        {"sourceType": "STATIC", "source": "31-Dec-2020", "destination": "born"},
    ]
    assert mapped(mappings, {}, SCHEMA).entity == {"age": 12, "born": "2020-12-31"}


def test_an_error_says_where_and_why() -> None:
    found = mapped({"name": "a", "age": "to_integer(b)"}, {"a": "x", "b": "y"}, SCHEMA)
    assert found.entity == {"name": "x"}
    assert found.errors == (MappingError("age", "to_integer(b)", SourceType.EXPRESSION, "the text is no number"),)


@pytest.mark.parametrize(
    ("mappings", "record", "entity"),
    [
        ({"name": "a", "age": "b"}, {"a": None}, {"name": None, "age": None}),
        ({"age": "a"}, {"a": "x"}, {"age": None}),
        ({"age": "to_integer(a)"}, {"a": "x"}, {"age": None}),
        ({"addr": "a"}, {"a": {"city": None}}, {"addr": {"city": None}}),
        ({"places[*].city": "a[*].c"}, {"a": [{"c": "x"}, {}]}, {"places": [{"city": "x"}, {"city": None}]}),
        ({"tags": "a"}, {"a": ["x", None]}, {"tags": ["x", None]}),
        ({"name": "nullify()"}, {}, {"name": None}),
    ],
)
def test_nulls_where_the_set_allows_them(mappings: Any, record: Any, entity: Any) -> None:
    assert mapped(mappings, record, SCHEMA, nulls=True).entity == entity


def test_no_nulls_where_it_does_not() -> None:
    found = mapped({"name": "nullify()", "addr": "a"}, {"a": {"city": None, "state": "x"}}, SCHEMA)
    assert found.entity == {"addr": {"state": "x"}}


@pytest.mark.parametrize(
    ("mappings", "upserts"),
    [
        ({"tags": "upsert_array_append(a)"}, (Upsert(("tags",), UpsertKind.APPEND),)),
        ({"tags": "upsert_array_replace(a)"}, (Upsert(("tags",), UpsertKind.REPLACE),)),
        ({"tags": "iif(true, upsert_array_append(a), null)"}, (Upsert(("tags",), UpsertKind.APPEND),)),
        ({"tags": "upsert_array_append(a)", "free": "a"}, (Upsert(("tags",), UpsertKind.APPEND),)),
        ({"free": "to_object('x', upsert_array_append(a))"}, ()),
        ([EXPRESSION_TO_TAGS, {"source": "b", "destination": "tags"}], ()),
        ({"free.x": "upsert_array_append(a)", "free": "'y'"}, ()),
        ({"tags": "a"}, ()),
    ],
)
def test_arrays_that_say_how_they_merge(mappings: Any, upserts: tuple[Upsert, ...]) -> None:
    found = mapped(mappings, {"a": ["x"], "b": ["x"]}, SCHEMA)
    assert found.upserts == upserts
    assert found.errors == ()
    if "tags" in mappings:
        assert found.entity["tags"] == ["x"]
        assert type(found.entity["tags"]) is list


def test_a_result_shares_nothing_with_its_record() -> None:
    record = {"a": {"b": [{"c": 1}]}}
    for source in ("a", "${a}", "coalesce(a, null)"):
        found = mapped({"x": source, "x.b[0].d": "a.b[0].c", "y": source}, record)
        assert found.entity == {"x": {"b": [{"c": 1, "d": 1}]}, "y": {"b": [{"c": 1}]}}
        assert record == {"a": {"b": [{"c": 1}]}}


def test_a_set_keeps_nothing_of_a_record() -> None:
    both = compiled({"x": "a", "y[1]": "a", "z": "upsert_array_append([a])"})
    one, other = (both.apply({"a": value}, NOW, chance, standing) for value in ("1", "2"))
    assert (one.entity, other.entity) == (
        {"x": "1", "y": ["1"], "z": ["1"]},
        {"x": "2", "y": ["2"], "z": ["2"]},
    )


def test_a_result_is_bounded() -> None:
    mappings = {f"f{number}": "a" for number in range(100)}
    found = mapped(mappings, {"a": ["x" * 100] * 10}, bounds=Bounds(10_000, 1.0))
    assert 5 <= len(found.entity) <= 10
    assert len(found.errors) >= 90
    assert {error.reason for error in found.errors} == {"the record's result is larger than 10000 bytes"}


def test_what_goes_to_every_element_counts_for_each() -> None:
    record = {"list": [{"n": number} for number in range(100)], "a": {"b": "x" * 500}}
    found = mapped({"p": "list", "p[*].a": "a"}, record, bounds=Bounds(20_000, 1.0))
    assert [error.reason for error in found.errors] == ["the record's result is larger than 20000 bytes"]
    few = mapped({"p": "list", "p[*].a": "a", "p[0].a.b": "'y'"}, {**record, "list": [{}, {}]})
    assert few.entity == {"p": [{"a": {"b": "y"}}, {"a": {"b": "x" * 500}}]}


def test_a_record_has_only_so_much_time() -> None:
    mappings = {f"f{number}": "upper(a)" for number in range(100)}
    found = mapped(mappings, {"a": "x"}, bounds=Bounds(10_000, 0.05), clock=ticking())
    assert 0 < len(found.entity) < 100
    assert {error.reason for error in found.errors} == {"the time for this record is over"}


def test_a_record_may_be_deep() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = {"a": deep}
    found = mapped({"x": "a", "y": "b"}, {"a": deep, "b": 1})
    assert found.entity == {"y": 1}
    assert [error.reason for error in found.errors] == ["the value is nested too deeply"]

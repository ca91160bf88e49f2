"""What is wrong with a value, in the words that senders are told; the compiled check passes and fails alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.source.xdm.schema import Schema, compile_schema
from exporter.source.xdm.validation.violation import Violation, as_report

#: Schemas with instances, and what a validator of another author says of each (null: nothing). Siblings have no order.
SAID = json.loads(Path(__file__).with_name("violations.json").read_text(encoding="utf-8"))
CASES = [
    pytest.param(group["schema"], instance, report, id=f"{number}-{index}")
    for number, group in enumerate(SAID)
    for index, (instance, report) in enumerate(group["instances"])
]


def compiled(document: Any) -> Schema:
    schema = compile_schema(document)
    assert isinstance(schema, Schema), schema
    return schema


def in_order(report: dict[str, Any]) -> dict[str, Any]:
    causes = sorted(map(in_order, report["causingExceptions"]), key=json.dumps)
    return {**report, "causingExceptions": causes}


@pytest.mark.parametrize(("document", "instance", "report"), CASES)
def test_violations_are_told_as_another_validator_tells_them(document: Any, instance: Any, report: Any) -> None:
    schema = compiled(document)
    found = schema.violations(instance, most=100)
    assert schema.passes(instance) == (report is None)
    assert [in_order(each.as_report()) for each in found] == ([] if report is None else [in_order(report)])


def test_the_fields_of_a_report_stand_in_the_order_of_the_reference() -> None:
    (found,) = compiled({"type": "string", "enum": ["a"]}).violations("b")
    assert list(found.as_report()) == [
        *("schemaLocation", "pointerToViolation", "causingExceptions", "keyword", "message"),
    ]
    assert list(found.causes[0].as_report()) == ["pointerToViolation", "causingExceptions", "keyword", "message"]


def test_a_report_holds_the_violations_in_a_list() -> None:
    found = compiled({"type": "null"}).violations(1)
    assert as_report(found) == {"_streamingValidation": [found[0].as_report()]}
    assert as_report(()) == {"_streamingValidation": []}


def leaves(violation: Violation) -> list[Violation]:
    return [leaf for cause in violation.causes for leaf in leaves(cause)] or [violation]


@pytest.mark.parametrize("most", [1, 2, 5, 6, 100])
@pytest.mark.parametrize(
    ("document", "instance", "all_there_are"),
    [
        ({"items": {"type": "string"}}, list(range(7)), 7),
        ({"type": "object", "additionalProperties": False, "properties": {}}, dict.fromkeys("abcdefg"), 7),
        ({"required": list("abcdefg")}, {}, 7),
        ({"additionalProperties": {"type": "string"}}, dict.fromkeys("abcdefg"), 7),
        ({"properties": {key: {"type": "string"} for key in "abcdefg"}}, dict.fromkeys("abcdefg"), 7),
        ({"anyOf": [{"required": list("abcd")}, {"required": list("efg")}]}, {}, 7),
        ({"items": {"allOf": [{"type": "string"}, {"minimum": 9}]}}, [1, 2, 3], 6),
        ({"items": {"type": "string", "enum": ["a"]}}, [1, 2, 3], 6),
        ({"items": {"not": {"type": "integer"}}}, [1, 2, 3], 3),
        ({"items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}, [1, 2, 3, None], 2),
        ({"items": {"type": ["boolean", "integer"]}}, [1, True, 2, "a", "b"], 4),
    ],
)
def test_no_more_violations_are_looked_for_than_asked(
    document: Any, instance: Any, all_there_are: int, most: int
) -> None:
    (found,) = compiled(document).violations(instance, most)
    assert len(leaves(found)) == found.count == min(most, all_there_are)
    if found.keyword is None:
        assert found.message == f"{found.count} schema violations found"


def test_five_are_looked_for_if_nothing_is_said() -> None:
    (found,) = compiled({"items": {"type": "string"}}).violations(list(range(9)))
    assert found.message == "5 schema violations found"


@pytest.mark.parametrize(
    ("document", "instance"),
    [
        ({"enum": ["a"]}, "x" * 100_000),
        ({"type": "string", "pattern": "a"}, "x" * 100_000),
        ({"type": "string", "format": "email"}, "x" * 100_000),
        ({"additionalProperties": False}, {"x" * 100_000: 1}),
        ({"enum": [1]}, {"a": ["x" * 100_000]}),
    ],
)
def test_a_long_value_is_cut_in_a_message(document: Any, instance: Any) -> None:
    (found,) = compiled(document).violations(instance)
    assert len(found.message) < 1100
    assert "…" in found.message


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (0, "Integer"),
        (-(2**31), "Integer"),
        (2**31 - 1, "Integer"),
        (2**31, "Long"),
        (-(2**63), "Long"),
        (2**63, "BigInteger"),
        (10**400, "BigInteger"),
        (1.0, "BigDecimal"),
        (1e300, "BigDecimal"),
        (False, "Boolean"),
        (None, "Null"),
        ({}, "JSONObject"),
        ([], "JSONArray"),
    ],
)
def test_types_are_told_from_how_python_has_them(value: Any, name: str) -> None:
    (found,) = compiled({"type": "string"}).violations(value)
    assert found.message == f"expected type: String, found: {name}"

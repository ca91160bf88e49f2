"""What is told of the language, to the API and to people."""

from __future__ import annotations

import json
from pathlib import Path

from exporter.source.dataprep.expressions.methods import METHODS
from exporter.source.dataprep.expressions.operators import OPERATORS
from exporter.source.dataprep.functions.table import FUNCTIONS, TABLE
from exporter.source.dataprep.listing import functions_page, list_functions, list_operators


def test_every_function_is_listed() -> None:
    listed = list_functions()
    assert {entry["function"] for entry in listed} == set(FUNCTIONS)
    fields = {
        "category",
        "function",
        "description",
        "syntax",
        "returns",
        "returnType",
        "example",
        "result",
        "params",
        "since",
    }
    assert all(set(entry) == fields for entry in listed)
    json.dumps(listed)


def test_what_is_listed_of_one() -> None:
    first = next(entry for entry in list_functions() if entry["function"] == "first")
    assert first["category"] == "Hierarchies - Arrays"
    assert first["syntax"] == "first(values, ...)"
    assert (first["example"], first["result"]) == ('first("1", "2", "3")', '"1"')
    assert [parameter["position"] for parameter in first["params"]] == [1]
    lcase = next(entry for entry in list_functions() if entry["function"] == "lcase")
    assert (lcase["syntax"], lcase["example"]) == ("lcase(input)", 'lcase("HeLLo")')


def test_every_operator_is_listed() -> None:
    listed = list_operators()
    assert len(listed) == sum(len(operator.symbols) for operator in OPERATORS)
    assert listed[0] == {
        "operatorSymbol": "+",
        "methodName": "add",
        "numberOfOperands": 2,
        "description": "The sum, or both texts one after the other",
        "example": "1 + 2",
    }
    names = {entry["methodName"] for entry in listed}
    assert {"add", "divide", "complement", "negate", "not"} <= names


def test_the_page_has_everything() -> None:
    page = functions_page()
    for function in TABLE:
        assert f"### `{function.name}`" in page
    for method in METHODS:
        assert f"| `{method}` |" in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} == {4}


def test_the_page_of_the_documentation_is_the_one_that_is_made() -> None:
    """After a change of a function, write ``functions_page()`` there again."""
    page = Path(__file__).parents[3] / "docs/data-prep-functions.md"
    assert page.read_text(encoding="utf-8") == functions_page()

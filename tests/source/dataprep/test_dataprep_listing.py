"""What is told of the language, to the API and to people."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from dataprep_runs import evaluated

from exporter.source.dataprep.expressions import parsing
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


def test_every_operator_that_a_grammar_needs_is_in_the_table() -> None:
    """The grammar names its operators once more; no symbol of either is missing in the other."""
    grammar = (Path(parsing.__file__).parent / "expression.lark").read_text(encoding="utf-8")
    terminals = re.findall(
        r"^(?:BITS_\w+|_?OR|_?AND|EQUALITY|SHIFT|COMPARISON|PLUS|MINUS|PRODUCT|COMPLEMENT|NOT|EMPTY|SIZE)[.\d]*: (.*)$",
        grammar,
        re.MULTILINE,
    )
    words = [each for line in terminals for pair in re.findall(r'"(\S+?)"|/(\w+)\\b', line) for each in pair if each]
    assert set(words) | {"? :", "?:", "??"} == {symbol for operator in OPERATORS for symbol in operator.symbols}


@pytest.mark.parametrize(
    ("symbol", "example", "result"),
    [(symbol, row.example_with(symbol), row.result) for row in OPERATORS for symbol in row.symbols],
)
def test_the_example_of_an_operator_comes_to_what_it_says(symbol: str, example: str, result: str) -> None:
    assert all(part in example for part in symbol.split())
    assert json.dumps(evaluated(example)) == result


def test_an_operator_with_a_word_is_shown_with_that_word() -> None:
    shown = {entry["operatorSymbol"]: entry["example"] for entry in list_operators()}
    assert [shown[word] for word in ("div", "not", "and", "eq")] == [
        "7 div 2",
        "not true",
        "true and false",
        "1 eq '1'",
    ]


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

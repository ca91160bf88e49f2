"""No pattern of ``re`` has possessive quantifiers: CPython 3.11.2, which Debian has, passes over matches with them."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import exporter

SOURCES = Path(exporter.__file__).parent

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from sre_parse import parse


def patterns(source: str) -> Iterator[str | bytes]:
    """What is given to ``re``'s functions as a literal, also where values are put into it with %."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            of_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
            first = node.args[0]
            literal = first.left if isinstance(first, ast.BinOp) else first
            if of_re and isinstance(literal, ast.Constant) and isinstance(literal.value, str | bytes):
                yield literal.value


def keeps_for_itself(pattern: str | bytes) -> bool:
    """Whether any part of a pattern gives nothing back."""
    return any(word in repr(parse(pattern)) for word in ("POSSESSIVE_REPEAT", "ATOMIC_GROUP"))  # type: ignore[arg-type]


@pytest.mark.parametrize("file", sorted(SOURCES.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCES)))
def test_no_pattern_keeps_for_itself(file: Path) -> None:
    for pattern in patterns(file.read_text(encoding="utf-8")):
        assert not keeps_for_itself(pattern), pattern


def test_one_that_does_is_found() -> None:
    assert [keeps_for_itself(each) for each in ("a*+", rb"(?>a)b", "a*", "[*+]")] == [True, True, False, False]
    assert list(patterns('import re\nre.compile(rb"a*+%s" % b"x")\nre.sub("b", "", "c")')) == [b"a*+%s", "b"]

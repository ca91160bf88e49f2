"""The strict YAML reader: what text stays text, what is refused and in which line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sections.operator_text import trimmed
from exporter.sections.regular_file import stamp_of
from exporter.settings.loading.expansion import Unset, expand, is_reference
from exporter.settings.loading.problems import path_text
from exporter.settings.loading.yaml_file import Document, read_document

ENVIRON = {"PORT": "8080", "EMPTY": "", "NULL": "null", "EVIL": "a: {b: c}\n# x", "NESTED": "${PORT}"}


def reading(tmp_path: Path, text: str | bytes) -> Document:
    file = tmp_path / "exporter.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(file, ENVIRON)


def problems(document: Document) -> list[tuple[int | None, str, str]]:
    return [(problem.line, problem.path, problem.reason) for problem in document.problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("0755", "0755"),
        ("1_000", "1_000"),
        ("2026-11-20", "2026-11-20"),
        ("=", "="),
        ("1.10", "1.10"),
        ("true", "true"),
        ("null", None),
        ("~", None),
        ("", None),
        ('"null"', "null"),
        ('""', ""),
        ("[NO, {a: 0x1F}]", ["NO", {"a": "0x1F"}]),
        ("|\n  two\n  lines", "two\nlines"),
        ("|+\n  one\n\n", "one"),
        ("!!str 5", "5"),
        ("${PORT}", "8080"),
        ("${EMPTY}", None),
        ("${NULL}", None),
        ('"${EMPTY}"', ""),
        ('"${NULL}"', "null"),
        ("${EMPTY:-standby}", "standby"),
        ("${UNKNOWN:-}", None),
        ("${UNKNOWN:-a b}", "a b"),
        ("x${EMPTY}y", "xy"),
        ("${EVIL}", "a: {b: c}\n# x"),
        ("${NESTED}", "${PORT}"),
        ("$${PORT}", "${PORT}"),
        ("$PORT $", "$PORT $"),
    ],
)
def test_a_scalar_is_its_text(tmp_path: Path, written: str, value: Any) -> None:
    document = reading(tmp_path, f"key: {written}\n")
    assert problems(document) == []
    assert document.value == {"key": value}


@pytest.mark.parametrize(
    ("text", "line", "path", "reason"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a", "this key is given twice (first in line 1)"),
        ("x:\n  - {a: 1, a: 2}\n", 2, "x[0].a", "this key is given twice (first in line 2)"),
        ("a:\n  b: ${MISSING}\n", 2, "a.b", "the environment variable MISSING is not set"),
        ("a: ${1}\n", 1, "a", "${ begins no ${NAME} or ${NAME:-default}; write $${ for the characters themselves"),
        ("a: 1\nb: !thing 2\n", 2, "b", "the tag !thing is not known here"),
        (
            "b: !!python/object/apply:os.system [ls]\n",
            1,
            "b",
            "the tag !!python/object/apply:os.system is not known here",
        ),
        ("b: !!binary aGk=\n", 1, "b", "the tag !!binary is not known here"),
        ("b: !file [a]\n", 1, "b", "!file wants the path of a file, as text"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "c", "merge keys (<<) are not supported"),
        ("[1, 2]: 3\n", 1, "", "a key must be text"),
        ("a: 1\n---\nb: 2\n", 2, "", "the file must hold a single document"),
        ("a: *nowhere\n", 1, "", "this is not YAML: an alias without its anchor"),
        ("a: {b: ${PORT}}\n", 1, "", 'this is not YAML: between { } or [ ] a variable must be quoted, as in "${NAME}"'),
        ("a: &x [*x]\n", 1, "", "aliases or nesting go too far here"),
        ("a: " + "[" * 100 + "]" * 100, 1, "", "aliases or nesting go too far here"),
        (b"\xff\xfe\xff", None, "", "the file is not UTF-8 text"),
        ("a: !file nowhere\n", 1, "a", "the file {folder}/nowhere cannot be read: No such file or directory"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str | bytes, line: int | None, path: str, reason: str) -> None:
    expected = reason.replace("{folder}", str(tmp_path))
    assert problems(reading(tmp_path, text)) == [(line, path, expected)]


def test_deep_nesting_and_an_alias_bomb_end_quickly(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    for text in (bomb, "[" * 100_000, "a: " * 3 + "{" * 5_000):
        assert len(reading(tmp_path, text).problems) == 1


def test_an_alias_may_be_used(tmp_path: Path) -> None:
    document = reading(tmp_path, "a: &x [1, 2]\nb: *x\n")
    assert document.value == {"a": ["1", "2"], "b": ["1", "2"]}
    assert document.problems == []


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    document = read_document(tmp_path / "nowhere.yaml", {})
    assert problems(document) == [(None, "", "the file cannot be read: No such file or directory")]


def test_a_secret_file_is_read_beside_the_configuration_and_remembered(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    document = reading(tmp_path, "a: !file token\nb: !file ${UNKNOWN:-token}\nc: plain\nd: ${PORT}\n")
    assert document.value == {"a": "s3cret", "b": "s3cret", "c": "plain", "d": "8080"}
    assert document.value["a"].file == tmp_path / "token"
    assert document.secret_files == {tmp_path / "token": stamp_of(tmp_path / "token")}
    assert document.indirect == {("a",), ("b",), ("d",)}


def test_every_value_knows_its_line(tmp_path: Path) -> None:
    document = reading(tmp_path, "# comment\na:\n  - b: 1\n    c:\n      2\n")
    assert document.lines == {(): 2, ("a",): 2, ("a", 0): 3, ("a", 0, "b"): 3, ("a", 0, "c"): 4}
    assert path_text(("a", 0, "c")) == "a[0].c"


@given(st.text())
def test_text_without_a_reference_stays(text: str) -> None:
    if "${" not in text:
        assert expand(text, {}) == text


@given(st.text())
def test_what_a_variable_holds_is_not_looked_into(value: str) -> None:
    held = trimmed(value)
    assert expand("<${X}>", {"X": value}) == f"<{held}>"
    assert expand("<${X:-d}>", {"X": value}) == f"<{held or 'd'}>"


@given(st.text(alphabet="$${}:-AZ_ 9"))
def test_expanding_gives_text_or_says_why(text: str) -> None:
    try:
        assert isinstance(expand(text, {"A": "1"}), str)
    except Unset as unset:
        assert str(unset)  # noqa: PT017 - either end is right, and nothing else
    assert is_reference(text) <= text.startswith("${")

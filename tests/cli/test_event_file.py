"""Files of events, however people and programs write them: which events are in them, and at which lines they begin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standard_input import standard_input

from exporter.cli.events import event_file
from exporter.cli.events.event_file import STDIN, Endless, Found, events_in

BOM = b"\xef\xbb\xbf"


def found(folder: Path, content: bytes) -> list[tuple[int, bytes]]:
    file = folder / "events"
    file.write_bytes(content)
    events = list(events_in([file]))
    assert {event.file for event in events} <= {str(file)}
    return [(event.line, event.body) for event in events]


@pytest.mark.parametrize(
    ("content", "events"),
    [
        (b"", []),
        (b"\n \r\n", []),
        (b'{"a":1}\n\n{"b":2}', [(1, b'{"a":1}'), (3, b'{"b":2}')]),
        (BOM + b'{"a":1}\r\n{"b":2}\r\n', [(1, b'{"a":1}'), (2, b'{"b":2}')]),
        (b'[{"a":1},{"b":[2]}]', [(1, b'{"a":1}'), (1, b'{"b":[2]}')]),
        (b"[]\n[ ]\n[\n]\n3", [(5, b"3")]),
        (
            b'{"a":1}\n[{"b":2},\n 3, "x",\n[4]\n]\n{"c":1}',
            [(1, b'{"a":1}'), (2, b'{"b":2}'), (3, b"3"), (3, b'"x"'), (4, b"[4]"), (6, b'{"c":1}')],
        ),
        (b'{\n"a": [1,\n2]\n}\n{\n}\n', [(1, b'{\n"a": [1,\n2]\n}'), (5, b"{\n}")]),
        (BOM + b'{\r\n"a":"]"\r\n}\r\n{"b":2}', [(1, b'{\r\n"a":"]"\r\n}'), (4, b'{"b":2}')]),
        (b"{\n}{\n}", [(1, b"{\n}"), (2, b"{\n}")]),
        (b'{"id": "e",\n "a": {}}\n{"b":2}', [(1, b'{"id": "e",\n "a": {}}'), (3, b'{"b":2}')]),
        (b'[\n  {"a": "\\ud83d"},\n  {"b": 2}\n]', [(2, b'{"a": "\\ud83d"}'), (3, b'{"b": 2}')]),
        (b'{"a":"\\ud83d"}\n[{"a":"\\ud83d"},{}]', [(1, b'{"a":"\\ud83d"}'), (2, b'{"a":"\\ud83d"}'), (2, b"{}")]),
        (b'{"a":"\\\\"}\n{"b":"\\"{"}', [(1, b'{"a":"\\\\"}'), (2, b'{"b":"\\"{"}')]),
    ],
)
def test_events_and_their_lines(tmp_path: Path, content: bytes, events: list[tuple[int, bytes]]) -> None:
    assert found(tmp_path, content) == events


@pytest.mark.parametrize(
    ("content", "events"),
    [
        (b'nope\n{"a":1}', [(1, b"nope"), (2, b'{"a":1}')]),
        (b'{"a": 1\n{"b":2}', [(1, b'{"a": 1'), (2, b'{"b":2}')]),
        (b'{"a":1,\n{"b":2}\n{"c":3}', [(1, b'{"a":1,'), (2, b'{"b":2}'), (3, b'{"c":3}')]),
        (b'{"a":"x\n{"b":2}', [(1, b'{"a":"x'), (2, b'{"b":2}')]),
        (b'{"a":\n{"b":2}\n{"c":3}', [(1, b'{"a":'), (2, b'{"b":2}'), (3, b'{"c":3}')]),
        (b'{"a":1} {}\n{"b":1}', [(1, b'{"a":1} {}'), (2, b'{"b":1}')]),
        (b'[{"a":1} {"b":2}]\n3', [(1, b'{"a":1}'), (1, b'{"b":2}]'), (2, b"3")]),
        (b'[\n{"a":1}\n{"b":2}\n]', [(2, b'{"a":1}'), (3, b'{"b":2}'), (4, b"]")]),
        (b"[1,]\n2", [(1, b"1"), (1, b"]"), (2, b"2")]),
        (b'{\n"a":1', [(1, b'{\n"a":1')]),
        (b'[\n{"a":1},\n{"b":', [(2, b'{"a":1}'), (3, b'{"b":')]),
        (b'[\n{"a":1}\n', [(2, b'{"a":1}'), (1, b"[")]),
        (b"}\n{}", [(1, b"}"), (2, b"{}")]),
    ],
)
def test_what_is_no_json_comes_out_as_it_stands_and_the_others_too(
    tmp_path: Path, content: bytes, events: list[tuple[int, bytes]]
) -> None:
    assert found(tmp_path, content) == events


def test_files_follow_one_another_and_a_dash_is_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(BOM + b"[\n1,\n2]\n")
    with standard_input(BOM + b"3\n"):
        found = list(events_in([file, STDIN, file]))
    assert found == [
        Found(str(file), 2, b"1", 8),
        Found(str(file), 3, b"2", 3),
        Found("stdin", 1, b"3", 5),
        Found(str(file), 2, b"1", 8),
        Found(str(file), 3, b"2", 3),
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"1\n" + b"\0" * 200, "events:2: a line", id="a line"),
        pytest.param(b'1\n2\n{\n"a": 1,\n' + b'"b": 2,\n' * 20, "events:3: an event", id="an event"),
        pytest.param(b"[\n1,\n{\n" + b'"b": 2,\n' * 20, "events:1: an event", id="an event of a list"),
    ],
)
def test_what_has_no_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, what: str) -> None:
    monkeypatch.setattr(event_file, "MOST_BYTES", 100)
    with pytest.raises(Endless, match=f"{what} is longer than"):
        found(tmp_path, content)


def test_a_list_of_any_length_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_file, "MOST_BYTES", 100)
    content = b"[\n" + b'{"a":\n1},\n' * 100 + b"2]\n"
    assert len(found(tmp_path, content)) == 101


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=3)
INDENTS = st.sampled_from([None, 0, 2])
PARTS = st.tuples(OBJECTS | st.lists(OBJECTS, max_size=3), INDENTS, st.booleans())


@given(st.lists(PARTS, max_size=4), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_whatever_is_written_is_found(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[Any, int | None, bool]], between: str
) -> None:
    texts = [json.dumps(value, indent=indent, ensure_ascii=ascii_only) for value, indent, ascii_only in parts]
    expected = [one for value, _, _ in parts for one in (value if isinstance(value, list) else [value])]
    content = between.join(texts).encode("utf-8", "surrogatepass")
    events = found(tmp_path_factory.mktemp("generated"), content)
    assert [json.loads(body.decode("utf-8", "surrogatepass")) for _, body in events] == expected
    lines = content.split(b"\n")
    assert all(body.split(b"\n")[0].strip() in lines[line - 1] for line, body in events)

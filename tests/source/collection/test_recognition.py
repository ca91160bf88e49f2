"""A head that comes again is recognised, whatever length it states, and decides what it would decide if read anew."""

from __future__ import annotations

import pytest
from data_plane import LOCKED, OPEN, Intake, plane, taking_of
from hypothesis import given
from hypothesis import strategies as st

from exporter.source.collection.checks.admission import Admitted
from exporter.source.collection.server import recognition
from exporter.source.collection.server.bounds import Bounds
from exporter.source.collection.server.head import BadHead, ParsedHead, parse_head
from exporter.source.collection.server.recognition import Recognised, Recognition
from exporter.source.collection.taking import Taking

BOUNDS = Bounds()
MAX_BODY = 1000


def head(length: str, *, path: str = f"/collection/{OPEN.id}", before: str = "", behind: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{before}Content-Length: {length}\r\n{behind}\r\n".encode()


@pytest.fixture
async def taking() -> Taking:
    return taking_of(Intake(), max_body=MAX_BODY)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    seen: list[bytes] = []

    def parse(head: bytes, bounds: Bounds) -> ParsedHead | BadHead:
        seen.append(head)
        return parse_head(head, bounds)

    monkeypatch.setattr(recognition, "parse_head", parse)
    return seen


LENGTHS = st.integers(0, 2 * MAX_BODY).map(str) | st.text("0123456789+-, \t\rx", max_size=20) | st.just("9" * 18)


@given(
    st.lists(
        st.builds(
            head,
            LENGTHS,
            path=st.sampled_from([f"/collection/{OPEN.id}", f"/collection/{LOCKED.id}", "/elsewhere"]),
            before=st.sampled_from(["", "content-type: application/json\r\n", "Authorization: good\r\n"]),
            behind=st.sampled_from(["", "Expect: 100-continue\r\n", "Content-Length: 5\r\n", "Connection: close\r\n"]),
        ),
        min_size=2,
        max_size=4,
    ),
    st.binary(max_size=3),
)
async def test_what_is_recognised_decides_what_it_would_if_read_anew(heads: list[bytes], body: bytes) -> None:
    taking = taking_of(Intake(), max_body=MAX_BODY)
    known = Recognition()
    for each in heads:
        again = known.again(each + body, taking)
        found, anew = known.read(each, taking, BOUNDS), Recognition().read(each, taking, BOUNDS)
        if isinstance(found, BadHead) or isinstance(anew, BadHead):
            assert found == anew
            assert again is None
            continue
        assert _decided(*found) == _decided(*anew)
        if again is not None:
            assert _decided(again[0], len(body)) == _decided(*anew)
            assert again[1] == len(each)


def _decided(found: Recognised, length: int | None) -> object:
    parsed = found.parsed
    about = {name: value for name, value in parsed.request.headers.items() if name != "content-length"}
    return found.found, length, about, parsed.request.path, parsed.keep_alive, parsed.expects, found.plain


@pytest.mark.parametrize("lengths", [("3", "3"), ("3", "12"), ("12", "3"), ("3", "1000"), ("3", "0"), ("3", "007")])
def test_another_length_is_recognised(taking: Taking, parsed: list[bytes], lengths: tuple[str, str]) -> None:
    known = Recognition()
    for each in lengths:
        found = known.read(head(each, behind="content-type: application/json\r\n"), taking, BOUNDS)
        assert not isinstance(found, BadHead)
        assert found[1] == int(each)
    assert len(parsed) == 1
    body = b"x" * int(lengths[1])
    whole = head(lengths[1], behind="content-type: application/json\r\n")
    assert (again := known.again(whole + body, taking)) is not None
    assert again[1] == len(whole)
    assert known.again(whole + body + b"x", taking) is None
    assert known.again(whole + body[1:], taking) is None or not body


@pytest.mark.parametrize("second", ["1001", "9" * 19, "5, 5", "+5", ""])
def test_a_length_that_would_be_judged_otherwise_is_read_anew(taking: Taking, parsed: list[bytes], second: str) -> None:
    known = Recognition()
    known.read(head("5"), taking, BOUNDS)
    found = known.read(head(second), taking, BOUNDS)
    assert len(parsed) == 2
    assert isinstance(found, BadHead) or not isinstance(found[0].found, Admitted)


def test_under_another_plane_a_head_is_read_anew(taking: Taking, parsed: list[bytes]) -> None:
    known = Recognition()
    known.read(head("5"), taking, BOUNDS)
    taking.plane = plane(max_body=4)
    assert known.again(head("5") + b"xxxxx", taking) is None
    found = known.read(head("5"), taking, BOUNDS)
    assert not isinstance(found, BadHead)
    assert not isinstance(found[0].found, Admitted)
    assert len(parsed) == 2

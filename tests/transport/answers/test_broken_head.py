"""What is read of heads that a parser refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.transport.answers.broken_head import Begun, NotAnAnswer, StatusLine, WholeHead, read_head
from exporter.transport.answers.reader import AnswerReader

HEAD = b"HTTP/1.1 503 Busy\r\nX : 1\r\nRetry-After: 7\r\nRetry-After: 8\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"", Begun()),
        (b"\r\nHTTP/1.", Begun()),
        (b"HTTP/1.1  40", Begun()),
        (b"HTTP/1.1 103 Soon\r\nX : 1\r\n", Begun()),
        (b"HTTP/1.1 103 Soon\r\nX : 1\r\n\r\nHT", Begun()),
        (b"HTTP/1.1 2000 OK\r\n", NotAnAnswer()),
        (b"HTTP/1.1 099 OK\r\n", NotAnAnswer()),
        (b"HTTP/1.1 101 Now\r\n", NotAnAnswer()),
        (b"http/1.1 200 OK\r\n", NotAnAnswer()),
        (b"HTTP/1.1 103 Soon\r\n\r\nno", NotAnAnswer()),
        (b"HTTP/1.1 200 O\rK", StatusLine(200, b"")),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nX", StatusLine(429, b"Retry-After: 7\r")),
    ],
)
def test_what_has_no_end_yet(received: bytes, expected: object) -> None:
    assert read_head(received) == expected


def test_headers_are_known_of_a_head_without_an_end() -> None:
    found = read_head(HEAD[:-4])
    assert isinstance(found, StatusLine)
    assert found.headers() == {"x": "1", "retry-after": "7"}


def test_headers_are_those_that_can_be_read() -> None:
    found = read_head(HEAD + b"no")
    assert isinstance(found, WholeHead)
    assert found.status == 503
    assert found.headers == {"x": "1", "retry-after": "7", "content-length": "2"}
    assert found.end == len(HEAD)


@pytest.mark.parametrize(
    ("fields", "body", "heard"),
    [
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"Content-Length: 2\r\nContent-Length: 3\r\n", b"okay", b"ok"),
        (b"Content-Length: 2, 2\r\n", b"ok", b"ok"),
        (b"X : 1\r\n", b"until the end", b"until the end"),
        (b"X : 1\r\nTransfer-Encoding: gzip\r\n", b"until the end", b"until the end"),
        (b"X : 1\r\nTransfer-Encoding:\r\n chunked\r\n", b"2\r\nok\r\n0\r\n\r\n", b"ok"),
    ],
)
def test_a_body_is_framed_as_well_as_can_be_told(fields: bytes, body: bytes, heard: bytes) -> None:
    """The answer of a token endpoint, say, is of no use without it."""
    reader = AnswerReader()
    reader.begin()
    reader.feed(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body)
    assert (reader.status, reader.answer().body, reader.keeps) == (200, heard, False)
    reader.close()


def test_a_204_has_no_body_whatever_its_head_says() -> None:
    reader = AnswerReader()
    reader.begin()
    reader.feed(b"HTTP/1.1 204 No Content\r\nX : 1\r\nContent-Length: 9\r\n\r\n")
    assert (reader.status, reader.ended, reader.keeps) == (204, True, False)
    reader.close()


@given(st.binary(max_size=40), st.lists(st.integers(0, 200), max_size=5))
def test_the_status_does_not_depend_on_the_pieces(noise: bytes, cuts: list[int]) -> None:
    said = HEAD[:26] + noise + HEAD[26:] + b"no"
    whole, pieces = AnswerReader(), AnswerReader()
    for reader in (whole, pieces):
        reader.begin()
    whole.feed(said)
    ends = sorted({min(cut, len(said)) for cut in cuts} | {len(said)})
    for begin, end in zip([0, *ends], ends, strict=False):
        if said[begin:end] and not pieces.refusal and not pieces.ended:
            pieces.feed(said[begin:end])
    assert (whole.last_word() is None) == (pieces.last_word() is None)
    assert (whole.status, whole.refusal) == (pieces.status, pieces.refusal)
    for reader in (whole, pieces):
        reader.close()

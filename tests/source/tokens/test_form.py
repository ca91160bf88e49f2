"""What clients send to a token endpoint, in all its encodings; whatever else it is, it is no form."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.source.tokens.issuing.form import MOST_BYTES, NoForm, read_fields

URL_ENCODED = "application/x-www-form-urlencoded"
CURL = "multipart/form-data; boundary=------------------------d8e0c1"
MULTIPART = (
    b"--------------------------d8e0c1\r\n"
    b'Content-Disposition: form-data; name="client_id"\r\n\r\nacme-client\r\n'
    b"--------------------------d8e0c1\r\n"
    b'Content-Disposition: form-data; name="jwt_token"; filename="token.jwt"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\na.b.c\r\n"
    b"--------------------------d8e0c1--\r\n"
)
ANOTHER_MULTIPART = (
    b"preamble\r\n--b b \r\n"
    b"content-disposition: form-data ; x=y; name=n\r\n\r\nline\r\n-- no boundary\r\n\r\n"
    b"--b b--\r\nend"
)


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("query", "content_type", "body", "authorization", "fields"),
    [
        pytest.param("", URL_ENCODED, b"a=1&scope=x,y", "", {"a": "1", "scope": "x,y"}, id="commas raw"),
        pytest.param("", URL_ENCODED, b"scope=x%2Cy", "", {"scope": "x,y"}, id="commas encoded"),
        pytest.param("", URL_ENCODED, b"&a=1&b=2&", "", {"a": "1", "b": "2"}, id="separators around"),
        pytest.param("a=1&b=x+y", "", b"", "", {"a": "1", "b": "x y"}, id="query"),
        pytest.param("a=1", URL_ENCODED, b"b=2", "", {"a": "1", "b": "2"}, id="query and body"),
        pytest.param("a=1", URL_ENCODED, b"a=1", "", {"a": "1"}, id="the same twice"),
        pytest.param("", "", b"a=1", "", {"a": "1"}, id="no content type"),
        pytest.param("", URL_ENCODED, b"a=", "", {"a": ""}, id="empty"),
        pytest.param("", URL_ENCODED, "n=é".encode(), "", {"n": "é"}, id="not percent-encoded"),
        pytest.param("", CURL, MULTIPART, "", {"client_id": "acme-client", "jwt_token": "a.b.c"}, id="curl -F"),
        pytest.param(
            "",
            'Multipart/Form-Data; charset=utf-8; Boundary="b b"',
            ANOTHER_MULTIPART,
            "",
            {"n": "line\r\n-- no boundary\r\n"},
            id="another multipart",
        ),
        pytest.param(
            "", "", b"a=1", basic("me:a%3Ab+c"), {"a": "1", "client_id": "me", "client_secret": "a:b c"}, id="Basic"
        ),
        pytest.param("", "", b"a=1", "Bearer x", {"a": "1"}, id="a token that is presented"),
    ],
)
def test_fields(query: str, content_type: str, body: bytes, authorization: str, fields: dict[str, str]) -> None:
    assert read_fields(query, content_type, body, authorization) == fields


@pytest.mark.parametrize(
    ("query", "content_type", "body", "authorization", "reason"),
    [
        pytest.param("a=1", URL_ENCODED, b"a=2", "", "a field is there twice", id="two values"),
        pytest.param("", URL_ENCODED, b"a=%ff", "", "the form is no UTF-8", id="encoded bytes"),
        pytest.param("", URL_ENCODED, b"a=\xff", "", "the form is no UTF-8", id="bytes"),
        pytest.param("a=\udcff", "", b"", "", "the form is no UTF-8", id="bytes of the query"),
        pytest.param("", URL_ENCODED, b"&a=1" * 200, "", "the form has more than 100 fields", id="fields"),
        pytest.param("", URL_ENCODED, b"a" * MOST_BYTES + b"=", "", "the form has more than 64 KiB", id="size"),
        pytest.param("", "multipart/form-data", MULTIPART, "", "the content type names no boundary", id="boundary"),
        pytest.param("", CURL, MULTIPART[:-10], "", "the form does not end", id="cut off"),
        pytest.param("", CURL, b"", "", "the form does not end", id="no part"),
        pytest.param("", CURL, MULTIPART.replace(b"name=", b"named="), "", "a part of the form has no name", id="name"),
        pytest.param("", CURL, MULTIPART.replace(b"a.b.c", b"\xff"), "", "the form is no UTF-8", id="part"),
        pytest.param("", "", b"", "Basic %", "the header Authorization says Basic", id="no base64"),
        pytest.param("", "", b"", basic("%ff:"), "the header Authorization says Basic", id="Basic is no UTF-8"),
        pytest.param("", "", b"client_id=you", basic("me:x"), "a field is there twice", id="another in the body"),
    ],
)
def test_no_form(query: str, content_type: str, body: bytes, authorization: str, reason: str) -> None:
    with pytest.raises(NoForm, match=reason):
        read_fields(query, content_type, body, authorization)


@given(
    st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("ascii", "surrogateescape")),
    st.sampled_from(["", URL_ENCODED, CURL, "multipart/form-data; boundary=b"]) | st.text(max_size=40),
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from([b"--b", b"--", b"\r\n", b"\r\n\r\n", b"name=", b'"', b"Content-Disposition: form-data;", b"x"])
    ).map(b"".join),
    st.just("") | st.text(max_size=20) | st.text(max_size=20).map(lambda text: f"basic {text}"),
)
def test_whatever_is_sent_is_a_form_or_none(query: str, content_type: str, body: bytes, authorization: str) -> None:
    try:
        fields = read_fields(query, content_type, body, authorization)
    except NoForm:
        return
    for value in fields.values():
        value.encode()


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.text(st.characters(codec="utf-8"), max_size=30))
)
def test_a_multipart_form_says_what_was_put_in(fields: dict[str, str]) -> None:
    boundary = "--- so long that no text has it ---"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join([*parts, f"--{boundary}--\r\n"]).encode()
    assert read_fields("", f'multipart/form-data; boundary="{boundary}"', body) == fields

"""URLs, headers and queries of the configuration: what is taken and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from exporter.sections.mistakes import KIND
from exporter.sections.urls import http_url, proxy_url, shown
from exporter.settings.headers import read_headers, read_query
from exporter.settings.tree import Ops


@pytest.mark.parametrize(
    "url",
    [
        "https://partner.example.com/profiles",
        "http://127.0.0.1:8080/",
        "http://[::1]:8080/x?a=b&c=%20",
        "HTTPS://Example.COM./p",
        "http://receiver_1:80",
        "https://xn--bcher-kva.example/?sig=a|b",
    ],
)
def test_a_url_is_kept_as_it_is_written(url: str) -> None:
    assert http_url(url) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "must begin with http"),
        ("example.com/profiles", "must begin with http"),
        ("", "must begin with http"),
        ("https:///profiles", "must name a host"),
        ("https://:443/", "must name a host"),
        ("https://-x/", "must name a host"),
        ("https://ex%61mple.com/", "must name a host"),
        ("https://[::1/", "not a URL"),
        ("https://example.com:99999/", "not a URL"),
        ("https://example.com:http/", "not a URL"),
        ("https://example.com:0/", "port 0"),
        ("https://hunter2:hunter2@example.com/", "must not carry a user"),
        ("https://example.com/#hunter2", "fragment"),
        ("https://example.com/a b", "spaces or control"),
        ("https://example.com/a\r\nX: hunter2", "spaces or control"),
        ("https://example.com/\x00", "spaces or control"),
        ("https://bücher.example/", "must be ASCII"),
        ("https://example.com/ü", "must be ASCII"),
        ("https://example.com\\@evil.example/", "must not contain any of"),
        ("https://example.com/{id}", "must not contain any of"),
    ],
)
def test_a_bad_url_is_refused_without_being_shown(url: str, reason: str) -> None:
    with pytest.raises(PydanticCustomError, match=reason) as refused:
        http_url(url)
    assert "hunter2" not in str(refused.value)


def test_a_proxy_may_carry_a_user_but_no_path() -> None:
    assert proxy_url("http://user:p%40ss@proxy.example.com:3128") == "http://user:p%40ss@proxy.example.com:3128"
    with pytest.raises(PydanticCustomError, match="only scheme, host and port"):
        proxy_url("http://proxy.example.com:3128/path")
    with pytest.raises(PydanticCustomError, match="must begin with http"):
        proxy_url("socks5://proxy.example.com:1080")


def test_what_is_shown_of_a_url_holds_no_secret() -> None:
    assert (
        shown("https://u:hunter2@example.com:8443/p?key=hunter2&hunter2&v=") == "https://example.com:8443/p?key=…&…&v=…"
    )
    assert shown("http://[::1]:80/") == "http://[::1]:80/"


@pytest.mark.parametrize(
    ("written", "headers"),
    [
        ("x-team:growth,x-env:prod", {"x-team": "growth", "x-env": "prod"}),
        ("X-Callback:https://example.com/a", {"X-Callback": "https://example.com/a"}),
        ("a: b , c:d", {"a": "b", "c": "d"}),
        ("a:", {"a": ""}),
        ("", {}),
        ({}, {}),
        ({"X-Team": "growth, and more", "x-latin": "é"}, {"X-Team": "growth, and more", "x-latin": "é"}),
        ({"Content-Type": "application/vnd.partner+json"}, {"Content-Type": "application/vnd.partner+json"}),
    ],
)
def test_both_ways_of_writing_headers(written: Any, headers: dict[str, str]) -> None:
    assert read_headers(written) == headers


@pytest.mark.parametrize(
    ("written", "at", "reason"),
    [
        ({"x": "a\r\nb"}, ("x",), "CR, LF, NUL"),
        ({"x": "a\nb"}, ("x",), "CR, LF, NUL"),
        ({"x": "a\x00"}, ("x",), "CR, LF, NUL"),
        ({"x": "a\x1b[0m"}, ("x",), "CR, LF, NUL"),
        ({"x": "日本"}, ("x",), "Latin-1"),
        ({"x": None}, ("x",), "must be text"),
        ({"x": ["a"]}, ("x",), "must be text"),
        ({"x y": "a"}, ("x y",), "token of RFC 9110"),
        ({"x:y": "a"}, ("x:y",), "token of RFC 9110"),
        ({"x\r\ny": "a"}, ("x\r\ny",), "token of RFC 9110"),
        ({"": "a"}, ("",), "token of RFC 9110"),
        ({"ü": "a"}, ("ü",), "token of RFC 9110"),
        ({"x": "a", "X": "b"}, ("X",), "given twice"),
        *(
            ({name: "a"}, (name,), "cannot be set")
            for name in (
                "Host",
                "content-length",
                "Transfer-Encoding",
                "CONNECTION",
                "Idempotency-Key",
                "exporter-position",
                "Content-Encoding",
            )
        ),
        ("x-team", (), "part 1 between commas has no colon"),
        ("a:b,hunter2", (), "part 2 between commas has no colon"),
        ("a:b,", (), "part 2 between commas has no colon"),
        ("a:b,A:c", (), "part 2 between commas: this header is given twice"),
        ("a:b,host:b", (), "part 2 between commas: this header .* cannot be set"),
        ("a:b,hunter2:\n", (), "part 2 between commas: a header's value must not contain CR, LF"),
        (["a:b"], (), "headers must be a mapping or text"),
    ],
)
def test_bad_headers_are_refused_where_they_stand(written: Any, at: tuple[str, ...], reason: str) -> None:
    with pytest.raises(PydanticCustomError, match=reason) as refused:
        read_headers(written)
    context = refused.value.context
    assert context is not None
    assert [mistake.at for mistake in context[KIND]] == [at]
    assert "hunter2" not in str(refused.value)


def test_queries_in_both_ways() -> None:
    assert read_query("source=cdp&v=2&%20=+") == "source=cdp&v=2&%20=+"
    assert read_query({"source": "a b&c", "ü": "=", "v": "2"}) == "source=a%20b%26c&%C3%BC=%3D&v=2"
    for bad in ("a b", "a#b", "a\r\nb", "ü=1", 5, {"a": None}, {"a": ["b"]}):
        with pytest.raises(PydanticCustomError):
            read_query(bad)


def test_names_of_the_ops_port() -> None:
    assert Ops(hosts=("Exporter.Example.com.", "ops")).hosts == ("exporter.example.com", "ops")
    for wrong in ("", "https://ops", "ops:9464", "a b", "*", "ops/"):
        with pytest.raises(ValidationError, match="should be the name of a host, without scheme and port"):
            Ops(hosts=(wrong,))

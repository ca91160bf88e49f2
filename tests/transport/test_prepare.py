"""How a request is put together."""

from __future__ import annotations

from typing import Any

import pytest

from exporter import __version__
from exporter.settings.presented_secrets import prepare
from exporter.settings.tree import Destination


def destination(**more: Any) -> Destination:
    return Destination(**{"name": "crm", "endpoint": "https://partner.example.com/profiles", **more})


def test_a_request_carries_ours_then_the_configured_headers_then_the_token_then_its_own() -> None:
    prepared = prepare(destination(headers={"x-team": "growth"}, query="source=cdp&v=2"))
    request = prepared.request("Bearer t", "crm:e-1", "journal-7", b"{}")
    assert request.url == "https://partner.example.com/profiles?source=cdp&v=2"
    assert request.fixed == (
        ("Content-Type", "application/json"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", f"exporter/{__version__}"),
        ("x-team", "growth"),
        ("Authorization", "Bearer t"),
    )
    assert request.own == (("Idempotency-Key", "crm:e-1"), ("Exporter-Position", "journal-7"))
    assert request.body == b"{}"


def test_without_authorization_and_position() -> None:
    request = prepare(destination(position_header=False)).request(None, "crm:e-1", "journal-7", b"{}")
    assert "Authorization" not in dict(request.fixed)
    assert request.own == (("Idempotency-Key", "crm:e-1"),)


def test_a_configured_header_replaces_ours_whatever_its_case() -> None:
    request = prepare(destination(headers={"user-agent": "mine"})).request(None, "k", "p", b"")
    assert [value for name, value in request.fixed if name.lower() == "user-agent"] == ["mine"]


def test_the_fixed_headers_are_one_tuple_as_long_as_the_token_stays() -> None:
    prepared = prepare(destination())
    first, again = (prepared.request(token, "k", "p", b"") for token in ("Bearer a", "".join(["Bearer", " a"])))
    assert again.fixed is first.fixed
    other = prepared.request("Bearer b", "k", "p", b"")
    assert ("Authorization", "Bearer b") in other.fixed
    assert ("Authorization", "Bearer a") not in other.fixed
    none = prepared.request(None, "k", "p", b"")
    assert none.fixed is prepared.request(None, "k", "p", b"").fixed
    assert "Authorization" not in dict(none.fixed)


@pytest.mark.parametrize(
    ("endpoint", "query", "url"),
    [
        ("https://h/p", "", "https://h/p"),
        ("https://h/p?a=1", "", "https://h/p?a=1"),
        ("https://h/p?a=1", "b=2&c=%20", "https://h/p?a=1&b=2&c=%20"),
        ("https://h/p?", "b=2", "https://h/p?b=2"),
        ("https://h/p?a=1&", "b=2", "https://h/p?a=1&b=2"),
        ("https://h/p", {"b": "2 3", "c": "ü&="}, "https://h/p?b=2%203&c=%C3%BC%26%3D"),
    ],
)
def test_the_endpoints_own_query_stays_and_the_configured_one_follows(endpoint: str, query: Any, url: str) -> None:
    assert prepare(destination(endpoint=endpoint, query=query)).request(None, "k", "p", b"").url == url


def test_no_repr_shows_headers_or_body() -> None:
    prepared = prepare(destination(headers={"x-secret": "open sesame"}))
    request = prepared.request("Bearer t0ken", "k", "p", b"personal")
    for text in (repr(prepared), repr(request)):
        assert not any(secret in text for secret in ("sesame", "t0ken", "personal"))

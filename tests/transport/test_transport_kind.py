"""Which transport a destination gets, and what its settings refuse because of that."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.settings.destination import Destination
from exporter.transport.lean.transport import LeanTransport
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportKind, TransportOptions
from exporter.transport.over_aiohttp.transport import AiohttpTransport

PROXY = "http://proxy.example.com:3128"


def destination(transport: TransportKind, **keys: Any) -> Destination:
    section = {"name": "crm", "endpoint": "https://crm.example.com/", "delivery": {"transport": transport}}
    return Destination.model_validate({**section, **keys})


@pytest.mark.parametrize(
    ("kind", "proxy", "expected"),
    [
        ("auto", None, LeanTransport),
        ("auto", PROXY, AiohttpTransport),
        ("lean", None, LeanTransport),
        ("aiohttp", None, AiohttpTransport),
        ("aiohttp", PROXY, AiohttpTransport),
    ],
)
async def test_lean_serves_where_it_can(kind: TransportKind, proxy: str | None, expected: type) -> None:
    assert destination(kind, proxy=proxy).proxy == proxy
    async with open_transport(kind, TransportOptions(timeout_seconds=1.0, concurrency=1, proxy=proxy)) as transport:
        assert isinstance(transport, expected)


async def test_lean_behind_a_proxy_is_refused() -> None:
    with pytest.raises(ValidationError, match="lean cannot go through a proxy"):
        destination("lean", proxy=PROXY)
    with pytest.raises(ValueError, match="knows no proxy"):
        async with open_transport("lean", TransportOptions(timeout_seconds=1.0, concurrency=1, proxy=PROXY)):
            pass


@pytest.mark.parametrize(
    ("kind", "proxy", "reason"),
    [
        ("auto", PROXY, "the transport aiohttp, which a proxy needs, sends ASCII only"),
        ("aiohttp", PROXY, "the transport aiohttp, which a proxy needs, sends ASCII only"),
        ("aiohttp", None, "the transport aiohttp sends ASCII only"),
    ],
)
def test_headers_that_aiohttp_would_send_otherwise_are_refused(
    kind: TransportKind, proxy: str | None, reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason) as refused:
        destination(kind, proxy=proxy, headers={"X-Plain": "a", "X-Team": "secret é"})

    assert "secret" not in refused.value.errors(include_input=False, include_url=False)[0]["msg"]


def test_headers_of_latin_1_go_by_lean() -> None:
    assert destination("auto", headers={"X-Team": "é"}).headers == {"X-Team": "é"}

"""The transport contract: what asks for ``opening`` runs over both transports, on both event loops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

import pytest
import uvloop
from transport_contract import LONG, Opening

from exporter.delivery.request import Transport
from exporter.delivery.transports import open_transport_of


def pytest_asyncio_loop_factories(item: pytest.Function) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if "opening" in item.fixturenames:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(params=["lean", "aiohttp"])
def opening(request: pytest.FixtureRequest) -> Opening:
    """Opens a transport; takes what ``open_transport_of`` takes, with defaults."""
    return partial(open_transport_of, request.param, timeout_seconds=LONG, concurrency=8)


@pytest.fixture
async def transport(opening: Opening) -> AsyncIterator[Transport]:
    """A transport with a generous time-out."""
    async with opening() as opened:
        yield opened

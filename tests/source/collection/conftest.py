"""What asks for ``either_loop`` runs on both event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(item: pytest.Function) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    loops = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    names = ["asyncio", "uvloop"] if "either_loop" in item.fixturenames else ["uvloop"]
    return {name: loops[name] for name in names}


@pytest.fixture
def either_loop() -> None:
    """Run on asyncio's own loop, and on uvloop."""

"""What every test shares: aioresponses made to work with this aiohttp, as long as it does not by itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import aioresponses.core
import pytest
from aiohttp import ClientResponse


class _WithoutStreamWriter(ClientResponse):
    """A response that may be made without ``stream_writer``, which aiohttp 3.14 demands and aioresponses omits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture(autouse=True, scope="session")
def _aioresponses_shim() -> Iterator[None]:
    """Inert once either side is repaired (aioresponses 0.7.9 is not: pnuckowski/aioresponses issue 289)."""
    parameter = inspect.signature(ClientResponse.__init__).parameters.get("stream_writer")
    demanded = parameter is not None and parameter.default is inspect.Parameter.empty
    supplied = "stream_writer" in inspect.getsource(aioresponses.core)
    with pytest.MonkeyPatch.context() as patch:
        if demanded and not supplied:
            patch.setattr(aioresponses.core, "ClientResponse", _WithoutStreamWriter)
        yield

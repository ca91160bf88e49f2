"""What every test shares: aioresponses made to work with this aiohttp, asserts that explain themselves, and in CI no
skip for want of a program."""

from __future__ import annotations

import inspect
import os
from collections.abc import Generator, Iterator
from types import SimpleNamespace
from typing import Any

import aioresponses.core
import pytest
from aiohttp import ClientResponse

#: Modules of shared tests; before anything imports them.
pytest.register_assert_rewrite("contract")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, which installs every program that tests start, a test that is skipped for want of one fails.

    Such a skip is told by naming the Debian package.
    """
    report = yield
    if report.skipped and os.environ.get("CI") and "(Debian:" in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


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

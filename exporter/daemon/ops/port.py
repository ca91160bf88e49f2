"""The port for operators: ``/live``, ``/ready``, ``/metrics``, ``/status``, and a page (contract.md#operation)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from exporter.daemon.ops.answers import Desk, answering
from exporter.daemon.ops.bounded_server import BoundedServer
from exporter.daemon.ops.by_hand import bearers
from exporter.daemon.ops.listening import listen
from exporter.daemon.ops.page.page import Page
from exporter.sections.section import Secret

#: Scrapers, probes and people; beyond that the oldest connection is closed.
MOST_CONNECTIONS: Final = 64
#: Keeps a scraper from holding up the end.
SHUTDOWN_SECONDS: Final = 1.0


class OpsUnavailable(Exception):
    """The ops port could not be opened; the text says which port, and why."""


@asynccontextmanager
async def serve(
    host: str, port: int, desk: Desk, token: Secret | None = None, hosts: Collection[str] = ()
) -> AsyncIterator[int]:
    """Serve until the context ends; yields the port that was opened (``port`` 0 takes a free port).

    Who has the ``token`` may act; nobody may where it is None. ``hosts`` are further names by which an action, or the
    page, may be asked for.

    Raises:
        OpsUnavailable: the port is taken, the host is no address of this machine, or permission is missing.
    """
    page = None if desk.sheets is None else Page(desk.sheets, desk.actions, desk.log, token, hosts).answer
    server = BoundedServer(answering(desk, bearers(token, hosts), page), most_connections=MOST_CONNECTIONS)
    runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await listen(runner, host, port)
        except (OSError, OverflowError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise OpsUnavailable(f"cannot serve the ops port on {host}:{port}: {reason}") from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()

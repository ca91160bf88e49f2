"""The ops port on a real socket (contract.md#operation)."""

from __future__ import annotations

import asyncio
import io
import socket
from contextlib import suppress
from platform import python_version
from typing import Any

import aiohttp
import pytest

from exporter import __version__
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import document
from exporter.daemon.ops.port import MOST_CONNECTIONS, OpsUnavailable, serve
from exporter.telemetry.compilation import compiled
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.status import ConfigStatus, DataflowStatus, Health, StatusDocument


def nothing() -> StatusDocument:
    return document(0.0, ConfigStatus(), ())


DESK = Desk(Metrics(), lambda: Health(True), nothing, configure(io.StringIO(), False))


async def get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{host}:{port}{path}") as answer,
    ):
        body = await (answer.json() if answer.content_type == "application/json" else answer.text())
        return answer.status, answer.headers["Content-Type"], body


async def test_every_path() -> None:
    metrics = Metrics()
    metrics.of("crm").received.inc(5)
    health = [Health(False, ("crm has not started",))]
    status = [DataflowStatus(destination="crm", state="paused", paused=("unreachable",), paused_since=5.0, delivered=9)]
    desk = Desk(metrics, lambda: health[0], lambda: document(7.0, ConfigStatus(), status), DESK.log)
    async with serve("127.0.0.1", 0, desk) as port:
        assert port > 0
        assert (await get(port, "/live"))[0] == 200
        assert await get(port, "/ready") == (
            503,
            "application/json",
            {"ready": False, "reasons": ["crm has not started"]},
        )
        health[0] = Health(True)
        assert (await get(port, "/ready"))[::2] == (200, {"ready": True, "reasons": []})
        code, kind, text = await get(port, "/metrics")
        assert (code, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert 'exporter_events_received_total{destination="crm"} 5.0' in text
        code, _, told = await get(port, "/status")
        assert code == 200
        assert told["version"] == __version__
        assert told["build"] == {
            "kind": "compiled" if compiled() else "interpreted",
            "python": python_version(),
            "projector": "native" if compiled() else "python",
            "why": None if compiled() else "it runs from its sources, or was built without build hooks",
        }
        assert told["started_at"] == 7.0
        assert told["config"] == {
            "valid": True,
            "reloaded_at": None,
            "problems": [],
            "refused_at": None,
            "file": None,
            "group_prefix": None,
        }
        [flow] = told["destinations"]
        assert flow["destination"] == "crm"
        assert flow["state"] == "paused"
        assert flow["paused"] == ["unreachable"]
        assert flow["delivered"] == 9
        assert flow["lag_messages"] is None
        assert (await get(port, "/else"))[0] == 404


async def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OpsUnavailable, match=rf"127\.0\.0\.1:{port}: .*in use"):
            async with serve("127.0.0.1", port, DESK):
                pytest.fail("it was not free")


async def test_a_host_of_another_machine_is_named() -> None:
    with pytest.raises(OpsUnavailable, match=r"192\.0\.2\.1:0"):
        async with serve("192.0.2.1", 0, DESK):
            pytest.fail("it is nobody's address")


async def test_the_port_is_free_again_afterwards() -> None:
    async with serve("127.0.0.1", 0, DESK) as port:
        pass
    async with serve("127.0.0.1", port, DESK) as again:
        assert again == port


async def test_other_paths_and_methods_are_refused() -> None:
    async with (
        serve("127.0.0.1", 0, DESK) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        async with session.head("/live") as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        async with session.post("/live") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        async with session.get("/live/") as answer:
            assert answer.status == 404


async def test_who_holds_many_connections_shuts_nobody_out() -> None:
    async with serve("127.0.0.1", 0, DESK) as port:
        held = []
        try:
            for _ in range(MOST_CONNECTIONS + 20):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                held.append(writer)
                writer.write(b"GET /live HTTP/1.1\r\nHost: half\r\n")
                await writer.drain()
                if len(held) == 1:
                    first = reader
            assert (await get(port, "/live"))[0] == 200
            async with asyncio.timeout(30):
                with suppress(ConnectionError):
                    assert await first.read() == b"", "the oldest was closed"
        finally:
            for writer in held:
                writer.close()

"""The control plane after a process that stood still: what has arrived is read before a deadline is judged."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest
from data_plane import NOW, OPEN, Intake, taking_of

from exporter.daemon.serving import control
from exporter.daemon.serving.control import Control, serving_control
from exporter.queues.port import Outgoing
from exporter.source.collection.checks.request import RequestHead
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.wish import WishKind
from exporter.source.control.gateway import Gateway
from exporter.source.control.plane import ControlPlane
from exporter.source.control.routes import Routes
from exporter.source.records import Identity
from exporter.source.settings.serve import Api
from exporter.source.wishing import Wished, Wishing

SECONDS = 0.2
HEAD = f"POST /collection/{OPEN.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n".encode()

pytestmark = pytest.mark.usefixtures("either_loop")


def stand_still() -> None:
    time.sleep(3 * SECONDS)


async def test_a_body_that_waits_in_the_socket_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_BODY_SECONDS", SECONDS)
    admitted = asyncio.Event()
    taking = taking_of(Intake())
    admit = type(taking).admit

    def admits(self: Any, head: Any) -> Any:
        admitted.set()
        return admit(self, head)

    monkeypatch.setattr(type(taking), "admit", admits)
    plane = ControlPlane(Gateway(None, (), (), ("prod",)), Routes(()))
    api = Api(port=0)
    async with serving_control(Control(plane, taking, frozenset(), lambda: (), lambda _: None), api, 1.0) as port:
        with socket.create_connection((api.host, port)) as client:
            client.sendall(HEAD)
            await admitted.wait()
            await asyncio.sleep(0)
            client.sendall(b"{}")
            stand_still()
            client.setblocking(False)
            answer = await asyncio.get_running_loop().sock_recv(client, 4096)
    assert answer.startswith(b"HTTP/1.1 200"), answer


async def test_records_that_are_kept_meanwhile_are_kept() -> None:
    intake = Intake(holds=True)
    taking = taking_of(intake, hold_seconds=SECONDS)
    head = RequestHead("POST", f"/collection/{OPEN.id}", "", {}, 2)
    asked = asyncio.ensure_future(taking.take(head, b"{}"))
    await intake.came.wait()
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    stand_still()
    loop.call_soon(loop.call_soon, intake.release)  # as the thread of a database does, which stood still, too
    assert (await asked).status == 200


async def test_a_wish_that_is_kept_meanwhile_is_kept() -> None:
    began, kept = asyncio.Event(), asyncio.Event()

    class Queue:
        async def publish(self, _: list[Outgoing]) -> None:
            began.set()
            await kept.wait()

    asked = asyncio.ensure_future(
        Wishing(Queue(), Stamps(lambda: NOW, worker=1), SECONDS).wish(WishKind.DELETE, Identity("key", "a"))  # type: ignore[arg-type]
    )
    await began.wait()
    loop = asyncio.get_running_loop()
    stand_still()
    loop.call_soon(loop.call_soon, kept.set)
    assert isinstance(await asked, Wished)

"""Takes records durably and does nothing else with them: the data plane of ``exporter serve``, or a bare handler.

``ours`` is the lean server with all checks of the data plane. ``uvicorn`` and ``aiohttp`` read the JSON of a body and
check nothing. All three keep records in the same groups in the same kind of intake, and answer once these are durable.
Prints ``{"port": …}`` when listening.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import uvloop

from benchmarks.way_in.material import DATASET, FLOW, INLET
from exporter.daemon.process.garbage import freeze_after_start
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kinds import open_queue
from exporter.source.collection.checks.collected import Keyed
from exporter.source.collection.intake import Intake
from exporter.source.collection.plane import Flow, Inlet, Plane
from exporter.source.collection.server.listener import ListenerOptions, open_listener
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.taken import Form, TakenRecord
from exporter.source.collection.taking import Taking
from exporter.source.tokens.judging import TokenJudge
from exporter.source.tokens.static import StaticTokens
from exporter.tasks.background import in_background

#: Of the bare handlers: from a body to the bytes of the answer.
Handle = Callable[[bytes], Awaitable[bytes]]


def _stamps() -> Stamps:
    return Stamps(lambda: int(time.time() * 1000), os.getpid())


def bare(intake: Intake) -> Handle:
    """What has to be done in any case: read, name, keep, wait, answer."""
    stamps = _stamps()

    async def handle(body: bytes) -> bytes:
        message = orjson.loads(body)
        stamp = stamps.next()
        bodies = [orjson.dumps(each) for each in message["messages"]] if "messages" in message else [body]
        records = [
            Keyed(INLET, TakenRecord(f"{stamp.name}:{at}", stamp.ms, INLET, FLOW, DATASET, Form.RAW, each))
            for at, each in enumerate(bodies)
        ]
        await intake.keep(records)
        return orjson.dumps({"inletId": INLET, "xactionId": stamp.name, "receivedTimeMs": stamp.ms})

    return handle


async def _ours(stack: AsyncExitStack, intake: Intake) -> int:
    flow = Flow(FLOW, DATASET, "s", mapping=True)
    plane = Plane("ABCDEF@AdobeOrg", {INLET: Inlet(INLET, "crm", "ABCDEF@AdobeOrg", (flow,))})
    tokens = TokenJudge(StaticTokens([]), [], time.monotonic)
    taking = Taking(plane, _stamps(), intake.keep, tokens, time.monotonic)
    listener = await stack.enter_async_context(open_listener(taking, ListenerOptions()))
    return listener.port


async def _uvicorn(stack: AsyncExitStack, intake: Intake) -> int:
    import uvicorn

    handle = bare(intake)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope
        body = b""
        more = True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        answer = await handle(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    options = uvicorn.Config(app, lifespan="off", access_log=False, log_level="error", http="httptools")
    server = uvicorn.Server(options)
    serving = asyncio.ensure_future(server.serve([listening]))
    stack.callback(serving.cancel)
    return int(listening.getsockname()[1])


async def _aiohttp(stack: AsyncExitStack, intake: Intake) -> int:
    from aiohttp import web

    handle = bare(intake)

    async def post(request: web.Request) -> web.Response:
        return web.Response(body=await handle(await request.read()), content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path:.*}", post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    await web.SockSite(runner, listening).start()
    return int(listening.getsockname()[1])


SERVERS = {"ours": _ours, "uvicorn": _uvicorn, "aiohttp": _aiohttp}


async def serve(kind: str, folder: Path) -> None:
    """Listen until SIGTERM."""
    stopped = asyncio.Event()
    async with AsyncExitStack() as stack:
        queue = await stack.enter_async_context(
            open_queue(JournalSettings(path=folder / "intake.db"), (), lambda _: None)
        )
        intake = Intake(queue, 12.0)
        await stack.enter_async_context(in_background(intake.run))
        port = await SERVERS[kind](stack, intake)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        freeze_after_start()
        print(json.dumps({"port": port}), flush=True)
        await stopped.wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind", choices=SERVERS)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    uvloop.run(serve(options.kind, options.folder))


if __name__ == "__main__":
    main()

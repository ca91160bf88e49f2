"""The control plane's listener: aiohttp's server, bounded, which serves the data plane's paths too."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web
from msgspec.structs import replace

from exporter.daemon.ops.bounded_server import BoundedServer
from exporter.daemon.ops.listening import listen
from exporter.daemon.ops.own_names import foreign
from exporter.daemon.serving.pipeline import Pipeline
from exporter.daemon.serving.refusals import CannotServe
from exporter.daemon.serving.routes import routes_of
from exporter.dataflow.dependencies import Clock
from exporter.settings.tree import Settings
from exporter.source.collection.checks.answers import Answer, problem
from exporter.source.collection.checks.request import RequestHead
from exporter.source.collection.server.listener import Answered
from exporter.source.collection.taking import Taking
from exporter.source.control import ims
from exporter.source.control.answers import failed, refused
from exporter.source.control.gateway import Gateway
from exporter.source.control.plane import ControlPlane, UpToDate
from exporter.source.settings.serve import Api
from exporter.source.wishing import Wishing
from exporter.tasks.late_deadlines import answered_within

#: Each may have one body in hand.
MOST_CONNECTIONS: Final = 64
_BODY_SECONDS: Final = 30.0
_DATA_PLANE: Final = ("/collection/", "/data/foundation/import/")
_HINT: Final = "add the name to ops.hosts, or ask for tokens by serve.api.auth"


@dataclass(frozen=True, slots=True)
class Control:
    """What the listener answers from.

    Attributes:
        plane: the control plane.
        taking: the data plane.
        names: the names, in lower case, by which open paths may be asked.
        open_paths: how the paths begin, without their slash, that ask for no secret now.
        observe: is told of every answer of the data plane.
    """

    plane: ControlPlane
    taking: Taking
    names: frozenset[str]
    open_paths: Callable[[], tuple[str, ...]]
    observe: Callable[[Answered], None]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request."""
        head = _head(request)
        if head.path.startswith(_DATA_PLANE):
            return _response(await self._take(request, head))
        if head.path.lstrip("/").startswith(self.open_paths()):
            reason = foreign(request, self.names, _HINT, own_pages=False)
            if reason is not None:
                return _response(refused(403, "403000", reason))
        return _response(await self.plane.answer(head, partial(self._read, request)))

    async def _read(self, request: web.BaseRequest) -> bytes | Answer:
        most = self.taking.plane.max_body
        # What says beforehand that it is too long is not asked for.
        too_long = (request.content_length or 0) > most
        body = b"" if too_long else await _body(request, most + 1)
        if too_long or (isinstance(body, bytes) and len(body) > most):
            return replace(failed(413, "1413-413", f"The body has more than {most} bytes"), close=True)
        return body

    async def _take(self, request: web.BaseRequest, head: RequestHead) -> Answer:
        began = time.monotonic()
        admitted = self.taking.admit(head)
        body = b""
        if isinstance(admitted, Answer):
            answer = admitted
        else:
            read = await _body(request, admitted.plane.max_body + 1)
            if isinstance(read, bytes):
                body = read
                answer = await self.taking.take(head, body)
            else:
                answer = read
        self.observe(Answered(answer.source, answer.status, len(body), 0, time.monotonic() - began))
        return answer


@asynccontextmanager
async def serving_control(control: Control, api: Api, drain: float) -> AsyncIterator[int]:
    """Serve until the context ends; yields the port. What is in hand by then is waited for, ``drain`` seconds at most.

    Raises:
        CannotServe: the address cannot be listened at.
    """
    # The data plane's checks unpack bodies themselves, within their limit.
    server = BoundedServer(control.answer, most_connections=MOST_CONNECTIONS, unpacks=False, failed=_failed)
    runner = web.ServerRunner(server, shutdown_timeout=drain)
    await runner.setup()
    try:
        try:
            await listen(runner, api.host, api.port)
        except OSError as error:
            words = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise CannotServe(f"cannot serve the control plane on {api.host}:{api.port}: {words}") from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def control_of(
    in_force: Callable[[], Settings],
    pipeline: Pipeline,
    wishing: Wishing,
    clock: Clock,
    observe: Callable[[Answered], None],
    port: Callable[[], int],
    up_to_date: UpToDate,
) -> Control:
    """The control plane of a configuration, the one that is ``in_force``; ``port``: at which the data plane listens.

    ``up_to_date``: as ``ControlPlane`` has it.
    """
    settings, taking = in_force(), pipeline.taking
    serving = settings.serve
    api = serving.api
    with_tokens = api.auth == "tokens"
    gateway = Gateway((lambda: taking.tokens) if with_tokens else None, api.org_ids, api.api_keys, serving.sandboxes)
    names = frozenset({"localhost", api.host.lower(), *settings.ops.hosts})

    def open_paths() -> tuple[str, ...]:
        if not with_tokens:
            return ("",)
        issuing = pipeline.tokens.issuing
        return (ims.PREFIX,) if issuing is not None and issuing.clients.open_org is not None else ()

    plane = ControlPlane(gateway, routes_of(in_force, pipeline, wishing, clock, port), up_to_date)
    return Control(plane, taking, names, open_paths, observe)


def _head(request: web.BaseRequest) -> RequestHead:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    path, _, query = request.raw_path.partition("?")
    length = request.content_length
    if length is None and "transfer-encoding" not in headers:
        length = 0
    return RequestHead(request.method, path, query, headers, length)


async def _body(request: web.BaseRequest, most: int) -> bytes | Answer:
    """The body, cut after ``most`` bytes; or the answer to a slow one. Whoever waits to be asked for it is asked."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async with answered_within(_BODY_SECONDS):
            return await request.content.readexactly(most)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    except web.RequestPayloadError:
        return problem(400, "The body is not in the coding that its Content-Encoding names", close=True)
    except TimeoutError:
        return problem(408, "The body did not come in time", close=True)


def _failed(status: int, words: str) -> web.Response:
    """The answer to what is no HTTP, and to what a bug kept from being answered, of which there are no words."""
    # Behind a colon stands what was sent.
    details = words.strip().partition(":")[0] or "The exporter could not answer; its log says more"
    return _response(failed(status, f"1{status}-{status}", details))


def _response(answer: Answer) -> web.Response:
    if answer.status == 204:
        response = web.Response(status=204)
    else:
        response = web.Response(status=answer.status, body=answer.body, content_type="application/json")
    for name, value in answer.headers:
        if name == "Content-Type":
            response.headers[name] = value
        else:
            response.headers.add(name, value)
    if answer.close:
        response.force_close()
    return response

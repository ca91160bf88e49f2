"""The receiver's endpoint: answers requests as the faults say, and notes each request."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from random import Random

from aiohttp import web

from exporter.receiver.counters import Counters
from exporter.receiver.faults import Faults, RateLimit, failure
from exporter.receiver.reception import SECRET_HEADERS, Reception
from exporter.receiver.tokens import Tokens

Observer = Callable[[Reception], None]


class Endpoint:
    """Answers the requests of a sender.

    Args:
        faults: what goes wrong; assign to change it.
        tokens: knows which authorization is good.
        demands: whether an authorization is demanded at all.
        counters: counted here.
        observers: called with every request when it is over.
        seed: of the choice of requests that fail.
    """

    def __init__(
        self,
        faults: Faults,
        tokens: Tokens,
        demands: bool,
        counters: Counters,
        observers: Sequence[Observer],
        seed: int,
    ) -> None:
        self.faults = faults
        self._tokens = tokens
        self._demands = demands
        self._counters = counters
        self._observers = tuple(observers)
        self._random = Random(seed)  # noqa: S311 - chooses which requests fail
        self._limit = RateLimit()
        # Begins at the wall clock, so that the numbers grow across restarts that append to the same record.
        self._moments = itertools.count(time.time_ns())
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let go of the requests that are never answered."""
        self._stopping.set()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, and note it however it ends."""
        status = await self._outcome(request)
        if status is None:
            # The sender is gone, or there is to be no answer.
            return web.Response(status=400)
        if self.faults.body_stall:
            return await self._stall(request, status)
        return self._response(status)

    async def _outcome(self, request: web.BaseRequest) -> int | None:
        """The status to answer, or None for no answer; noted before its head goes out."""
        at, arrived = time.time(), next(self._moments)
        self._counters.began()
        body, status, answered = b"", None, False
        authorized: bool | None = None
        try:
            body = await request.content.read()
            authorized = self._authorized(request)
            status = self._status(authorized)
            await self._wait(request)
            answered = request.transport is not None and not request.transport.is_closing()
            return status if answered else None
        except (ConnectionError, web.RequestPayloadError):
            return None
        finally:
            self._counters.ended(status if answered else None)
            if self._observers:
                ended = next(self._moments)
                reception = _reception(request, at, arrived, ended, authorized, status, answered, body)
                for observer in self._observers:
                    observer(reception)

    def _authorized(self, request: web.BaseRequest) -> bool | None:
        """Whether the request may come in; None where nothing is demanded."""
        if self.faults.refuse_credentials or not self._tokens.accepts(request.headers.get("Authorization")):
            return False
        return True if self._demands else None

    def _status(self, authorized: bool | None) -> int:
        faults = self.faults
        if not 200 <= faults.status < 300:
            return faults.status
        if authorized is False:
            return 401
        return failure(faults, self._random, self._limit, time.monotonic()) or faults.status

    async def _wait(self, request: web.BaseRequest) -> None:
        """Take the time that the faults say; where the faults want no answer, end the connection.

        Raises:
            ConnectionResetError: there is to be no answer.
        """
        faults = self.faults
        if faults.latency:
            await asyncio.sleep(faults.latency)
        if faults.silent:
            # Cancelled as soon as the sender goes away.
            await self._stopping.wait()
        if faults.silent or faults.reset:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError

    def _response(self, status: int) -> web.Response:
        if 200 <= status < 300:
            return web.Response(status=status)
        body = b'{"error":%d}\n' % status
        return web.Response(status=status, headers=self._headers(status), body=body, content_type="application/json")

    def _headers(self, status: int) -> dict[str, str]:
        if status == 401:
            return {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        if status in (429, 503) and self.faults.retry_after is not None:
            return {"Retry-After": str(self.faults.retry_after)}
        return {}

    async def _stall(self, request: web.BaseRequest, status: int) -> web.StreamResponse:
        """Send the head of the answer, and the body later."""
        body = b"{}\n"
        response = web.StreamResponse(status=status, headers=self._headers(status))
        response.content_length = len(body)
        await response.prepare(request)
        await asyncio.sleep(self.faults.body_stall)
        await response.write(body)
        return response


def _reception(
    request: web.BaseRequest,
    at: float,
    arrived: int,
    ended: int,
    authorized: bool | None,
    status: int | None,
    answered: bool,
    body: bytes,
) -> Reception:
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    for secret in SECRET_HEADERS & headers.keys():
        del headers[secret]
    return Reception(
        at=at,
        until=time.time(),
        arrived=arrived,
        ended=ended,
        method=request.method,
        path=request.rel_url.raw_path,
        query=request.rel_url.raw_query_string,
        idempotency_key=headers.get("idempotency-key"),
        exporter_position=headers.get("exporter-position"),
        headers=headers,
        authorized=authorized,
        status=status,
        answered=answered,
        body=body,
    )


def _text(value: str) -> str:
    """A header's value as text that JSON can hold: aiohttp carries odd bytes as surrogates."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

"""Attempts over the ops port and its socket, as they happen (contract.md#watching)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

import msgspec
from aiohttp import web

from exporter.daemon.ops.attempt_lines import Lines, Readers
from exporter.daemon.ops.by_hand import STATUS, Admit, refusal, turned_away
from exporter.sections.printable import printable
from exporter.settings.loading.suggestions import guess
from exporter.telemetry.attempts import Attempt, Attempts
from exporter.telemetry.logs import Log

PATH: Final = "/attempts"
LINES: Final = "application/x-ndjson"

#: How long a reader rests between two readings: with ``MOST_LINES``, the most that is written a second.
REST_SECONDS: Final = 0.1
#: An empty line is written where nothing came for so long, so that each side notices when the other is gone.
QUIET_SECONDS: Final = 5.0
#: A reader that takes nothing for so long is let go.
STUCK_SECONDS: Final = 60.0


class AttemptsDesk(Protocol):
    """The attempts of a process; a parent's asks the worker that runs the destination.

    Every ``destination`` comes from outside and may be no destination's. No method raises.
    """

    def names(self) -> Collection[str]:
        """The destinations that run now."""

    async def latest(self, destination: str) -> Sequence[Attempt] | str:
        """The attempts that are kept, the latest first; or why they cannot be had, for people.

        A look: all attempts at the destination are recorded for the next ``LOOK_SECONDS``, else only failures are.
        """

    def watching(self, destination: str | None, *, bodies: bool) -> AbstractAsyncContextManager[Lines]:
        """The attempts at ``destination``, or at all, as they end, within the context."""


class OwnAttempts:
    """``AttemptsDesk`` of a process that makes the attempts itself; ``names`` gives the destinations that run."""

    def __init__(self, attempts: Attempts, names: Callable[[], Collection[str]]) -> None:
        self.names = names
        self._attempts = attempts
        self._readers = Readers()

    async def latest(self, destination: str) -> Sequence[Attempt] | str:
        return self._attempts.latest(destination)

    @asynccontextmanager
    async def watching(self, destination: str | None, *, bodies: bool) -> AsyncIterator[Lines]:
        with self._readers.reader(bodies=bodies) as lines, self._attempts.shown_to(lines.take, destination):
            yield lines

    def end(self) -> None:
        """Tell all who watch that the process ends."""
        self._readers.end()


async def attempts_asked(
    request: web.BaseRequest, attempts: AttemptsDesk | None, admit: Admit, log: Log
) -> web.StreamResponse | None:
    """The answer to a request for attempts, once it has ended; None to any other request."""
    if request.path != PATH:
        return None
    if request.method != "GET":
        return web.Response(status=405, headers={"Allow": "GET"})
    admitted = admit(request)
    if isinstance(admitted, tuple):
        return turned_away(*admitted, log)
    if attempts is None:
        return refusal(STATUS["unsupported"], "this process makes no attempts")
    destination, bodies = request.query.get("destination"), request.query.get("bodies") == "1"
    if destination is not None and destination not in (known := attempts.names()):
        hint = guess(destination, list(known))
        return refusal(STATUS["unknown"], f"no destination that runs is called {printable(destination[:100])}{hint}")
    if request.query.get("follow") == "0":
        return await _latest(attempts, destination, bodies=bodies)
    if bodies and admitted != "parent":
        log.info("bodies shown", by=admitted, destination=destination)
    return await _followed(request, attempts, destination, bodies=bodies)


async def _latest(attempts: AttemptsDesk, destination: str | None, *, bodies: bool) -> web.Response:
    """The attempts that are kept, the earliest first; with the answers if ``bodies``."""
    if destination is None:
        return refusal(400, "follow=0 needs a destination")
    found = await attempts.latest(destination)
    if isinstance(found, str):
        return refusal(STATUS["unavailable"], found)
    shown = found if bodies else [msgspec.structs.replace(each, answer=None) for each in found]
    text = b"".join(msgspec.json.encode(each) + b"\n" for each in reversed(shown))
    return web.Response(body=text, content_type=LINES)


async def _followed(
    request: web.BaseRequest, attempts: AttemptsDesk, destination: str | None, *, bodies: bool
) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": LINES, "Cache-Control": "no-store"})
    async with attempts.watching(destination, bodies=bodies) as lines:
        try:
            await answer.prepare(request)
            while (text := await lines.next(QUIET_SECONDS)) is not None:
                async with asyncio.timeout(STUCK_SECONDS):
                    await answer.write(text or b"\n")
                await asyncio.sleep(REST_SECONDS)
        except ConnectionError:
            pass  # the client has seen enough
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
    return answer

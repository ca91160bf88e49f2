"""The lines of attempts that wait for one reader: bounded, and what finds no room is lost, counted and told.

A line is a JSON object: an ``Attempt``, with ``body`` where bodies are shown; ``{"lost": n}`` where n lines are
missing; ``{"notice": "..."}``, something that people should know; or ``{"end": "..."}``, the last line, and why it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import msgspec

from exporter.telemetry.attempts import Attempt

#: What may wait for a reader.
MOST_LINES: Final = 500
MOST_BYTES: Final = 1024 * 1024
#: A longer body is left out of its line, which says how long it is instead.
BODY_BYTES: Final = 256 * 1024

#: An attempt, and the body that is shown with it: None where none is, its length where it is too long.
_Waiting = tuple[Attempt, bytes | int | None]


class Lines:
    """Lines for one reader, who is shown bodies and answers if ``bodies``.

    ``take`` and the other methods that add a line never wait, and hold at most ``MOST_LINES`` and ``MOST_BYTES``.
    """

    def __init__(self, *, bodies: bool) -> None:
        self.bodies = bodies
        self._waiting: deque[_Waiting | bytes] = deque()
        self._held = 0
        self._lost = 0
        self._end: str | None = None
        self._ended = False
        self._changed = asyncio.Event()

    def take(self, attempt: Attempt, body: bytes) -> None:
        """Add the line of an attempt."""
        if not self.bodies:
            self._add((attempt, None), 0)
        elif len(body) > BODY_BYTES:
            self._add((attempt, len(body)), 0)
        else:
            self._add((attempt, body), len(body))

    def pass_on(self, line: bytes) -> None:
        """Add what another process wrote, without its line break: a line, or a count of lost lines, but no end."""
        if line.startswith(b'{"lost":'):
            with suppress(msgspec.MsgspecError):
                self.lose(msgspec.json.decode(line, type=dict[str, int])["lost"])
        elif line and not line.startswith(b'{"end":'):
            self._add(line, len(line))

    def notice(self, text: str) -> None:
        """Add a line for people."""
        self._add(msgspec.json.encode({"notice": text}), len(text))

    def lose(self, lines: int) -> None:
        """Count lines that are lost after those that wait."""
        self._lost += lines
        self._changed.set()

    def end(self, why: str) -> None:
        """Let the lines that wait be the last, but for one that says ``why``."""
        self._end = why
        self._changed.set()

    async def next(self, seconds: float) -> bytes | None:
        """All that waits, once there is any; nothing where nothing came for ``seconds``; None after the end."""
        if self._ended:
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()
        lines = [each if isinstance(each, bytes) else _line(*each) for each in self._waiting]
        self._waiting.clear()
        self._held = 0
        if self._lost:
            lines.append(msgspec.json.encode({"lost": self._lost}))
            self._lost = 0
        if self._end is not None:
            lines.append(msgspec.json.encode({"end": self._end}))
            self._ended = True
        return b"".join(line + b"\n" for line in lines)

    def _add(self, line: _Waiting | bytes, size: int) -> None:
        full = len(self._waiting) >= MOST_LINES or self._held + size > MOST_BYTES
        # Once one is lost, all are until the reader comes: the count stands where the lines are missing.
        if self._lost or full:
            self._lost += 1
            return
        self._waiting.append(line)
        self._held += size
        self._changed.set()


class Readers:
    """All who are shown lines by a process."""

    def __init__(self) -> None:
        self._lines: set[Lines] = set()

    @contextmanager
    def reader(self, *, bodies: bool) -> Iterator[Lines]:
        """The lines of one more reader, within the context."""
        lines = Lines(bodies=bodies)
        self._lines.add(lines)
        try:
            yield lines
        finally:
            self._lines.discard(lines)

    def end(self) -> None:
        """Tell all of them that the process ends."""
        for lines in self._lines:
            lines.end("the daemon has stopped")


def _line(attempt: Attempt, body: bytes | int | None) -> bytes:
    """The line of an attempt; answers are shown where bodies are."""
    if body is None:
        shown = attempt if attempt.answer is None else msgspec.structs.replace(attempt, answer=None)
        return msgspec.json.encode(shown)
    return msgspec.json.encode(attempt)[:-1] + b"," + _body(body) + b"}"


def _body(body: bytes | int) -> bytes:
    """The body, or its length where that alone is known, or the body is no JSON."""
    if isinstance(body, bytes):
        with suppress(msgspec.MsgspecError):
            # A value of the event may stand in the body as it came, with its line breaks.
            return b'"body":' + msgspec.json.format(body, indent=-1)
    return b'"body":null,"bodyBytes":%d' % (len(body) if isinstance(body, bytes) else body)

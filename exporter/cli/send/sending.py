"""Queues the events of files, batch after batch, and says how many are queued."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import typer

from exporter.cli.events.event_file import Endless, events_in
from exporter.cli.events.read_ahead import ReadAhead
from exporter.cli.send.event_lines import Line, NotJson, event_lines
from exporter.cli.shared.config import EXIT_INTERRUPTED
from exporter.cli.shared.files_given import total_bytes
from exporter.cli.shared.interrupts import first_interrupt
from exporter.cli.shared.look.progress import Advance, note, progress
from exporter.cli.shared.queue import fail, with_queue
from exporter.queues.port import EventTooLarge, Queue, QueueFull, QueueUnavailable
from exporter.sections.printable import counted
from exporter.settings.tree import Settings

_BATCH_LINES = 1000
_BATCH_BYTES = 1024 * 1024
_DOUBTS_SHOWN = 20


def send_files(files: Sequence[Path], settings: Settings, *, as_json: bool) -> None:
    """Queue the events of ``files`` and say how many; exits with 1 where not all could be, 130 after Ctrl-C."""
    sending = _Sending(files, int(settings.max_event_bytes))
    try:
        with_queue(settings, sending.run)
    finally:
        typer.echo(json.dumps({"queued": sending.queued}) if as_json else f"{counted(sending.queued, 'event')} queued")
    if (more := sending.doubts - _DOUBTS_SHOWN) > 0:
        typer.echo(f"note: {counted(more, 'more line like this', 'more lines like these')}", err=True)
    if sending.failure is not None:
        fail(sending.failure)
    if sending.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if sending.refused:
        raise typer.Exit(1)


def _bytes_of(line: Line | NotJson) -> int:
    return len(line.event.body) if isinstance(line, Line) else 0


class _Sending:
    """The progress of a call; ``failure`` is why the call ended early, ``refused`` how many events were too large.

    ``interrupted``: by Ctrl-C.
    """

    def __init__(self, files: Sequence[Path], max_event_bytes: int) -> None:
        self.queued = 0
        self.doubts = 0
        self.refused = 0
        self.failure: str | None = None
        self.interrupted = False
        self._files = files
        self._max_event_bytes = max_event_bytes

    async def run(self, queue: Queue) -> None:
        """Publish batch after batch, until the files end, a batch fails, or Ctrl-C: then what was read is published."""
        with progress("sending", total_bytes(self._files)) as advance:
            await self._run(queue, advance)

    async def _run(self, queue: Queue, advance: Advance) -> None:
        lines = event_lines(events_in(self._files), self._max_event_bytes)
        ahead = ReadAhead(lines, _bytes_of, _BATCH_LINES, _BATCH_BYTES)

        def stop() -> None:
            self.interrupted = True
            ahead.stop()

        with first_interrupt(stop):
            try:
                while batch := await ahead.take():
                    if not await self._queue(batch, queue, advance):
                        return
            except (Endless, OSError) as error:
                self.failure = str(error)
            finally:
                ahead.stop()

    async def _queue(self, read: Sequence[Line | NotJson], queue: Queue, advance: Advance) -> bool:
        """Publish a batch; whether the work goes on."""
        batch: list[Line] = []
        not_json: NotJson | None = None
        for line in read:
            if isinstance(line, NotJson):
                not_json = line
                break
            self._note(line)
            batch.append(line)
        if batch and not await self._publish(batch, queue):
            return False
        advance(sum(line.read_bytes for line in batch))
        if not_json is not None:
            self.failure = f"{not_json.place} is not JSON: {not_json.reason}"
        return not_json is None

    async def _publish(self, batch: Sequence[Line], queue: Queue) -> bool:
        refused: Sequence[int] = ()
        try:
            await queue.publish([line.event for line in batch])
        except EventTooLarge as error:
            refused = error.indexes
            for index in refused:
                note(f"error: {batch[index].place} was not queued: {error}")
            self.refused += len(refused)
        except QueueFull as error:
            self.failure = f"the queue is full ({error}); {batch[0].place} and what follows was not queued"
            return False
        except QueueUnavailable as error:
            self.failure = f"{error}; whether {batch[0].place} to {batch[-1].place} were queued is unknown"
            return False
        except asyncio.CancelledError:
            unknown = f"whether {batch[0].place} to {batch[-1].place} were queued is unknown"
            note(f"note: interrupted; {unknown}")
            raise
        self.queued += len(batch) - len(refused)
        return True

    def _note(self, line: Line) -> None:
        if line.doubt is None:
            return
        self.doubts += 1
        if self.doubts <= _DOUBTS_SHOWN:
            note(f"note: {line.place} will become a dead letter: {line.doubt}")

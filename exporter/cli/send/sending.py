"""Queues the events of files, batch after batch, and says how many are queued."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from exporter.cli.events.event_file import Endless, events_in
from exporter.cli.send.event_lines import Line, NotJson, event_lines
from exporter.cli.shared.files_given import total_bytes
from exporter.cli.shared.progress import Advance, progress
from exporter.cli.shared.queue import fail, with_queue
from exporter.queues.port import EventTooLarge, Queue, QueueFull, QueueUnavailable
from exporter.sections.printable import counted
from exporter.settings.tree import Settings

_BATCH_LINES = 1000
_BATCH_BYTES = 1024 * 1024
_DOUBTS_SHOWN = 20


def send_files(files: Sequence[Path], settings: Settings, *, as_json: bool) -> None:
    """Queue the events of ``files`` and say how many; exits with 1 where not all could be."""
    sending = _Sending(files, int(settings.max_event_bytes))
    try:
        with _interrupted_at_once(), progress("sending", total_bytes(files)) as advance:
            with_queue(settings, lambda queue: sending.run(queue, advance))
    finally:
        typer.echo(json.dumps({"queued": sending.queued}) if as_json else f"{counted(sending.queued, 'event')} queued")
    if (more := sending.doubts - _DOUBTS_SHOWN) > 0:
        typer.echo(f"note: {counted(more, 'more line like this', 'more lines like these')}", err=True)
    if sending.failure is not None:
        fail(sending.failure)
    if sending.refused:
        raise typer.Exit(1)


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """Let Ctrl-C end a wait for the next event: asyncio's own handler waits for the event loop, which waits too."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # a shell that starts a command in the background has it ignored
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Sending:
    """The progress of a call; ``failure`` is why the call ended early, ``refused`` how many events were too large."""

    def __init__(self, files: Sequence[Path], max_event_bytes: int) -> None:
        self.queued = 0
        self.doubts = 0
        self.refused = 0
        self.failure: str | None = None
        self._files = files
        self._max_event_bytes = max_event_bytes

    async def run(self, queue: Queue, advance: Advance) -> None:
        """Publish batch after batch, until the files end or a batch fails."""
        for batch in self._batches():
            refused: Sequence[int] = ()
            try:
                await queue.publish([line.event for line in batch])
            except EventTooLarge as error:
                refused = error.indexes
                for index in refused:
                    typer.echo(f"error: {batch[index].place} was not queued: {error}", err=True)
                self.refused += len(refused)
            except QueueFull as error:
                self.failure = f"the queue is full ({error}); {batch[0].place} and what follows was not queued"
                return
            except QueueUnavailable as error:
                self.failure = f"{error}; whether {batch[0].place} to {batch[-1].place} were queued is unknown"
                return
            except asyncio.CancelledError:
                unknown = f"whether {batch[0].place} to {batch[-1].place} were queued is unknown"
                typer.echo(f"note: interrupted; {unknown}", err=True)
                raise
            self.queued += len(batch) - len(refused)
            advance(sum(line.read_bytes for line in batch))

    def _batches(self) -> Iterator[list[Line]]:
        batch: list[Line] = []
        size = 0
        try:
            for line in event_lines(events_in(self._files), self._max_event_bytes):
                if isinstance(line, NotJson):
                    self.failure = f"{line.place} is not JSON: {line.reason}"
                    break
                self._note(line)
                batch.append(line)
                size += len(line.event.body)
                if len(batch) == _BATCH_LINES or size >= _BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
        except (Endless, OSError) as error:
            self.failure = str(error)
        if batch:
            yield batch

    def _note(self, line: Line) -> None:
        if line.doubt is None:
            return
        self.doubts += 1
        if self.doubts <= _DOUBTS_SHOWN:
            typer.echo(f"note: {line.place} will become a dead letter: {line.doubt}", err=True)

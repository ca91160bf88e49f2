"""``exporter send``: puts events on the queue."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.files_given import refuse_unless_file, total_bytes
from exporter.cli.shared.progress import Advance, progress
from exporter.cli.shared.queue import fail, with_queue
from exporter.sections.printable import counted

if TYPE_CHECKING:
    from exporter.cli.send.event_lines import Line
    from exporter.queues.port import Queue
    from exporter.settings.tree import Settings

_BATCH_LINES = 1000
_BATCH_BYTES = 1024 * 1024
_DOUBTS_SHOWN = 20
_STDIN = Path("-")


def send(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="Events: JSON lines, or events or lists of them over several lines; - for stdin.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Queue nothing: say what is wrong with the events, and which keys nobody knows."),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help='Print {"queued": n}; with --check {"events": n, "malformed": n, "unknownKeys": n}.'
        ),
    ] = False,
    to: Annotated[str | None, typer.Option("--to", metavar="NAME", help="With --test: the destination.")] = None,
    test: Annotated[
        bool, typer.Option("--test", help="No FILE: a made-up event for the destination of --to, which is really sent.")
    ] = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="With --test: return when the event was delivered or is a dead letter. A queue on Redis knows of the "
            "delivery once nothing at all waits for the destination.",
        ),
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put events on the queue; it has them durably, as far as it can, when the command returns.

    With --check nothing is queued. The command reads all, says on stderr what cannot be an event and which keys of
    events are not known, and ends with 1 where there is what cannot be an event.

    Prints how many were queued. A line that is not JSON ends the command with 1 and its file and line, after the good
    ones before it were queued. A line that is JSON but cannot be an event (no profileId, larger than max_event_bytes,
    a wrong type) is queued with a note on stderr: each destination will make a dead letter of it. Blank lines are
    skipped. A line of more than 64 MiB ends the command likewise, as it may have no end. An event that is larger than
    the queue takes is named by its file and line; all others are queued, and the
    command ends with 1.

    With --to NAME --test it queues one event for that destination alone: a made-up profile in every mapped segment,
    with every mapped attribute. The partner really gets it. The command prints the event's id, which begins with test:,
    and, where a daemon answers or with --wait, what came of it; a dead letter ends it with 1.
    """
    if test or to is not None or wait:
        if not test or to is None or files or check:
            raise typer.BadParameter("--to NAME and --test go together, and with no FILE", param_hint="--test")
        from exporter.cli.send.event_for_test import send_test_event

        send_test_event(load_or_exit(config).settings, config, to, wait=wait, as_json=as_json)
        return
    if not files:
        raise typer.BadParameter("give at least one, or --to NAME --test", param_hint="FILE")
    for file in files:
        if file != _STDIN:
            refuse_unless_file(file)
    settings = load_or_exit(config).settings
    if check:
        from exporter.cli.send.checking import check_events

        if not check_events(files, int(settings.max_event_bytes), as_json=as_json):
            raise typer.Exit(1)
        return
    _send(files, settings, as_json=as_json)


def _send(files: Sequence[Path], settings: Settings, *, as_json: bool) -> None:
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
        from exporter.queues.port import EventTooLarge, QueueFull, QueueUnavailable

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
        from exporter.cli.events.event_file import Endless, events_in
        from exporter.cli.send.event_lines import NotJson, event_lines

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

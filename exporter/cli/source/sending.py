"""Sends the records of files to the data plane, batch after batch, and says how many were taken."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import typer

from exporter.cli.events.event_file import Endless, Found, events_in
from exporter.cli.events.read_ahead import ReadAhead
from exporter.cli.shared.config import EXIT_INTERRUPTED
from exporter.cli.shared.files_given import total_bytes
from exporter.cli.shared.interrupts import first_interrupt
from exporter.cli.shared.look.progress import Advance, note, progress
from exporter.cli.shared.queue import fail
from exporter.cli.source.posting import DataPlane, NotTaken
from exporter.sections.printable import counted, printable
from exporter.source.collection.checks.json_text import NoJson, decoded

_BATCH_RECORDS: Final = 500
_ENVELOPE: Final = len(b'{"messages":[]}')


def send_files(files: Sequence[Path], plane: DataPlane, max_body: int, *, validate: bool, as_json: bool) -> None:
    """Send the records of ``files`` and say how many were taken; exits with 1 where not all were, 130 after Ctrl-C.

    ``max_body`` is the most bytes of a body that ``plane`` takes.
    """
    sending = _Sending(plane, max_body, validate=validate)
    try:
        with progress("sending", total_bytes(files)) as advance:
            asyncio.run(sending.run(files, advance))
    finally:
        counts = {"taken": sending.taken, "refused": sending.refused}
        words = f"{counted(sending.taken, 'record')} taken, {sending.refused} refused"
        typer.echo(json.dumps(counts) if as_json else words)
    if sending.failure is not None:
        fail(printable(sending.failure))
    if sending.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if sending.refused:
        raise typer.Exit(1)


def _bytes_of(found: Found) -> int:
    return len(found.body) + 1


class _Sending:
    """The progress of a call; ``failure`` is why the call ended early; ``interrupted``: by Ctrl-C."""

    def __init__(self, plane: DataPlane, max_body: int, *, validate: bool) -> None:
        self.taken = 0
        self.refused = 0
        self.failure: str | None = None
        self.interrupted = False
        self._plane = plane
        self._most_bytes = max_body - _ENVELOPE
        self._validate = validate
        #: Why records of what was read last were refused, by the record's ``id``.
        self._reasons: dict[int, str] = {}

    async def run(self, files: Sequence[Path], advance: Advance) -> None:
        """Send batch after batch, until the files end, a batch fails, or Ctrl-C: then what was read is sent."""
        # Full at half of a body: what comes last is mostly small, so that nearly all batches are a single request.
        most = 1 if self._validate else _BATCH_RECORDS
        ahead = ReadAhead(events_in(files), _bytes_of, most, self._most_bytes // 2)

        def stop() -> None:
            self.interrupted = True
            ahead.stop()

        # A request keeps the loop waiting, and only an exception ends it early.
        with first_interrupt(stop, signal.default_int_handler):
            try:
                while self.failure is None and (read := await ahead.take()):
                    try:
                        for batch in self._requests(read):
                            self._send(batch, advance)
                            if self.failure is not None:
                                break
                    finally:
                        self._tell_refused(read)
                    await asyncio.sleep(0)  # for the interrupt
            except (Endless, OSError) as error:
                self.failure = str(error)
            finally:
                ahead.stop()

    def _send(self, batch: Sequence[Found], advance: Advance) -> None:
        where = f"{batch[0].place} to {batch[-1].place}"
        try:
            refused = self._posted([found.body for found in batch])
        except NotTaken as error:
            self.failure = f"{error}; {where} may not have been taken, and what follows was not sent"
            return
        except KeyboardInterrupt:
            note(f"note: interrupted; whether {printable(where)} were taken is unknown")
            raise
        for index, reason in refused.items():
            self._refuse(batch[index], reason)
        self.taken += len(batch) - len(refused)
        advance(sum(found.read_bytes for found in batch))

    def _posted(self, records: Sequence[bytes]) -> Mapping[int, str]:
        if not self._validate:
            return self._plane.post(records)
        (record,) = records
        reason = self._plane.post_validated(record)
        return {} if reason is None else {0: reason}

    def _requests(self, read: Sequence[Found]) -> Iterator[Sequence[Found]]:
        """Batches that the server reads as a whole: what would spoil one is refused here."""
        batch: list[Found] = []
        size = 0
        for found in read:
            value = decoded(found.body)
            if isinstance(value, NoJson):
                self._refuse(found, value.reason)
                continue
            if len(found.body) > self._most_bytes:
                self._refuse(found, f"The record has more than {counted(self._most_bytes, 'byte')} (serve.max_body)")
                continue
            if batch and size + len(found.body) > self._most_bytes:
                yield batch
                batch, size = [], 0
            batch.append(found)
            size += _bytes_of(found)
        if batch:
            yield batch

    def _refuse(self, found: Found, reason: str) -> None:
        self.refused += 1
        self._reasons[id(found)] = reason

    def _tell_refused(self, read: Sequence[Found]) -> None:
        """Name those of ``read`` that were refused, here or by the server, in the order of the file."""
        for found in read:
            if (reason := self._reasons.pop(id(found), None)) is not None:
                note(f"error: {printable(f'{found.place} was refused: {reason}')}")

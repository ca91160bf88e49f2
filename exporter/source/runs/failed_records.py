"""The records of a batch that failed, as bounded files of JSON lines, named by their first and last letter.

There are no such files: the letters of bad records are read for them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import orjson

from exporter.source.collection.taken import TakenRecord, UnreadableRecord
from exporter.source.profiles.tally import HOUR_MS
from exporter.state.bad_record import REFUSED, BadRecord, BadRecordFilter
from exporter.state.bad_records import BadRecords

#: A file ends with the line that reaches one of these.
FILE_RECORDS: Final = 500
FILE_BYTES: Final = 8 * 1024 * 1024
_NAME: Final = re.compile(r"failed-([1-9][0-9]{0,17})-([1-9][0-9]{0,17})\.json")


@dataclass(frozen=True, slots=True)
class File:
    """A file: the ids of its first and last letter, and its bytes."""

    first: int
    last: int
    length: int

    @property
    def name(self) -> str:
        """By which its lines are asked for."""
        return f"failed-{self.first}-{self.last}.json"


@dataclass(frozen=True, slots=True)
class FailedRecords:
    """The failed records of one batch. Every call raises ``StateUnavailable`` where they cannot be read now.

    Attributes:
        records: the bad records of the state.
        hour: when the batch's hour began, in epoch milliseconds.
        flow: the flow's id; empty where no flow counts the records.
        dataset: the dataset's id.
    """

    records: BadRecords
    hour: int
    flow: str
    dataset: str

    async def files(self, beyond: int | None, limit: int) -> Sequence[File]:
        """At most ``limit`` files, of letters after the id ``beyond``. Reads all of their lines."""
        found: list[File] = []
        async with aclosing(self._files(beyond)) as files:
            async for lines in files:
                found.append(File(lines[0][0], lines[-1][0], sum(len(line) for _, line in lines)))
                if len(found) == limit:
                    break
        return found

    async def content(self, name: str) -> bytes | None:
        """The lines of a file by its name; None where no file has that name now."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        first, last = map(int, match.groups())
        async with aclosing(self._files(first - 1)) as files:
            lines = await anext(files, None) or ()
        ids = [number for number, _ in lines]
        # What was kept since makes the last file longer, which still begins with the lines that were listed.
        is_listed = last in ids and ids[0] == first
        return b"".join(line for number, line in lines if number <= last) if is_listed else None

    async def _files(self, beyond: int | None) -> AsyncGenerator[Sequence[tuple[int, bytes]], None]:
        """Id and line of each letter, in pieces that are files."""
        lines: list[tuple[int, bytes]] = []
        size = 0
        async for record in self._letters(beyond):
            line = line_of(record)
            lines.append((record.id, line))
            size += len(line)
            if len(lines) == FILE_RECORDS or size >= FILE_BYTES:
                yield lines
                lines, size = [], 0
        if lines:
            yield lines

    async def _letters(self, beyond: int | None) -> AsyncIterator[BadRecord]:
        which = BadRecordFilter(
            flow=self.flow, dataset=self.dataset, taken_since=self.hour, taken_until=self.hour + HOUR_MS
        )
        while page := await self.records.page(which, beyond=beyond, limit=FILE_RECORDS):
            for summary in page:
                record = await self.records.record(summary.name)
                # Another id: kept again, and to come; none: applied or purged meanwhile.
                if record is not None and record.id == summary.id and record.reason != REFUSED:
                    yield record
            beyond = page[-1].id


def line_of(record: BadRecord) -> bytes:
    """A letter as a line: the message as it was sent, with ``_errors``, and without line breaks of its own."""
    try:
        body = TakenRecord.from_bytes(record.message).body
    except UnreadableRecord:  # of a later version: an object all the same, so that every line is one
        body = b"{}"
    # Within JSON a line break is nothing but a blank between two signs.
    inner = body.translate(_BREAKS).strip()[1:-1].rstrip()
    violations = record.violations if record.violations.strip() != b"[]" else _told(record.detail)
    return b"{%s%s%s%s}}\n" % (inner, b"," if inner else b"", b'"_errors":{"_streamingValidation":', violations)


def _told(detail: str) -> bytes:
    """The violations of a record that is bad by no rule of its schema."""
    return orjson.dumps(
        [{"schemaLocation": "#", "pointerToViolation": "#", "causingExceptions": [], "message": detail}]
    )


_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")

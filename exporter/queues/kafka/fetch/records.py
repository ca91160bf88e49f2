"""Kafka's records as messages of the port. Pure but for the wall clock of a record without a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from aiokafka.structs import ConsumerRecord

from exporter.messages.message import Message


def messages(lane: str, records: Iterable[ConsumerRecord], id_headers: Sequence[str]) -> Iterator[Message]:
    """A message for each record; the first of ``id_headers`` that is set holds the id. A tombstone's body is empty."""
    for record in records:
        taken_at = record.timestamp / 1000 if record.timestamp >= 0 else time.time()
        event_id = _event_id(record, id_headers) if record.headers else None
        yield Message(lane, record.offset, record.value or b"", taken_at, event_id)


def _event_id(record: ConsumerRecord, id_headers: Sequence[str]) -> str | None:
    headers = dict(reversed(record.headers))
    for name in id_headers:
        value = headers.get(name)
        if value:
            with suppress(UnicodeDecodeError):
                return bytes(value).decode()
    return None

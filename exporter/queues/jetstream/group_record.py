"""What is kept of a group: where it stands and who reads it, and the key under which that stands. Pure."""

from __future__ import annotations

import re
from binascii import Error as BadBase64
from typing import NamedTuple

import msgspec

from exporter.queues.progress.settled import Range, decode

_PLAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_ESCAPED = re.compile(r"=([0-9a-f]{2})")
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


class Reader(msgspec.Struct, frozen=True):
    """Who reads the group: a random name, how many seconds after its last word its place is free, and its badge."""

    name: str
    lease: float
    badge: str = ""


class Record(msgspec.Struct, frozen=True):
    """Where a group stands in one stream.

    ``stream`` tells the stream from another one of the same name, ``lane`` its sequence numbers from others of it;
    ``settled_to`` and ``ranges`` are as in ``exporter.queues.progress.settled``.
    """

    stream: str
    lane: str
    settled_to: int
    ranges: bytes = b""
    reader: Reader | None = None

    def beyond(self) -> list[Range]:
        """The ranges settled beyond the first hole."""
        return list(decode(self.settled_to, self.ranges))


class Kept(NamedTuple):
    """A record as the bucket has it: None where the group was dropped. ``written_at`` is the servers' time."""

    record: Record | None
    revision: int
    written_at: float


class Unreadable(Exception):
    """What stands in the bucket was written by somebody else."""


_DECODER = msgspec.json.Decoder(Record)


def read(body: bytes) -> Record:
    """The record in these bytes. Raises Unreadable."""
    try:
        record = _DECODER.decode(body)
        record.beyond()
    except (msgspec.MsgspecError, BadBase64, ValueError) as error:
        raise Unreadable from error
    return record


def written(record: Record) -> bytes:
    """The record as bytes."""
    return msgspec.json.encode(record)


def key_of(group: str) -> str:
    """The key of a group: its name, with bytes that a key cannot hold as ``=`` and two hexadecimal digits."""
    if _PLAIN.fullmatch(group):
        return group
    raw = group.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte in _SAFE else f"={byte:02x}" for byte in raw)


def group_of(key: str) -> str:
    """The group of a key that ``key_of`` made."""
    raw = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), key).encode("latin-1", "replace")
    return raw.decode("utf-8", "surrogatepass") if "=" in key else key

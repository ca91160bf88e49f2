"""A group's record in the bucket, with the position and the reader, and the key of the record. Pure."""

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
    """The reader of a group: a random name, how many seconds after the last write the lease is free, and the badge."""

    name: str
    lease: float
    badge: str = ""


class Record(msgspec.Struct, frozen=True):
    """A group's position in a stream, and the reader.

    ``stream`` tells streams of the same name apart, by the time of creation; ``lane`` is another where the stream gives
    sequence numbers a second time; ``settled_to`` and ``ranges`` are as in ``exporter.queues.progress.settled``.
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
    """A record as found in the bucket, None where the group was dropped. ``written_at`` is the servers' time."""

    record: Record | None
    revision: int
    written_at: float


class Unreadable(Exception):
    """The bytes in the bucket are no record of an exporter."""


_DECODER = msgspec.json.Decoder(Record)


def read(body: bytes) -> Record:
    """The record that ``written`` made.

    Raises:
        Unreadable: ``body`` is no record.
    """
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
    """The key of a group: the name, or where the name is no key, with all but ``[A-Za-z0-9_-]`` as ``=`` and two
    hexadecimal digits for each byte."""
    if _PLAIN.fullmatch(group):
        return group
    raw = group.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte in _SAFE else f"={byte:02x}" for byte in raw)


def group_of(key: str) -> str:
    """The group of a key that ``key_of`` made."""
    raw = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), key).encode("latin-1", "replace")
    return raw.decode("utf-8", "surrogatepass") if "=" in key else key

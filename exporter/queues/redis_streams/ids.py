"""Ids of stream entries, ``<milliseconds>-<sequence>``, and the positions made from them. Pure.

A position is ``milliseconds * 2**20 + sequence``: it grows with the ids, and fits into 63 bits for the next two
centuries. More than a million entries in one millisecond carry over into the next milliseconds; only a clock that was
turned far back brings that about.
"""

from __future__ import annotations

from collections.abc import Sequence

StreamId = tuple[int, int]

#: An entry as sent by Redis: the id, then fields and values in turn, or None for a deleted entry.
RawEntry = tuple[bytes, Sequence[bytes] | None]

FIRST: StreamId = (0, 0)  # before every entry

_SEQUENCE_BITS = 20
_MAX_SEQUENCE = 2**64 - 1
_MAX_POSITION = 2**63 - 1


def parse(text: bytes | str) -> StreamId:
    """Read an id as Redis writes ids.

    Raises:
        ValueError: ``text`` is no id.
    """
    if isinstance(text, bytes):
        text = text.decode("ascii")
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds), int(sequence)


def written(id: StreamId) -> str:  # noqa: A002 - no other word would be clearer
    """The id as Redis reads it."""
    return f"{id[0]}-{id[1]}"


def position_of(id: StreamId) -> int:  # noqa: A002
    """The position of the entry with the id ``id``."""
    return (id[0] << _SEQUENCE_BITS) + id[1]


def fits(position: int) -> bool:
    """Whether a position can be kept. Ids made by hand, from nanoseconds say, may be too large."""
    return position <= _MAX_POSITION


def too_large(id_: str, key: str) -> str:
    """The message about an entry whose position does not fit."""
    return (
        f"entry {id_} of stream {key} has an id that is no time in milliseconds and too large: the stream cannot be "
        "read past it"
    )


def id_at(position: int) -> StreamId:
    """The id for which ``position_of`` returns ``position``."""
    return position >> _SEQUENCE_BITS, position & (2**_SEQUENCE_BITS - 1)


def before(id: StreamId) -> StreamId:  # noqa: A002
    """The greatest id below ``id``; ``FIRST`` for ``FIRST``."""
    milliseconds, sequence = id
    if sequence:
        return milliseconds, sequence - 1
    return (milliseconds - 1, _MAX_SEQUENCE) if milliseconds else FIRST

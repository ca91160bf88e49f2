"""Splits a file of events into the messages that it stands for."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

_VALUE = msgspec.json.Decoder(msgspec.Raw)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Found:
    """One event of a file: ``line`` is where it begins, counted from 1."""

    line: int
    body: bytes


def split(content: bytes) -> Iterator[Found]:
    """The events of a file: JSON lines, or one event or a list of events written over several lines.

    Nothing is refused here: what can't be read comes out as it stands, and whoever reads it says why. Empty
    lines are left out.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    if _is_one_document(content):
        yield from _of_document(content)
        return
    for number, line in enumerate(content.split(b"\n"), start=1):
        if body := line.strip():
            yield Found(number, body)


def _is_one_document(content: bytes) -> bool:
    if content.strip().split(b"\n", 1)[0].strip() in (b"{", b"["):
        return True
    try:
        _VALUE.decode(content)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _of_document(content: bytes) -> Iterator[Found]:
    begins = len(content) - len(content.lstrip())
    try:
        elements = _LIST.decode(content)
    except (msgspec.DecodeError, RecursionError):
        yield Found(content.count(b"\n", 0, begins) + 1, content.strip())
        return
    at = begins + 1
    for element in elements:
        body = bytes(element)
        # Between two elements stand only blanks and a comma, so the next occurrence is the element itself.
        at = content.index(body, at)
        yield Found(content.count(b"\n", 0, at) + 1, body)
        at += len(body)

"""Splits files of events into events, as people and programs write files, with the line where each event begins.

An event a line, events over several lines, lists of either, one after the other; with a byte order mark, with any line
breaks. No text is refused here: text that is no JSON comes out unchanged, and the reader of the events says why.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from exporter.cli.events.json_text import Document

STDIN = Path("-")

#: A line, and an event over several, must fit in memory: what goes on longer holds no events, or has no end.
MOST_BYTES = 64 * 1024**2

_VALUE = msgspec.json.Decoder(msgspec.Raw)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class Endless(Exception):
    """A line, or an event over several, is longer than ``MOST_BYTES``; where it begins, fit for people."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event of a file.

    ``line`` is where the event begins, counted from 1; ``read_bytes`` how many bytes of the file were read since the
    event before.
    """

    file: str
    line: int
    body: bytes
    read_bytes: int = 0

    @property
    def place(self) -> str:
        """``events.jsonl:3``."""
        return f"{self.file}:{self.line}"


def events_in(files: Sequence[Path]) -> Iterator[Found]:
    """The events of ``files``, in order; ``-`` is standard input.

    Raises:
        OSError: a file cannot be read.
        Endless: what follows in it is not looked at.
    """
    for file in files:
        # Not by ``sys.stdin``, which Python closes at its end: that fails while another thread waits for a line of it.
        with open(0, "rb", closefd=False) if file == STDIN else file.open("rb") as stream:
            name = "stdin" if file == STDIN else str(file)
            told = 0
            for line, body, read_bytes in _split(stream, name):
                yield Found(name, line, body, read_bytes - told)
                told = read_bytes


def _split(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes, int]]:
    """Each event's line and text, and how much was read until it was whole."""
    document: Document | None = None
    read_bytes = 0
    for number, line in enumerate(iter(partial(stream.readline, MOST_BYTES + 1), b""), 1):
        read_bytes += len(line)
        if len(line) > MOST_BYTES:
            raise _endless(f"{name}:{number}: a line")
        waiting = [(number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line)]
        while waiting:
            at, text = waiting.pop(0)
            if document is None:
                whole = _whole(text.strip())
                if whole is not None:
                    yield from ((at, body, read_bytes) for body in whole)
                    continue
                document = Document(at)
            events = list(document.add(at, text))
            if document.ended and document.begins == at and document.left:
                # A line with more text behind its value is no JSON line, so the line comes out unchanged.
                events, document.left = [(at, text.strip())], []
            yield from ((begins, body, read_bytes) for begins, body in events)
            if document.held_bytes > MOST_BYTES:
                raise _endless(f"{name}:{document.begins}: an event")
            if document.ended:
                waiting[:0] = document.left
                document = None
    if document is not None:
        yield from ((begins, body, read_bytes) for begins, body in document.cut_off())


def _endless(what: str) -> Endless:
    return Endless(f"{what} is longer than {MOST_BYTES // 1024**2} MiB; is this a file of events?")


def _whole(text: bytes) -> list[bytes] | None:
    """The events of a line that stands for itself, as nearly all lines do; None for a line that needs a closer look."""
    if not text:
        return []
    try:
        if text.startswith(b"["):
            return [bytes(element) for element in _LIST.decode(text)]
        _VALUE.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return [text]

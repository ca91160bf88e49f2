"""Reads files of events, one JSON value a line, and tells good lines, doubtful ones and what is no JSON apart."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from exporter.profile.event import read
from exporter.profile.malformed import Malformed
from exporter.queues.port import Outgoing

STDIN = Path("-")
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line to put on the queue; ``doubt`` is why every dataflow will find it malformed, if it will.

    ``read_bytes`` is how many bytes of its file it stands for, with line breaks and blank lines before it.
    """

    place: str
    event: Outgoing
    doubt: str | None
    read_bytes: int


@dataclass(frozen=True, slots=True)
class NotJson:
    """The line at ``place`` cannot be an event; nothing after it was read."""

    place: str
    reason: str


def event_lines(files: Sequence[Path], max_event_bytes: int) -> Iterator[Line | NotJson]:
    """The lines of ``files`` in order, blank ones left out; ends with a NotJson where there is one.

    Raises:
        OSError: a file cannot be read.
    """
    for file in files:
        opened = nullcontext(sys.stdin.buffer) if file == STDIN else file.open("rb")
        with opened as stream:
            for line in _lines_of("stdin" if file == STDIN else str(file), stream, max_event_bytes):
                yield line
                if isinstance(line, NotJson):
                    return


def _lines_of(name: str, stream: BinaryIO, max_event_bytes: int) -> Iterator[Line | NotJson]:
    read_bytes = 0
    for number, text in enumerate(stream, 1):
        read_bytes += len(text)
        body = (text.removeprefix(_MARK) if number == 1 else text).strip()
        if not body:
            continue
        place = f"{name}:{number}"
        found = read(body, max_event_bytes)
        if not isinstance(found, Malformed):
            yield Line(place, Outgoing(found.profile_id, body), None, read_bytes)
            read_bytes = 0
            continue
        reason = _why_no_json(body)
        if reason is not None:
            yield NotJson(place, reason)
            return
        yield Line(place, Outgoing(found.profile_id, body), str(found), read_bytes)
        read_bytes = 0


def _why_no_json(body: bytes) -> str | None:
    """None for JSON (RFC 8259), even for such as no event can be."""
    try:
        json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return f"{error.msg} at column {error.colno}"
    except UnicodeDecodeError as error:
        return f"invalid UTF-8 at byte {error.start}"
    except ValueError as error:
        return str(error)
    except RecursionError:
        return None  # nested deeper than we can follow
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")

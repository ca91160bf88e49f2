"""Reads what ``exporter receive --record`` has written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from exporter.receiver.reception import Reception


def read_reception(line: bytes) -> Reception:
    """The reception that ``line`` holds."""
    document = orjson.loads(line)
    text = document.pop("body_text", None)
    body = document.pop("body", None)
    return Reception(**document, body=orjson.dumps(body) if text is None else text.encode())


def read_record(lines: Iterable[bytes]) -> Iterator[Reception]:
    """The receptions in a record's lines; a last line that was cut off is left out."""
    for line in lines:
        if line.endswith(b"\n"):
            yield read_reception(line)

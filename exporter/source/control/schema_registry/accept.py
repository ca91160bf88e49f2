"""Reads ``Accept`` as clients of the schema registry write it: ``application/vnd.adobe.xed-full+json; version=1``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed

_FORM: Final = re.compile(r"application/vnd\.adobe\.x(?:ed|dm)((?:-[a-z0-9]+)*)\+json")
#: Whoever asks so has no wish.
_ANY: Final = ("", "*/*", "application/*", "application/json")
_VERSION: Final = re.compile(r"1(\.[0-9]+)?")


def wishes_of(header: str, known: frozenset[str]) -> frozenset[str] | Answer:
    """The words of the first form in ``Accept`` that can be had: ``{"full", "notext"}``; none: as it is kept.

    406 where all forms have words that are not ``known``, or are no forms of the registry, or of another version than
    the first. The prefixes ``xed`` and ``xdm`` mean the same: names of fields have none of their own.
    """
    for media_type, version in _ranges(header):
        if media_type in _ANY:
            return frozenset()
        form = _FORM.fullmatch(media_type)
        if form is not None and _VERSION.fullmatch(version):
            words = frozenset(form[1].split("-")[1:])
            if words <= known:
                return words
    shown = header[:200]
    return failed(406, "1406-406", f"There is no such form: {shown}; known words are {', '.join(sorted(known))}")


def _ranges(header: str) -> Iterator[tuple[str, str]]:
    """The media types of a header, in lower case, and the version that each asks for."""
    for each in header.lower().split(","):
        media_type, *parameters = (part.strip() for part in each.split(";"))
        version = "1"
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "version":
                version = value.strip().strip('"')
        yield media_type, version

"""The ids of a refused event, as far as readable: people find the dead letter by the ids."""

from __future__ import annotations

import codecs
import re

import msgspec

from exporter.profile.event.other_formats import REGISTRY_FRAME_BYTES
from exporter.profile.event.shapes import NAMES, TEXT, Names, is_absent

#: Of a body that is no JSON only the beginning is searched, because the search is done in Python.
_MOST_BYTES = 64 * 1024
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def names_in(body: bytes) -> tuple[str | None, str | None]:
    """The profile's and the event's id in ``body``, whatever is wrong elsewhere; None where not readable."""
    if body.startswith(b"\0"):
        body = body[REGISTRY_FRAME_BYTES:]
    names, inner = _both(body.removeprefix(codecs.BOM_UTF8))
    if is_absent(names.specversion):
        return _name(names.profile_id), _name(names.id)
    return (
        _name(inner.profile_id) or _name(names.subject),
        _name(inner.id) or _name(names.id),
    )


def _both(body: bytes) -> tuple[Names, Names]:
    """The names of the event and of its ``data``."""
    try:
        outer = NAMES.decode(body)
        return outer, NAMES.decode(outer.data) if bytes(outer.data).startswith(b"{") else Names()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _scanned(body[:_MOST_BYTES])


def _scanned(body: bytes) -> tuple[Names, Names]:
    """``_both`` for a body that cannot be decoded: strings at the two levels, until the brackets close or a string
    does not."""
    levels = (Names(), Names())
    fields = {b'"profileId"': "profile_id", b'"id"': "id", b'"subject"': "subject", b'"specversion"': "specversion"}
    opened = bytearray()
    before = key = b""
    in_data = False
    for token in _TOKEN.finditer(body):
        text = token[0]
        depth = len(opened)
        if text in (b"{", b"["):
            if depth == 1:
                in_data = key == b'"data"' and text == b"{"
            opened += text
            if len(opened) == 1 and text == b"[":
                break
        elif text in (b"}", b"]"):
            if depth <= 1:
                break
            opened.pop()
        elif text.startswith(b'"') and not token[1]:
            break
        elif text == b":":
            key = before if depth == 1 or (depth == 2 and in_data) else key
        elif text.startswith(b'"') and before == b":" and (depth == 1 or (depth == 2 and in_data)) and key in fields:
            setattr(levels[depth - 1], fields[key], msgspec.Raw(text))
        before = text
    return levels


def _name(raw: msgspec.Raw) -> str | None:
    if not bytes(raw).startswith(b'"'):
        return None
    try:
        return TEXT.decode(raw) or None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None

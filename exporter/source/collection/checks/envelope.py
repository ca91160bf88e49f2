"""Takes a batch apart into its messages, each with the bytes that the sender wrote."""

from __future__ import annotations

import json
import re

import msgspec

from exporter.source.collection.checks.json_text import TOO_DEEP, UNREADABLE, NoJson

_NO_ARRAY = "The batch has no array `messages`"
_TWICE = "The batch has `messages` twice"
_KEY = "messages"
_NAME = b'"messages"'


class _Envelope(msgspec.Struct, gc=False):
    messages: list[msgspec.Raw]


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def messages_of(text: bytes) -> list[bytes] | NoJson:
    """The elements of ``messages``, which stands there once; the envelope is judged, and that all of it is UTF-8."""
    try:
        if not text.isascii():
            text.decode()
        messages = [bytes(message) for message in _ENVELOPE.decode(text).messages]
        # What a decoder reads of a key that comes twice is the last: the first list would be lost without a word.
        if text.count(_NAME) > 1 and text.count(_NAME) - sum([message.count(_NAME) for message in messages]) > 1:
            return _patiently(text.decode())
        return messages
    except UnicodeDecodeError:
        return NoJson(UNREADABLE)
    except RecursionError:
        return NoJson(TOO_DEEP)
    except msgspec.ValidationError:
        return NoJson(_NO_ARRAY)
    except msgspec.DecodeError:
        return _patiently(text.decode()) if b"\\u" in text else NoJson(UNREADABLE)


# A lone surrogate escape, such as half of an emoji that was cut off, is JSON by its grammar. The decoder above refuses
# the whole text for it; the one below, many times as slow, lets the messages beside it live.

_SCAN = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\r\n]*")


def _patiently(text: str) -> list[bytes] | NoJson:
    try:
        found, end = _object(text, _passed(text, 0))
    except RecursionError:
        return NoJson(TOO_DEEP)
    except ValueError:
        return NoJson(UNREADABLE)
    if _passed(text, end) != len(text):
        return NoJson(UNREADABLE)
    return NoJson(_NO_ARRAY) if found is None else found


def _object(text: str, at: int) -> tuple[list[bytes] | NoJson | None, int]:
    """The messages of the object at ``at``, and where it ends; raises ``ValueError`` where it is not JSON."""
    found: list[bytes] | NoJson | None = None
    times = 0
    at = _passed(text, _expect(text, at, "{"))
    while text[at : at + 1] != "}":
        key, at = _SCAN.raw_decode(text, at)
        times += key == _KEY
        at = _passed(text, _expect(text, _passed(text, at), ":"))
        if key == _KEY and text[at : at + 1] == "[":
            found, at = _elements(text, at)
        else:
            found = None if key == _KEY else found
            _, at = _SCAN.raw_decode(text, at)
        at = _separated(text, at, "}")
    return (NoJson(_TWICE) if times > 1 else found), at + 1


def _elements(text: str, at: int) -> tuple[list[bytes], int]:
    found = []
    at = _passed(text, at + 1)
    while text[at : at + 1] != "]":
        begin = at
        _, at = _SCAN.raw_decode(text, at)
        found.append(text[begin:at].encode())
        at = _separated(text, at, "]")
    return found, at + 1


def _separated(text: str, at: int, close: str) -> int:
    """Where the next member begins, or ``close`` stands."""
    at = _passed(text, at)
    if text[at : at + 1] == close:
        return at
    at = _passed(text, _expect(text, at, ","))
    if text[at : at + 1] == close:
        raise ValueError("nothing follows a comma")
    return at


def _expect(text: str, at: int, sign: str) -> int:
    if text[at : at + 1] != sign:
        raise ValueError("another sign was expected")
    return at + 1


def _passed(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return at if blanks is None else blanks.end()

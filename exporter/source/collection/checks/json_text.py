"""Bounds of JSON that a decoder does not keep: depth, whole numbers beyond 64 bits. Found before decoding.

The two quick looks let nearly every text pass; only what they can't clear is looked at with its strings left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

#: Levels of objects and arrays that a message may have.
MAX_DEPTH = 64
TOO_DEEP = f"The message has more than {MAX_DEPTH} levels"
TOO_BIG = "The message has a whole number of more than 64 bits"
TOO_GREAT = "The message has a number beyond 1.8e308, the greatest that can be kept"
UNREADABLE = "The message is not JSON in UTF-8"

#: Makes a zero of every digit, one bracket of both that open a level, one letter of both that begin an exponent; "+" is
#: left out.
_CLASSES = bytes.maketrans(b"123456789{e", b"000000000[E")
#: Numbers with a shorter exponent are no infinity, unless they have very many digits.
_LONG_EXPONENT = b"0E000"
#: Numbers of fewer digits have 64 bits at most.
_MANY_DIGITS = b"0" * 19
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')
_NUMBER = re.compile(rb"-?[0-9]+(?![0-9])([.eE][0-9.eE+-]*)?")
_EXPONENTIAL = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?[eE][+-]?[0-9]+")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SQUARE = bytes.maketrans(b"{}", b"[]")
_SMALLEST, _GREATEST = -(2**63), 2**64 - 1


@dataclass(frozen=True, slots=True)
class NoJson:
    """Why a text is not read: a sentence, and what the decoder says beyond that, both without data."""

    reason: str
    detail: str = field(default="", compare=False)


def decoded(text: bytes) -> Any:
    """What ``text`` says, or a ``NoJson``. Of equal keys in an object the last counts."""
    classes = text.translate(_CLASSES, b"+")
    if classes.count(b"[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        return NoJson(TOO_DEEP)
    if _MANY_DIGITS in classes and _too_big(text):
        return NoJson(TOO_BIG)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if _LONG_EXPONENT in classes and _too_great(text):
            return NoJson(TOO_GREAT)
        return NoJson(UNREADABLE, str(error))


class _Headless(msgspec.Struct, gc=False):
    """An object without these two keys: no JSON has the type of their values."""

    header: msgspec.UnsetType = msgspec.UNSET
    body: msgspec.UnsetType = msgspec.UNSET


class _HeadlessBatch(msgspec.Struct, gc=False):
    messages: list[_Headless]


_HEADLESS = msgspec.json.Decoder(_Headless)
_HEADLESS_BATCH = msgspec.json.Decoder(_HeadlessBatch)


def is_headless(text: bytes) -> bool:
    """Whether ``text`` is sure to be an object without the keys ``header`` and ``body`` that ``decoded`` would read.

    It takes a quarter of the time of decoding, which most messages need not be for their answer. False: not sure.
    """
    classes = text.translate(_CLASSES, b"+")
    if _MANY_DIGITS in classes or _LONG_EXPONENT in classes or classes.count(b"[") > MAX_DEPTH:
        return False
    try:
        if not text.isascii():
            text.decode()
        _HEADLESS.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def are_headless(batch: bytes, messages: Sequence[bytes]) -> bool:
    """Whether ``is_headless`` holds for every one of ``messages``, which ``messages_of`` found in ``batch``."""
    classes = batch.translate(_CLASSES, b"+")
    if _MANY_DIGITS in classes or _LONG_EXPONENT in classes:
        return False
    for message in messages:
        if message.count(b"{") + (message.count(b"[") if b"[" in message else 0) > MAX_DEPTH:
            return False
    try:
        _HEADLESS_BATCH.decode(batch)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _without_strings(text: bytes) -> bytes:
    if b"\\" in text:
        # A backslash stands in strings only, or the text is no JSON, which the decoder will say.
        text = _ESCAPE.sub(b"", text)
    return _STRING.sub(b'""', text)


def _depth(text: bytes) -> int:
    """The levels of JSON; of other text a number of no meaning. Each turn takes the innermost level away."""
    brackets = _without_strings(text).translate(_SQUARE, _NO_BRACKETS)
    for depth in range(MAX_DEPTH + 1):
        if not brackets:
            return depth
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            return depth
        brackets = fewer
    return MAX_DEPTH + 1


def _too_great(text: bytes) -> bool:
    """Whether a number that is JSON by its grammar is none for the decoder."""
    found = (_EXPONENTIAL.fullmatch(number[0]) for number in _NUMBER.finditer(_without_strings(text)))
    return any(number is not None and math.isinf(float(number[0])) for number in found)


def _too_big(text: bytes) -> bool:
    for number in _NUMBER.finditer(_without_strings(text)):
        if number[1] is None:
            digits = number[0]
            if len(digits) > len(_MANY_DIGITS) + 2 or not _SMALLEST <= int(digits) <= _GREATEST:
                return True
    return False

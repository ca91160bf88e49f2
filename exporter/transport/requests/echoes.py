"""Masks the secrets of requests in an endpoint's answer: some endpoints echo secrets in errors, written anew.

A secret is found in any letter case and in any escape: percent-encoded, as JSON, as HTML, twice, or in the base64 of
basic credentials.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections import deque
from collections.abc import Iterable, Iterator
from html.entities import html5
from typing import Final
from urllib.parse import quote, quote_plus

from exporter.sections.section import MASK

#: A shorter value of a header or a parameter counts as no secret: masking would hit ordinary words.
SHORTEST_VALUE: Final = 6
#: A value that is a secret by its kind may be shorter, down to this length; below, the value is an ordinary word.
_SHORTEST_SECRET: Final = 4
#: How much of an answer is shown at most; more than a dead letter keeps.
_SHOWN_BYTES: Final = 2048
#: The longest escape of a character: four bytes, each percent-encoded four times.
_LONGEST_ESCAPE: Final = 40
#: Where a text was escaped twice, up to so many backslashes stand before a character, or for one backslash.
_MOST_SLASHES: Final = 4
_PARTS: Final = re.compile(r"\\+|[^\\]", re.DOTALL)
#: How many authorizations are remembered: answers to requests with an earlier token may still come.
_AUTHORIZATIONS: Final = 3


class Echoes:
    """The secrets of a destination's requests, and the search for them, compiled when an answer needs masking."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = frozenset(secrets)
        self._authorizations: deque[str] = deque(maxlen=_AUTHORIZATIONS)
        self._pattern: re.Pattern[bytes] | None = None
        self._looked_at_bytes = _SHOWN_BYTES

    def present(self, authorization: str) -> None:
        """Take in the value of ``Authorization`` that requests present from now on."""
        self._authorizations.append(authorization)
        self._pattern = None

    def masked(self, answer: bytes) -> bytes:
        """The beginning of an answer, as much as is ever shown, with every secret as asterisks."""
        if not answer:
            return answer
        if self._pattern is None:
            self._pattern = self._compiled()
        return self._pattern.sub(MASK.encode(), answer[: self._looked_at_bytes])[:_SHOWN_BYTES]

    def _compiled(self) -> re.Pattern[bytes]:
        secrets = set(self._secrets)
        for authorization in self._authorizations:
            secrets.update(in_header(authorization, _SHORTEST_SECRET))
        secrets.update([encoded for secret in secrets for encoded in _in_base64(secret)])
        longest_first = sorted(secrets, key=lambda secret: (-len(secret), secret))
        # So a secret that begins in the shown part is found whole.
        self._looked_at_bytes = _SHOWN_BYTES + _LONGEST_ESCAPE * max(map(len, longest_first), default=0)
        return re.compile(b"|".join(map(_in_any_form, longest_first)) or b"(?!)", re.IGNORECASE)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def credentials(secret: str) -> Iterator[str]:
    """``secret``, unless so short that it is an ordinary word."""
    if len(secret) >= _SHORTEST_SECRET:
        yield secret


def basic(user: str, password: str) -> Iterator[str]:
    """Basic credentials as in a header, in every encoding of the pair and of base64, without the padding."""
    for form in (str, quote_plus, quote):
        pair = f"{form(user)}:{form(password)}"
        for encoded in (b64encode(pair.encode()), urlsafe_b64encode(pair.encode())):
            yield encoded.decode().rstrip("=")


def in_header(value: str, shortest: int) -> Iterator[str]:
    """The secrets in a header's value: the whole value, the part behind a scheme, the password in basic credentials."""
    scheme, blank, rest = value.partition(" ")
    for each in (value, rest.strip()):
        if len(each) >= shortest:
            yield each
    if blank and scheme.lower() == "basic":
        try:
            _, _, password = b64decode(rest, validate=True).decode().partition(":")
        except ValueError:
            return
        yield from credentials(password)
        yield rest.strip().rstrip("=")


def _in_base64(secret: str) -> Iterator[str]:
    """The secret as base64 in either alphabet, without the padding."""
    for encoded in (b64encode(secret.encode()), urlsafe_b64encode(secret.encode())):
        yield encoded.decode().rstrip("=")


def _in_any_form(secret: str) -> bytes:
    parts = _PARTS.findall(secret)
    patterns = {part: _pattern(part) for part in set(parts)}
    return b"".join(patterns[part] for part in parts)


def _pattern(part: str) -> bytes:
    """A pattern for one character, or several backslashes, plain or escaped; letters and digits are never escaped.

    No two alternatives may match the same text, and every repetition has an end: else an endpoint could make the search
    take hours.
    """
    if part.isascii() and part.isalnum():
        return part.encode()
    if part.startswith("\\"):
        forms = {rb"\\{%d,%d}" % (len(part), _MOST_SLASHES * len(part))} | {
            b"(?:" + form + b"){%d}" % len(part) for form in _escapes("\\")
        }
    else:
        # On bytes, IGNORECASE knows the letters of ASCII only.
        cases = {part, *part.lower(), *part.upper()}
        slashes = rb"\\{0,%d}" % _MOST_SLASHES
        forms = {slashes + re.escape(raw) for each in cases for raw in _raw(each)}
        forms.update(form for each in cases for form in _escapes(each))
    if part == " ":
        forms.add(rb"\+")
    if part == "+":
        forms.add(b" ")  # read as a form by a server that was given no form
    return b"(?:" + b"|".join(sorted(forms)) + b")"


def _raw(character: str) -> Iterator[bytes]:
    yield character.encode("utf-8", "surrogatepass")
    if 0x80 <= ord(character) <= 0xFF:
        yield character.encode("latin-1")


def _escapes(character: str) -> Iterator[bytes]:
    for raw in _raw(character):
        yield b"".join(b"%%(?:25){0,3}%02x" % byte for byte in raw)
    utf16 = character.encode("utf-16-be", "surrogatepass")
    units = zip(utf16[::2], utf16[1::2], strict=True)
    yield b"".join(rb"\\{1,%d}u%02x%02x" % (_MOST_SLASHES, high, low) for high, low in units)
    named = sorted(name for name, meant in html5.items() if meant == character and name.endswith(";"))
    for name in (f"#0{{0,6}}{ord(character)};", f"#x0{{0,6}}{ord(character):x};", *map(re.escape, named)):
        yield b"&(?:amp;){0,3}" + name.encode()

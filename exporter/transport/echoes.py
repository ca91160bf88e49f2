"""Masks in an endpoint's answer what the requests presented: some endpoints echo it in their errors, written anew.

A secret is found in any letter case and however it was escaped on its way: percent-encoded, as JSON, as HTML, twice, or
in the base64 of basic credentials.
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

#: A shorter value of a header or a parameter is no secret, and would be masked wherever it happens to stand.
SHORTEST_VALUE: Final = 6
#: What is a secret by its kind is one even if it is shorter; this short it is anybody's word.
_SHORTEST_SECRET: Final = 4
#: So much of an answer is shown to anybody, and more than is kept of it.
_SHOWN_BYTES: Final = 2048
#: No escape of one character is longer: four bytes, each percent-encoded four times.
_LONGEST_ESCAPE: Final = 40
#: So many backslashes stand for none, or for one, where a text was escaped twice.
_MOST_SLASHES: Final = 4
_PARTS: Final = re.compile(r"\\+|[^\\]", re.DOTALL)
#: Answers to requests with an earlier token may still come.
_AUTHORIZATIONS: Final = 3


class Echoes:
    """What one destination's requests presented, and its search in answers; compiled when an answer needs it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = frozenset(secrets)
        self._authorizations: deque[str] = deque(maxlen=_AUTHORIZATIONS)
        self._pattern: re.Pattern[bytes] | None = None
        self._looked_at_bytes = _SHOWN_BYTES

    def present(self, authorization: str) -> None:
        """This value of ``Authorization`` is presented from now on."""
        self._authorizations.append(authorization)
        self._pattern = None

    def masked(self, answer: bytes) -> bytes:
        """The beginning of an answer, as much as anybody is shown, with every secret as asterisks."""
        if not answer:
            return answer
        if self._pattern is None:
            self._pattern = self._compiled()
        return self._pattern.sub(MASK.encode(), answer[: self._looked_at_bytes])[:_SHOWN_BYTES]

    def _compiled(self) -> re.Pattern[bytes]:
        secrets = set(self._secrets)
        for authorization in self._authorizations:
            secrets.update(in_header(authorization, _SHORTEST_SECRET))
        longest_first = sorted(secrets, key=lambda secret: (-len(secret), secret))
        # One that begins in what is shown is found whole.
        self._looked_at_bytes = _SHOWN_BYTES + _LONGEST_ESCAPE * max(map(len, longest_first), default=0)
        return re.compile(b"|".join(map(_in_any_form, longest_first)) or b"(?!)", re.IGNORECASE)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def credentials(secret: str) -> Iterator[str]:
    """``secret``, unless it is so short that it is anybody's word."""
    if len(secret) >= _SHORTEST_SECRET:
        yield secret


def basic(user: str, password: str) -> Iterator[str]:
    """Basic credentials as they stand in a header, with either encoding, without the padding."""
    for form in (str, quote_plus, quote):
        pair = f"{form(user)}:{form(password)}"
        for encoded in (b64encode(pair.encode()), urlsafe_b64encode(pair.encode())):
            yield encoded.decode().rstrip("=")


def in_header(value: str, shortest: int) -> Iterator[str]:
    """What is secret in a header's value: all of it, what follows a scheme, and the password in basic credentials."""
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


def _in_any_form(secret: str) -> bytes:
    parts = _PARTS.findall(secret)
    patterns = {part: _pattern(part) for part in set(parts)}
    return b"".join(patterns[part] for part in parts)


def _pattern(part: str) -> bytes:
    """A pattern for one character, or several backslashes, plain or escaped; letters and digits are never escaped.

    No two of its forms may match the same, and no repetition is without an end: an endpoint could make a search of
    hours of it.
    """
    if part.isascii() and part.isalnum():
        return part.encode()
    if part.startswith("\\"):
        forms = {rb"\\{%d,%d}" % (len(part), _MOST_SLASHES * len(part))} | {
            b"(?:" + form + b"){%d}" % len(part) for form in _escapes("\\")
        }
    else:
        # What bytes know of letter case is ASCII's.
        cases = {part, *part.lower(), *part.upper()}
        slashes = rb"\\{0,%d}" % _MOST_SLASHES
        forms = {slashes + re.escape(raw) for each in cases for raw in _raw(each)}
        forms.update(form for each in cases for form in _escapes(each))
    if part == " ":
        forms.add(rb"\+")
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

"""Which texts are secrets, and how each is found in another text, however the secret is written there.

A secret is found in any letter case and in any escape: percent-encoded, as JSON, as HTML, twice, or in the base64 of
basic credentials.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from html.entities import html5
from typing import Final
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit

#: A shorter value of a header or a parameter counts as no secret: masking would hit ordinary words.
SHORTEST_VALUE: Final = 6
#: A value that is a secret by its kind may be shorter, down to this length; below, the value is an ordinary word.
SHORTEST_SECRET: Final = 4
#: The longest escape of a character: four bytes, each percent-encoded four times.
_LONGEST_ESCAPE: Final = 40
#: The most backslashes that stand before a character, or for one backslash, where a text was escaped twice.
_MOST_SLASHES: Final = 4
_PARTS: Final = re.compile(r"\\+|[^\\]", re.DOTALL)

_HUMP = r"(?<=[a-z0-9])(?=[A-Z])"
_BEGINS = rf"(?:^|[-_. ]|{_HUMP})"
_ENDS = rf"(?:$|[-_. ]|{_HUMP})"
#: Anywhere in a name.
_ANYWHERE = "apikey|apitoken|assertion|bearer|cookie|credential|hmac|jwt|passphrase|passw|pwd|secret|session|token"
#: As whole words of a name.
_WORDS = (
    "(?:access|account|api|app|client|functions?|license|master|private|service|shared|signing|subscription|user)?keys?"
    "|creds?|otp|pass|pat|pin|sas|sid|sig|sign|signature"
)

#: Found in the name of a header, parameter or form field whose value is taken for a secret, where nothing else says so.
SECRET_NAME: Final = re.compile(
    rf"(?i:{_ANYWHERE}|^code$)|{_BEGINS}(?i:auth)(?!(?i:ors?){_ENDS})|{_BEGINS}(?i:{_WORDS}){_ENDS}"
)


def credentials(secret: str) -> Iterator[str]:
    """``secret``, unless so short that it is an ordinary word."""
    if len(secret) >= SHORTEST_SECRET:
        yield secret


def basic(user: str, password: str) -> Iterator[str]:
    """Basic credentials as in a header, in every encoding of the pair and of base64, without the padding."""
    for form in (str, quote_plus, quote):
        pair = f"{form(user)}:{form(password)}"
        for encoded in (b64encode(pair.encode()), urlsafe_b64encode(pair.encode())):
            yield encoded.decode().rstrip("=")


def password_in(url: str) -> Iterator[str]:
    """The password of ``user:password@`` in a URL, as it is presented."""
    yield from credentials(unquote_plus(urlsplit(url).password or ""))


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


class SecretSearch:
    """A search for any of ``secrets``, also in base64, which is slow to make.

    Attributes:
        pattern: matches a secret as a whole; of two that begin alike the longer.
        longest_bytes: no match is longer.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        plain = set(secrets)
        every = plain.union(*map(_in_base64, plain))
        longest_first = sorted(every, key=lambda secret: (-len(secret), secret))
        self.pattern = re.compile(b"|".join(map(in_any_form, longest_first)) or b"(?!)", re.IGNORECASE)
        self.longest_bytes = _LONGEST_ESCAPE * max(map(len, longest_first), default=0)


def _in_base64(secret: str) -> Iterator[str]:
    """The secret as base64 in either alphabet, without the padding."""
    for encoded in (b64encode(secret.encode()), urlsafe_b64encode(secret.encode())):
        yield encoded.decode().rstrip("=")


def in_any_form(secret: str) -> bytes:
    """A pattern for ``secret``, plain or escaped, to be compiled with IGNORECASE."""
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

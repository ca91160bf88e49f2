"""Finds what is secret in a request, so that it can be shown without it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from exporter.sections.section import MASK

#: Names of headers and query parameters whose values are taken for secrets, wherever they come from.
_SECRET_NAME = re.compile(
    r"(?:^|[-_.])auth(?!ors?(?:$|[-_.]))|apikey|cookie|credential|passw|pwd|secret|session|token"
    r"|^code$|(?:^|[-_.])(?:key|jwt|sig|signature)$",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:Basic|Bearer|Digest|Token) +", re.IGNORECASE)
#: A shorter text from a file is masked only where it is a whole value: it may stand in others by chance.
_LEAST_CHARACTERS = 4


@dataclass(frozen=True, slots=True)
class Hidden:
    """Stands where a secret was; ``name`` says of what, for a variable to be named after it."""

    name: str

    def __str__(self) -> str:
        return MASK


#: Text with its secrets taken out.
Shown = tuple[str | Hidden, ...]


def masked(shown: Shown) -> str:
    """The text with every secret as asterisks."""
    return "".join(map(str, shown))


class Masking:
    """Takes out of requests what is secret by its name or by where it came from.

    Args:
        secrets: texts from ``!file``; they go wherever they stand.
        headers: names of headers whose values came from elsewhere than the configuration's text.
        parameters: what stands between the ``&`` of the URL's query, as it is sent, where its value did.
    """

    def __init__(self, secrets: Iterable[str], headers: Iterable[str] = (), parameters: Iterable[str] = ()) -> None:
        self._headers = frozenset(name.lower() for name in headers)
        self._parameters = frozenset(parameters)
        self._whole = frozenset(secret for secret in secrets if secret)
        long = {secret for secret in self._whole if len(secret) >= _LEAST_CHARACTERS}
        forms = sorted(long | {quote(secret, safe="") for secret in long}, key=len, reverse=True)
        self._anywhere = re.compile("|".join(map(re.escape, forms)) if forms else "(?!)")

    def header(self, name: str, value: str) -> Shown:
        """The value of a header; of an ``Authorization`` its scheme stays."""
        if not value:
            return ()
        if name.lower() in ("authorization", "proxy-authorization") and (scheme := _SCHEME.match(value)):
            return (scheme[0], Hidden(name))
        if value in self._whole or name.lower() in self._headers or _SECRET_NAME.search(name):
            return (Hidden(name),)
        return self._text(name, value)

    def url(self, url: str) -> Shown:
        """The URL; of its query the values go that are secret by their name or origin."""
        address, mark, query = url.partition("?")
        shown: list[str | Hidden] = [*self._text("URL", address)]
        for number, pair in enumerate(query.split("&") if mark else ()):
            name, equals, value = pair.partition("=")
            if pair in self._parameters and not value.strip("="):
                # No name: the whole of it may be a token, padded as base64 is.
                shown += ("&" if number else "?", *([Hidden("query")] if pair else []))
                continue
            shown.append(("&" if number else "?") + name + equals)
            if value:
                is_secret = value in self._whole or pair in self._parameters or _SECRET_NAME.search(name)
                shown += (Hidden(name),) if is_secret else self._text(name or "query", value)
        return tuple(shown)

    def _text(self, name: str, text: str) -> Shown:
        shown: list[str | Hidden] = []
        at = 0
        for found in self._anywhere.finditer(text):
            shown += [text[at : found.start()], Hidden(name)]
            at = found.end()
        return (*shown, text[at:])

"""Finds the secrets in a request, so that the request can be shown without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from exporter.sections.secret_names import SECRET_NAME
from exporter.sections.section import MASK

_SCHEME = re.compile(r"(?:Basic|Bearer|Digest|Token) +", re.IGNORECASE)
#: A shorter text from a file is masked only as a whole value: other values may contain such a text by chance.
_LEAST_CHARACTERS = 4


@dataclass(frozen=True, slots=True)
class Hidden:
    """Stands in place of a secret; ``name`` names the secret, and the shell variable for the secret."""

    name: str

    def __str__(self) -> str:
        return MASK


#: Text with its secrets taken out.
Shown = tuple[str | Hidden, ...]


def masked(shown: Shown) -> str:
    """The text with every secret as asterisks."""
    return "".join(map(str, shown))


class Masking:
    """Takes secrets out of requests, by name or by origin.

    Args:
        secrets: texts from ``!file``, and secrets of the configuration; hidden everywhere.
        headers: names of headers whose values came from outside the configuration's text.
        parameters: parts of the URL's query between ``&``, in sent form, whose values came from outside.
        variables: values that stand, whole or in part, in the URL; hidden in the path. The host stays.
    """

    def __init__(
        self,
        secrets: Iterable[str],
        headers: Iterable[str] = (),
        parameters: Iterable[str] = (),
        variables: Iterable[str] = (),
    ) -> None:
        self._headers = frozenset(name.lower() for name in headers)
        self._parameters = frozenset(parameters)
        self._whole = frozenset(secret for secret in secrets if secret)
        self._anywhere = _any_of(secret for secret in self._whole if len(secret) >= _LEAST_CHARACTERS)
        self._in_path = _any_of(part for value in variables if (part := _path_of(value)))

    def header(self, name: str, value: str) -> Shown:
        """The value of a header; the scheme of an ``Authorization`` stays."""
        if not value:
            return ()
        if name.lower() in ("authorization", "proxy-authorization") and (scheme := _SCHEME.match(value)):
            return (scheme[0], Hidden(name))
        if value in self._whole or name.lower() in self._headers or SECRET_NAME.search(name):
            return (Hidden(name),)
        return self._text(name, value)

    def url(self, url: str) -> Shown:
        """The URL; values in the query that are secret by name or origin are hidden."""
        address, mark, query = url.partition("?")
        scheme, slashes, rest = address.partition("//")
        host, slash, path = rest.partition("/")
        shown: list[str | Hidden] = [*self._text("URL", scheme + slashes + host + slash)]
        for part in _split("URL", path, self._in_path):
            shown += [part] if isinstance(part, Hidden) else self._text("URL", part)
        for number, pair in enumerate(query.split("&") if mark else ()):
            name, equals, value = pair.partition("=")
            if pair in self._parameters and not value.strip("="):
                # No name: the whole of it may be a token, padded as base64 is.
                shown += ("&" if number else "?", *([Hidden("query")] if pair else []))
                continue
            shown.append(("&" if number else "?") + name + equals)
            if value:
                is_secret = value in self._whole or pair in self._parameters or SECRET_NAME.search(name)
                shown += (Hidden(name),) if is_secret else self._text(name or "query", value)
        return tuple(shown)

    def _text(self, name: str, text: str) -> Shown:
        return _split(name, text, self._anywhere)


def _split(name: str, text: str, secret: re.Pattern[str]) -> Shown:
    """The text with every match of ``secret`` hidden."""
    shown: list[str | Hidden] = []
    at = 0
    for found in secret.finditer(text):
        shown += [text[at : found.start()], Hidden(name)]
        at = found.end()
    return (*shown, text[at:])


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Any of ``texts``, also percent-encoded; a short text only where the text fills the place between two slashes."""
    forms = {form for text in texts for form in (text, quote(text, safe=""), quote(text))}
    patterns = [
        re.escape(form) if len(form) >= _LEAST_CHARACTERS else rf"(?<![^/]){re.escape(form)}(?![^/])"
        for form in sorted(forms, key=len, reverse=True)
    ]
    return re.compile("|".join(patterns) if patterns else "(?!)")


def _path_of(value: str) -> str:
    """The part of a variable's value that may stand in a URL's path."""
    path = urlsplit(value).path if "://" in value else value.partition("?")[0]
    return path.strip("/")

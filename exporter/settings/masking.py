"""Which parts of a request are secrets, by name or by origin, so that a request can be shown without them.

A value of a URL's query that stands in the configuration in plain text, under an ordinary name, is shown: people
recognise by it what they configured, and ``exporter preview`` shows what is sent.

How a secret is found within a text is the duty of ``exporter.sections.masking``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from exporter.sections.masking import SECRET_NAME, SHORTEST_SECRET, SecretSearch, in_any_form
from exporter.sections.section import MASK, FromFile, Secret, values_of
from exporter.settings.loading.expansion import STAND_IN, names_in
from exporter.settings.loading.load import Loaded
from exporter.settings.tree import Destination

_SCHEME = re.compile(r"(?:Basic|Bearer|Digest|Token) +", re.IGNORECASE)


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
        variables: values that stand, whole or in part, in a URL; hidden in its path. The host stays.
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
        # A shorter text is masked only as a whole value: other values may contain such a text by chance.
        self._anywhere = SecretSearch(secret for secret in self._whole if len(secret) >= SHORTEST_SECRET).pattern
        self._in_path = _search_in_path(variables)

    def header(self, name: str, value: str) -> Shown:
        """The value of a header; the scheme of credentials stays, under whatever name they are sent."""
        if not value:
            return ()
        if scheme := _SCHEME.match(value):
            return (scheme[0], Hidden(name))
        if value in self._whole or name.lower() in self._headers or SECRET_NAME.search(name):
            return (Hidden(name),)
        return self.text(name, value)

    def url(self, url: str) -> Shown:
        """The URL; values in the query that are secret by name or origin are hidden."""
        address, mark, query = url.partition("?")
        scheme, slashes, rest = address.partition("//")
        host, slash, path = rest.partition("/")
        shown: list[str | Hidden] = [*self.text("URL", scheme + slashes + host + slash)]
        for part in _split("URL", path, self._in_path):
            shown += [part] if isinstance(part, Hidden) else self.text("URL", part)
        for number, pair in enumerate(query.split("&") if mark else ()):
            name, equals, value = pair.partition("=")
            if pair in self._parameters and not value.strip("="):
                # No name: the whole of it may be a token, padded as base64 is.
                shown += ("&" if number else "?", *([Hidden("query")] if pair else []))
                continue
            shown.append(("&" if number else "?") + name + equals)
            if value:
                is_secret = value in self._whole or pair in self._parameters or SECRET_NAME.search(name)
                shown += (Hidden(name),) if is_secret else self.text(name or "query", value)
        return tuple(shown)

    def text(self, name: str, text: str) -> Shown:
        """Any other text; ``name`` names the secret that may be in it."""
        return _split(name, text, self._anywhere)


def _split(name: str, text: str, secret: re.Pattern[bytes]) -> Shown:
    """The text with every match of ``secret`` hidden."""
    shown: list[str | Hidden] = []
    at = 0
    sent = text.encode("utf-8", "surrogatepass")
    for found in secret.finditer(sent):
        shown += [sent[at : found.start()].decode(errors="replace"), Hidden(name)]
        at = found.end()
    return (*shown, sent[at:].decode(errors="replace"))


def _search_in_path(variables: Iterable[str]) -> re.Pattern[bytes]:
    """A search for the parts of ``variables`` that may stand in a URL's path.

    A short part is found only where it fills the place between two slashes.
    """
    paths = {urlsplit(value).path if "://" in value else value.partition("?")[0] for value in variables}
    parts = sorted({path.strip("/") for path in paths} - {""}, key=len, reverse=True)
    patterns = [
        in_any_form(part) if len(part) >= SHORTEST_SECRET else b"(?<![^/])%b(?![^/])" % in_any_form(part)
        for part in parts
    ]
    return re.compile(b"|".join(patterns) or b"(?!)", re.IGNORECASE)


def masking(loaded: Loaded, destination: Destination) -> Masking:
    """The masking that hides configured secrets and texts from ``!file`` anywhere, and values from variables.

    The latter are every header and query value that is or holds a ``${}``, and each part of a path, of the endpoint or
    the token endpoint, that is a variable's value. Headers, a query or a URL in one text with a ``${}`` hide all their
    values: the place of the ``${}`` is lost.
    """
    index = loaded.settings.destinations.index(destination)

    def is_indirect(*steps: str) -> bool:
        return ("destinations", index, *steps) in loaded.indirect

    all_headers = is_indirect("headers")
    headers = [name for name in destination.headers if all_headers or is_indirect("headers", name)]
    server = destination.auth.token_server
    indirect = [destination.endpoint] if is_indirect("endpoint") else []
    indirect += [server.url] if server is not None and is_indirect("auth", "token_url") else []
    parameters = [
        *(parameter for url in indirect for parameter in url.partition("?")[2].split("&")),
        *(_parameters(destination.query, None if is_indirect("query") else _named(loaded, index))),
    ]
    of_files = [*_in_files(loaded.secret_files)]
    secrets = [
        *of_files,
        *(secret.reveal() for secret in values_of(Secret, destination)),
    ]
    return Masking(secrets, headers, parameters, [*_variables(loaded.files), *of_files] if indirect else ())


def masking_of_files(loaded: Loaded) -> Masking:
    """The masking of what destinations share, which hides texts from ``!file`` anywhere."""
    return Masking(_in_files(loaded.secret_files))


def _named(loaded: Loaded, index: int) -> set[str]:
    """The names, in sent form, of parameters in a mapping whose values came from elsewhere."""
    at = ("destinations", index, "query")
    return {quote(str(steps[3]), safe="") for steps in loaded.indirect if steps[:3] == at and len(steps) == 4}


def _parameters(query: str, names: set[str] | None) -> Iterator[str]:
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if names is None or (name in names and value):
            yield parameter


def _in_files(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        try:
            yield FromFile.read(file)
        except (OSError, UnicodeDecodeError):  # it changed since it was loaded
            continue


def _variables(files: Iterable[Path]) -> Iterator[str]:
    """The values of the variables that the configuration's files refer to."""
    for file in files:
        try:
            names = names_in(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):  # it changed since it was loaded
            continue
        # A variable that is not set may have a stand-in, which is hidden too: what is shown is the same everywhere.
        yield from (os.environ.get(name) or STAND_IN + name for name in names)

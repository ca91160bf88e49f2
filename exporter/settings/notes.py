"""Notes for the operator on a valid configuration."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BaseModel

from exporter.redis_server.url import RedisUrl
from exporter.sections.masking import SECRET_NAME
from exporter.sections.mistakes import Steps
from exporter.sections.operator_text import has_blanks_around
from exporter.sections.printable import printable
from exporter.sections.section import Secret
from exporter.sections.tls import Tls
from exporter.settings.destination import Destination
from exporter.settings.local_socket import MOST
from exporter.settings.tree import Settings
from exporter.source.settings.ims import Ims
from exporter.source.settings.serve import Serve, is_loopback

_GRPC_PORT = 4317
#: In characters: too many guesses even at a thousand a second.
_SHORTEST_TOKEN = 12
#: Names that are presented together with a secret.
_PRESENTED_NAMES = frozenset({"client_id", "user", "username"})


def notes(settings: Settings, is_literal: Callable[[Steps], bool]) -> tuple[str, ...]:
    """A sentence for each note, in the order of the configuration.

    Args:
        settings: the valid configuration.
        is_literal: whether the value at these steps stands in a file itself, neither ``!file`` nor ``${}``, and is not
            overridden.
    """
    found = [] if settings.running else ["no destination is enabled: nothing will be exported"]
    if has_way_in(settings):
        found.extend(without_sources(settings))
    for index, destination in enumerate(settings.destinations):
        if destination.enabled:
            found.extend(f"{destination.name}: {note}" for note in _of(destination, settings))
        literal = (key for key in _secrets_in(destination, ()) if is_literal(("destinations", index, *key)))
        found.extend(f"{destination.name}: {_in_plain_text(key)}" for key in literal)
        found.extend(f"{destination.name}: {note}" for note in _empty(destination, ()))
        found.extend(f"{destination.name}: {note}" for note in _blanks_around(destination))
    for at, section in _shared(settings):
        found.extend(_in_plain_text(key) for key in _secrets_in(section, at) if is_literal(key))
        found.extend(_empty(section, at))
        found.extend(_blanks_around(section, at))
    if urlsplit(settings.tracing.otlp_endpoint or "").port == _GRPC_PORT:
        found.append(f"tracing.otlp_endpoint: {_GRPC_PORT} is usually OTLP over gRPC; over HTTP, as here, it is 4318")
    found.extend(_short_token(settings))
    found.extend(_tokens(settings.serve))
    found.extend(_unknown_precedence(settings))
    found.extend(_no_socket(settings.ops.socket))
    return tuple(printable(note) for note in found)


def _shared(settings: Settings) -> Iterator[tuple[Steps, BaseModel]]:
    """The sections beside destinations that may hold secrets, and where they stand."""
    for name in ("queue", "state", "ops", "intake"):
        yield (name,), getattr(settings, name)
    for index, token in enumerate(settings.serve.tokens.static):
        yield ("serve", "tokens", "static", index), token
    for index, client in enumerate(settings.serve.ims.clients if settings.serve.ims is not None else ()):
        yield ("serve", "ims", "clients", index), client


def has_way_in(settings: Settings) -> bool:
    """Whether anything of the way in is declared."""
    declared = (settings.sources, settings.schemas, settings.datasets, settings.mappings)
    return settings.serve != Serve() or any(declared)


def without_sources(settings: Settings) -> Iterator[str]:
    """A note where the way in takes nothing by its configuration."""
    if not settings.sources:
        yield "no source is configured: `exporter serve` takes records only at connections that are made by API"


def _short_token(settings: Settings) -> Iterator[str]:
    """A note for a token that somebody who reaches the ops port can guess: nothing slows down those who try."""
    if settings.ops.token is not None and len(settings.ops.token.reveal()) < _SHORTEST_TOKEN:
        yield f"ops.token is shorter than {_SHORTEST_TOKEN} characters: whoever reaches the ops port may guess it"


def _tokens(serving: Serve) -> Iterator[str]:
    """A note where others than on this machine get tokens for nothing, and where nobody does who should."""
    given = serving.gives_tokens
    if given is None and serving.ims not in (None, Ims()) and serving.ims.enabled:
        yield f"serve.ims: others reach {serving.api.host}, and there are no clients: nobody gets a token"
    elif given is not None and given.open and not is_loopback(serving.api.host):
        yield f"serve.ims.open: anybody who reaches {serving.api.host} gets a token"


def _unknown_precedence(settings: Settings) -> Iterator[str]:
    """A note for a name that ranks no declared dataset: the ranked ones alone are in profiles."""
    named = () if isinstance(settings.profiles.merge, str) else settings.profiles.merge
    declared = {dataset.id for dataset in settings.datasets}
    for name in named:
        if name not in declared:
            yield f"profiles.merge: no dataset {name} is declared, and what is not listed there is in no profile"


def _no_socket(place: object) -> Iterator[str]:
    """A note for a socket whose path the system does not take."""
    if isinstance(place, Path) and (length := len(os.fsencode(place))) > MOST:
        yield (
            f"ops.socket is {length} bytes long, and this system takes at most {MOST} for the path of a socket: there "
            "will be none"
        )


def _in_plain_text(key: Steps) -> str:
    return f"{_path(key)} stands in the file in plain text; use !file or ${{NAME}}"


def _path(key: Steps) -> str:
    return ".".join(str(step) for step in key)


def _values_in(section: BaseModel, at: Steps) -> Iterator[tuple[Steps, Any, bool]]:
    """The steps to each value of a section at any depth, and the value; of a mapping only values named like a secret.

    The third is whether the value stands in a mapping, where a value is a text, or a tuple of texts.
    """
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _values_in(value, (*at, name))
        elif isinstance(value, Mapping):
            yield from (((*at, name, key), value[key], True) for key in filter(SECRET_NAME.search, value))
        else:
            yield (*at, name), value, False


def _secrets_in(section: BaseModel, at: Steps) -> Iterator[Steps]:
    """The steps to secrets of a section, also to values with the name of a secret and to URLs that hold a password."""
    for key, value, mapped in _values_in(section, at):
        if mapped:
            yield from _each(value, key)
        elif isinstance(value, Secret) or _password_in(value):
            yield key


def _each(value: object, at: Steps) -> Iterator[Steps]:
    """The steps to a text, or to each text of a list."""
    yield from ((*at, index) for index in range(len(value))) if isinstance(value, tuple) else (at,)


def _blanks_around(section: BaseModel, at: Steps = ()) -> Iterator[str]:
    """A note for each presented text that begins or ends with an invisible character, which may be a mistake."""
    for key, text in _presented(section, at):
        if has_blanks_around(text):
            yield f"{_path(key)} begins or ends with a blank, which is sent as a part of it"


def _presented(section: BaseModel, at: Steps) -> Iterator[tuple[Steps, str]]:
    """The credentials that a section presents: secrets, names beside secrets, and values with the name of a secret."""
    for key, value, mapped in _values_in(section, at):
        if mapped:
            yield from ((key, text) for text in _texts(value))
        elif isinstance(value, RedisUrl) and value.password is not None:
            yield key, value.password.reveal()
        elif isinstance(value, Secret):
            yield key, value.reveal()
        elif key[-1] == "proxy" and value is not None:
            yield key, unquote(_authority(value).password or "")
        elif key[-1] in _PRESENTED_NAMES and isinstance(value, str):
            yield key, value


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """The texts that are sent under a name: a single text, or several."""
    return (value,) if isinstance(value, str) else value


def _password_in(value: object) -> bool:
    if isinstance(value, RedisUrl):
        return value.password is not None
    return isinstance(value, str) and bool(_authority(value).password)


def _authority(url: str) -> SplitResult:
    """The parts of a URL; no parts for any other text, or for a URL that cannot be split."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _empty(section: BaseModel, at: Steps) -> Iterator[str]:
    """A note for each empty secret, as from a variable without a value, that no type refuses."""
    for key, value, mapped in _values_in(section, at):
        if mapped and not any(value):
            yield f"{_path(key)} is empty"
        elif key[-1] == "proxy" and value is not None and _authority(value).username and not _authority(value).password:
            yield f"{_path(key)} names a user without a password"


def _of(destination: Destination, settings: Settings) -> Iterator[str]:
    if not destination.segments and not destination.attributes:
        yield "neither segments nor attributes are mapped: only a backfill or an identity change could export"
    elif not destination.attributes:
        yield (
            "no attributes are mapped; a unique identifier should be among them, since profileId is not in what is sent"
        )
    if not destination.segments and destination.require_membership:
        yield "no segments are mapped and require_membership is on: only switching that off lets changes through"
    on = destination.activate_on
    if not (on.segments or on.identities or on.attributes):
        yield "nothing is on under activate_on: nothing but backfills will be exported"
    yield from _catalogue_gaps(destination, settings)
    yield from _plain_text(destination)
    yield from _unused_certificates(destination)


def _catalogue_gaps(destination: Destination, settings: Settings) -> Iterator[str]:
    """Names and timestamps that are switched on and will be missing (contract.md#the-request)."""
    names = destination.include_segment_names
    times = destination.include_segment_timestamps
    for segment in destination.segments:
        known = settings.catalogue.get(segment.key)
        if known is None and (names or times):
            yield f"the catalogue lacks the mapped segment {segment.namespace}/{segment.id}: {_what(names, times)}"
            continue
        no_name = names and known is not None and known.name is None
        no_times = times and known is not None and (known.created_at is None or known.updated_at is None)
        if no_name or no_times:
            yield f"the catalogue is incomplete for {segment.namespace}/{segment.id}: {_what(no_name, no_times)}"


def _what(names: bool, times: bool) -> str:
    parts = [*(["its name"] if names else []), *(["createdAt and updatedAt"] if times else [])]
    return f"{' and '.join(parts)} will be missing"


def _plain_text(destination: Destination) -> Iterator[str]:
    """A note for credentials that would cross a network unencrypted."""
    presents = destination.auth.presented is not None or any(SECRET_NAME.search(name) for name in destination.headers)
    if presents and _is_exposed(destination.endpoint):
        yield "credentials go to the endpoint over plain http"
    server = destination.auth.token_server
    if server is not None and _is_exposed(server.url):
        yield "credentials go to the token_url over plain http"


def _unused_certificates(destination: Destination) -> Iterator[str]:
    server = destination.auth.token_server
    token_url, own = ("", None) if server is None else (server.url, server.tls)
    shares = token_url.startswith("https:") and own is None
    if urlsplit(destination.endpoint).scheme == "http" and destination.tls != Tls() and not shares:
        yield "tls is set, but the endpoint is http: no certificate is used"
    if own not in (None, Tls()) and not token_url.startswith("https:"):
        yield "auth.tls is set, but the token_url is http: no certificate is used"


def _is_exposed(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True

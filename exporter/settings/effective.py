"""A destination's configuration as it is in force, for people: every key as people write it, and no secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from exporter.sections.section import MASK
from exporter.sections.urls import shown
from exporter.sections.written import as_written
from exporter.settings.destination import Destination
from exporter.settings.loading.load import Loaded
from exporter.settings.masking import Masking, masked, masking


class Setting(NamedTuple):
    """One key, such as ``delivery.timeout``, and its value as text; the text is empty where nothing is set."""

    key: str
    value: str


#: What is shown in a form of its own: the endpoint has its query, headers show their names.
_OWN = frozenset({"name", "endpoint", "query", "headers", "proxy", "segments"})


def effective(loaded: Loaded, destination: Destination) -> Sequence[Setting]:
    """Every key of a destination of ``loaded``, those that the configuration leaves out included. Reads files."""
    hiding = masking(loaded, destination)
    values = as_written(destination, destination.model_dump(mode="json", exclude=set(_OWN)))
    settings = [Setting("endpoint", masked(hiding.url(destination.url)))]
    settings += [
        # Any header may be a credential, under whatever name the partner chose.
        Setting(f"headers.{name}", MASK)
        for name in destination.headers
    ]
    settings.append(Setting("proxy", "" if destination.proxy is None else shown(destination.proxy)))
    settings.append(Setting("segments", ", ".join(f"{each.namespace}/{each.id}" for each in destination.segments)))
    settings += [setting for key, value in values.items() for setting in _settings(key, value, hiding)]
    return settings


def _settings(key: str, value: Any, hiding: Masking) -> Iterator[Setting]:
    """The settings below ``key``; no value of ``extra``, which may be a credential under any name."""
    match value:
        case dict() if key.endswith(".extra"):
            yield from (Setting(f"{key}.{name}", MASK) for name in value)
        case dict():
            for name, below in value.items():
                yield from _settings(f"{key}.{name}", below, hiding)
        case list():
            yield Setting(key, ", ".join(_text(key, each, hiding) for each in value))
        case _:
            yield Setting(key, _text(key, value, hiding))


def _text(key: str, value: Any, hiding: Masking) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case str() if key.endswith(".token_url"):
            return masked(hiding.url(value))
        case str() if "://" in value and key.endswith(".proxy"):
            return shown(value)
        case str():
            return masked(hiding.text(key, value))
        case _:
            return str(value)

"""``defaults``: what every destination has unless it says otherwise (contract.md#configuration).

Mappings are merged by key, headers and query also where they are text; anything else is replaced, and the destination
wins. A section of another ``kind``, such as
``auth``, is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.sections.mistakes import KIND, Steps
from exporter.settings.destination import Destination
from exporter.settings.headers import headers_as_mapping, query_as_mapping
from exporter.settings.loading.suggestions import sections_at

DEFAULTS = "defaults"

#: Keys that every destination has to itself, and why they are refused.
OWN_KEYS = ("name", "description")
OWN = "every destination has its own: it cannot be a default"

#: What may be written as text or as a mapping, and how the text is read.
_TEXTS = {"headers": headers_as_mapping, "query": query_as_mapping}

#: Stands in for what only a destination has, while the defaults are looked at alone.
_STAND_IN = {"name": "x", "endpoint": "http://x.invalid/"}


def merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[dict[str, Any], set[Steps]]:
    """A destination with the defaults, and the places whose values, with all below, were taken from there."""
    result = dict(own)
    taken: set[Steps] = set()
    for key, default in defaults.items():
        value = own.get(key)
        if key not in own:
            result[key] = default
            taken.add((key,))
        elif isinstance(default, Mapping) and isinstance(value, Mapping) and not _of_other_kinds(default, value):
            result[key], below = merged(default, value)
            taken |= {(key, *steps) for steps in below}
    return result, taken


def comparable(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both, with headers and query that are written as text read into mappings, where both can be had as mappings.

    Names of headers are compared without regard to case. An empty text of the destination stays, and stands for none
    at all.
    """
    shared, single = dict(defaults), dict(own)
    for key in _TEXTS:
        if key in shared and single.get(key) not in (None, ""):
            default, value = _as_mapping(key, shared[key]), _as_mapping(key, single[key])
            if default is not None and value is not None:
                shared[key], single[key] = _named_alike(default, value) if key == "headers" else default, value
    return shared, single


def _named_alike(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The default headers, each called as the destination calls the same header: case makes no other header of it."""
    names = {name.lower(): name for name in own}
    return {names.get(name.lower(), name): value for name, value in defaults.items()}


def replaced_queries(defaults: object, destinations: Sequence[object]) -> Iterator[str]:
    """A note for each destination whose query takes the place of the defaults', since no mapping says the same."""
    default = defaults.get("query") if isinstance(defaults, Mapping) else None
    for destination in destinations:
        value = destination.get("query") if isinstance(destination, Mapping) else None
        if default and value and None in (_as_mapping("query", default), _as_mapping("query", value)):
            name = cast(Mapping[str, Any], destination).get("name")
            yield (
                f"{name}: its query replaces the one of defaults: as text, one of the two cannot be merged by key "
                "(a name twice or without =, or other characters encoded than a mapping would)"
            )


def _as_mapping(key: str, written: object) -> Mapping[str, Any] | None:
    if isinstance(written, str):
        return _TEXTS[key](str(written))
    return written if isinstance(written, Mapping) else None


def _of_other_kinds(default: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    kinds = default.get("kind"), own.get("kind")
    return None not in kinds and kinds[0] != kinds[1]


def errors_in(defaults: Mapping[str, Any]) -> Iterator[ErrorDetails]:
    """What pydantic says of the defaults alone, with ``loc`` from there; a destination may bring what is missing.

    It may also bring the key without which a section as a whole is wrong.
    """
    try:
        Destination.model_validate({**_STAND_IN, **{k: v for k, v in defaults.items() if k not in OWN_KEYS}})
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            of_section = details["type"] == KIND and sections_at(Destination, details["loc"])
            of_kind = details["type"] == "union_tag_not_found" and isinstance(
                defaults.get(str(details["loc"][0])), dict
            )
            if not of_section and not of_kind and details["type"] != "missing":
                yield details

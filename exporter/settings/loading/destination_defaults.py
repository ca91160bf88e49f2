"""``defaults``: what every destination has unless it says otherwise (contract.md#configuration).

Mappings are merged by key, anything else is replaced, and the destination wins. A section of another ``kind``, such as
``auth``, is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.sections.mistakes import KIND, Steps
from exporter.settings.destination import Destination
from exporter.settings.loading.suggestions import sections_at

DEFAULTS = "defaults"

#: Keys that every destination has to itself, and why they are refused.
OWN_KEYS = ("name", "description")
OWN = "every destination has its own: it cannot be a default"

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

"""Puts several JSON Schemas that hold together into one, which says the same without ``allOf``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from exporter.sections.mistakes import Mistake, Steps
from exporter.source.xdm.validation.keywords import STORES, is_annotation

#: Keywords whose values are schemas by name.
BY_NAME: Final = ("properties", *STORES)


class Merging:
    """A schema, as far as others were added to it; ``mistakes`` are those found by then."""

    def __init__(self, first: Mapping[str, Any]) -> None:
        self.document: dict[str, Any] = dict(first)
        self.mistakes: list[Mistake] = []

    def add(self, schema: Mapping[str, Any], at: Steps) -> None:
        """Adds a schema, which stands ``at`` a place for which its mistakes are told. Changes no schema given."""
        self.document = self._both(self.document, schema, at)

    def _both(self, one: Mapping[str, Any], other: Mapping[str, Any], at: Steps) -> dict[str, Any]:
        both = dict(one)
        for keyword, value in other.items():
            here = (*at, keyword)
            before = one.get(keyword)
            if keyword not in one:
                both[keyword] = value
            elif before == value or is_annotation(keyword):
                continue  # whoever comes first has the say in words for people
            elif keyword in BY_NAME and isinstance(before, dict) and isinstance(value, dict):
                both[keyword] = self._by_name(before, value, here)
            elif keyword == "required" and _are_keys(before) and _are_keys(value):
                both[keyword] = list(dict.fromkeys([*before, *value]))
            else:
                self.mistakes.append(Mistake(here, "is said twice, and differently"))
        return both

    def _by_name(self, one: Mapping[str, Any], other: Mapping[str, Any], at: Steps) -> dict[str, Any]:
        both = dict(one)
        for name, schema in other.items():
            before = one.get(name)
            if isinstance(before, dict) and isinstance(schema, dict):
                both[name] = self._both(before, schema, (*at, name))
            elif name not in one:
                both[name] = schema
            elif before != schema:
                self.mistakes.append(Mistake((*at, name), "is said twice, and differently"))
        return both


def _are_keys(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)

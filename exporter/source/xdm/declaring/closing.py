"""Closes the objects of a JSON Schema document: a key that their schema does not name is a violation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from exporter.source.xdm.validation.keywords import COMBINATIONS, STORES
from exporter.source.xdm.validation.pointers import below, found_at, steps_of

_COMBINING = (*COMBINATIONS, "not")
#: More than any document may have that is read afterwards.
_MOST_STEPS = 150


def closed(document: Any) -> Any:
    """A copy in which an object that has ``properties``, and says nothing of other keys, allows no others.

    Left as they are: objects with ``allOf``, ``anyOf``, ``oneOf`` or ``not`` beside, and all that stands within one,
    since there one schema rarely names all keys. Whoever wants another object open writes ``additionalProperties:
    true``. A document that can't be read comes back as it can be, for others to say what is wrong.
    """
    combined = set(_combined(document))
    return _closed(document, "#", combined)


def _closed(schema: Any, at: str, combined: set[str]) -> Any:
    if not isinstance(schema, dict) or at in combined or at.count("/") > _MOST_STEPS:
        return schema
    copy = dict(schema)
    for keyword, here, names in _inner(schema, at):
        if names is None:
            copy[keyword] = _closed(schema[keyword], here, combined)
        else:
            copy[keyword] = {name: _closed(each, below(here, name), combined) for name, each in schema[keyword].items()}
    if "properties" in schema and not any(keyword in schema for keyword in _COMBINING):
        copy.setdefault("additionalProperties", False)
    return copy


def _inner(schema: dict[str, Any], at: str) -> Iterator[tuple[str, str, list[str] | None]]:
    """The keywords that hold schemas outside of combinations, their places, and their names where they hold several."""
    for keyword in ("properties", *STORES):
        held = schema.get(keyword)
        if isinstance(held, dict) and all(isinstance(name, str) for name in held):
            yield keyword, below(at, keyword), list(held)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield keyword, below(at, keyword), None


def _combined(document: Any) -> Iterator[str]:
    """The places of all schemas that stand within a combination, or are referred to from within one."""
    todo: list[tuple[Any, str, bool]] = [(document, "#", False)]
    seen: set[tuple[str, bool]] = set()
    while todo:
        schema, at, within = todo.pop()
        if not isinstance(schema, dict) or (at, within) in seen:
            continue
        seen.add((at, within))
        if within:
            yield at
        if within and isinstance(reference := schema.get("$ref"), str) and reference.startswith("#"):
            steps = steps_of(reference)
            to = "#"
            for step in steps:
                to = below(to, step)
            with suppress(LookupError):
                todo.append((found_at(document, steps), to, True))
        for keyword, here, names in _inner(schema, at):
            if names is None:
                todo.append((schema[keyword], here, within))
            else:
                todo += [(schema[keyword][name], below(here, name), within) for name in names]
        for keyword in COMBINATIONS:
            if isinstance(each := schema.get(keyword), list):
                todo += [(inner, below(below(at, keyword), index), True) for index, inner in enumerate(each)]
        todo.append((schema.get("not"), below(at, "not"), True))

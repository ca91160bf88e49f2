"""The key that an operator may have meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def suggestion(root: type[BaseModel], location: Sequence[str | int]) -> str:
    """``; did you mean endpoint?`` for an unknown key at pydantic's ``location``, or an empty string."""
    *way, key = location
    keys = [name for section in sections_at(root, way) for name in section.model_fields]
    return guess(str(key), keys)


def sections_at(root: type[BaseModel], location: Sequence[str | int]) -> list[type[BaseModel]]:
    """The sections that may stand at pydantic's ``location``; none where the value is no section."""
    sections = [root]
    is_entry = False
    for step in location:
        if is_entry:  # the key of an entry leads to no other section than all entries have
            is_entry = False
            continue
        fields = [section.model_fields[step] for section in sections if step in section.model_fields]
        is_entry = any(get_origin(field.annotation) in (dict, Mapping) for field in fields)
        sections = [found for section in sections for found in _below(section, step)]
    return sections


def guess(word: str, known: Sequence[str], cutoff: float = 0.6) -> str:
    """``; did you mean endpoint?`` for a word that is much like a known word, or an empty string."""
    close = get_close_matches(word, known, n=1, cutoff=cutoff)
    return f"; did you mean {close[0]}?" if close else ""


def _below(section: type[BaseModel], step: str | int) -> Iterator[type[BaseModel]]:
    """The sections that ``step`` leads to: a key, an item, or the tag of a union's member."""
    if isinstance(step, int) or is_of_kind(section, step):
        yield section
    elif step in section.model_fields:
        yield from sections_in(section.model_fields[step].annotation)


def is_of_kind(section: type[BaseModel], kind: object) -> bool:
    """Whether ``kind`` is the tag of ``section`` as a member of a union."""
    field = section.model_fields.get("kind")
    return field is not None and kind in get_args(field.annotation)


def sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """All sections that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType, tuple, list, dict, Mapping):
        for part in get_args(annotation):
            yield from sections_in(part)

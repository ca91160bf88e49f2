"""What a mapping set says of itself, read before its mappings, which have mistakes of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from exporter.sections.mistakes import Mistake
from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.dataprep.mapping_sets import MappingSet, read_mapping_set

#: As many mappings as a set has at most.
MOST_MAPPINGS: Final = 5_000


def read_heading(document: Any, *, bounded: bool = True) -> MappingSet | Answer:
    """The set in ``document``, parsed JSON, without its mappings, a list or an object of them; 400 where it is none.

    ``bounded``: also where it has too many mappings.
    """
    if not isinstance(document, dict):
        return failed(400, "1400-400", "A mapping set is a JSON object")
    given = document.get("mappings", [])
    read = read_mapping_set({**document, "mappings": [] if isinstance(given, list | dict) else given})
    if isinstance(read, tuple):
        return failed(400, "1400-400", told(read))
    if bounded and len(given) > MOST_MAPPINGS:
        return failed(400, "1400-400", f"A mapping set has at most {MOST_MAPPINGS} mappings")
    return read


def told(mistakes: Sequence[Mistake]) -> str:
    """Mistakes in one line, with their places."""
    return "; ".join(f"{'.'.join(map(str, each.at))}: {each.reason}" if each.at else each.reason for each in mistakes)

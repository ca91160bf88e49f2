"""What is wrong with a mapping, in the shape in which clients read it."""

from __future__ import annotations

from typing import Any, TypeAlias

from exporter.sections.mistakes import Mistake
from exporter.source.dataprep.mapping_sets import DESTINATIONS, SOURCES, Mapping, SourceType
from exporter.source.dataprep.outcomes import MappingError

#: One error of one mapping, as JSON.
Fault: TypeAlias = dict[str, Any]


def fault_of(mapping: Mapping, reason: str) -> Fault:
    """The fault of a mapping that could be read."""
    return _fault(mapping.destination, str(mapping.source), mapping.source_type.value, reason)


def fault_of_error(error: MappingError) -> Fault:
    """The fault that a record brought to light."""
    return _fault(error.destination, error.source, error.source_type.value, error.reason)


def fault_of_mistake(given: Any, mistake: Mistake) -> Fault:
    """The fault of what was ``given`` for a mapping and cannot be read; what of it is text is repeated."""
    fields = given if isinstance(given, dict) else {}
    words = [*map(str, mistake.at[2:]), mistake.reason]
    source_type = fields.get("sourceType")
    return _fault(
        _text(fields, DESTINATIONS),
        _text(fields, SOURCES),
        source_type if isinstance(source_type, str) else None,
        ": ".join(words),
    )


def fault_of_record(reason: str) -> Fault:
    """The fault of all of a record's result."""
    return _fault(None, None, None, reason)


def _text(fields: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if isinstance(value := fields.get(name), str)), None)


def _fault(destination: str | None, source: str | None, source_type: str | None, reason: str) -> Fault:
    return {
        "destination": destination,
        "source": source,
        "sourceType": source_type,
        "exception": reason,
        "columnName": source if source_type == SourceType.ATTRIBUTE.value else None,
    }

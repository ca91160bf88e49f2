"""``POST mappingSets/preview``: what records come to by a mapping set that nobody has kept yet.

The answer has the shape of what was sent: an object for an object, an array for an array. A mapping that does not
compile is an error of every record, and the others are applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.data_prep.examining import Budget, Workshop, examine
from exporter.source.control.data_prep.faults import Fault, fault_of_error, fault_of_record
from exporter.source.dataprep.mapper import CompiledMappingSet
from exporter.source.dataprep.outcomes import Mapped

#: As many records as are mapped for one request.
MOST_RECORDS: Final = 100
_UNSENDABLE: Final = "the result is nested too deeply"


def preview(body: Any, workshop: Workshop) -> Answer:
    """The answer to a request with ``data`` and ``mappingSet``, within bounds of time and size. Never raises."""
    given = body if isinstance(body, dict) else {}
    data = given.get("data")
    records = data if isinstance(data, list) else [data]
    if not all(isinstance(record, dict) for record in records) or len(records) > MOST_RECORDS:
        words = f"data should be a JSON object, or an array of {MOST_RECORDS} objects at most"
        return failed(400, "1400-400", words)
    if "mappingSet" not in given:
        return failed(400, "1400-400", "mappingSet is missing")
    bounds = workshop.bounds()
    budget = Budget(workshop)
    examined = examine(given["mappingSet"], workshop, bounds, budget)
    if isinstance(examined, Answer):
        return examined
    mapping_set = CompiledMappingSet(tuple(examined.steps), bounds, allow_nulls=examined.allow_nulls)
    refused = [fault for faults in examined.faults for fault in faults]
    elements: list[bytes] = []
    left = bounds.max_bytes
    for record in records:
        mapped = mapping_set.apply(record, workshop.now(), workshop.random, workshop.clock, workshop.spent)
        elements.append(_element(mapped, refused, None if isinstance(data, list) else []))
        left -= len(elements[-1])
        if left < 0:
            return failed(413, "1413-413", f"What the data comes to has more than {bounds.max_bytes} bytes")
        if (refusal := budget.refusal()) is not None:
            return refusal
    return Answer(200, b"[" + b",".join(elements) + b"]" if isinstance(data, list) else elements[0])


def _element(mapped: Mapped, refused: Sequence[Fault], faultless: list[Fault] | None) -> bytes:
    """What stands for a record in the answer; ``faultless`` is what its errors are where it has none."""
    faults = [*refused, *map(fault_of_error, mapped.errors)]
    try:
        data = orjson.dumps(mapped.entity)
    except orjson.JSONEncodeError:
        data = b"{}"
        faults.append(fault_of_record(_UNSENDABLE))
    return orjson.dumps({"data": orjson.Fragment(data), "errors": faults or faultless})

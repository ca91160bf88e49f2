"""Reads and compiles a mapping set mapping by mapping, so that each has its own errors and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.bodies import said
from exporter.source.control.data_prep.faults import Fault, fault_of, fault_of_mistake
from exporter.source.control.data_prep.reading import read_heading
from exporter.source.dataprep.mapping_sets import read_mapping_set
from exporter.source.dataprep.run import Bounds, Clock
from exporter.source.dataprep.steps import Step, compile_step
from exporter.source.xdm.schema import Schema

#: As many seconds of the processor as the work of one request has, but for its last mapping or record.
MOST_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Workshop:
    """What mapping sets are compiled and tried with.

    Attributes:
        schema_of: the schema with an id, as it is in force now; None where there is none.
        bounds: what the mapping of one record may take, now.
        random: makes as many unpredictable bytes as it is asked for.
        clock: seconds that never go back.
        now: epoch milliseconds.
        spent: seconds of the processor that the calling thread has had.
        rest: waits a moment in the calling thread, so that records have the interpreter between two mappings.
    """

    schema_of: Callable[[str], Schema | None]
    bounds: Callable[[], Bounds]
    random: Callable[[int], bytes]
    clock: Clock
    now: Callable[[], int]
    spent: Callable[[], float]
    rest: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Examined:
    """A mapping set after examination.

    Attributes:
        steps: the mappings that compile, in their order.
        faults: of every mapping in its place; none where it compiles.
        allow_nulls: whether the set writes nulls.
    """

    steps: Sequence[Step]
    faults: Sequence[Sequence[Fault]]
    allow_nulls: bool


class Budget:
    """What one request may take of the processor, which other work has its share of meanwhile."""

    def __init__(self, workshop: Workshop) -> None:
        self._spent, self._rest = workshop.spent, workshop.rest
        self._most = workshop.spent() + MOST_SECONDS

    def refusal(self) -> Answer | None:
        """413 where nothing is left; to be asked between two mappings or records."""
        self._rest()
        if self._spent() <= self._most:
            return None
        details = f"The mapping set, or its data, takes more than {MOST_SECONDS:g} seconds of the processor"
        return failed(413, "1413-413", details)


def examine(document: Any, workshop: Workshop, bounds: Bounds, budget: Budget) -> Examined | Answer:
    """The mapping set in ``document``, parsed JSON; a refusal where it is none, or takes too long. Never raises."""
    document = said(document) if isinstance(document, dict) else document
    whole = read_heading(document)
    if isinstance(whole, Answer):
        return whole
    given = document.get("mappings", [])
    schema = None if whole.schema is None else workshop.schema_of(whole.schema)
    if whole.schema is not None and schema is None:
        return failed(400, "1419-400", f"There is no schema with id = [{whole.schema}]")
    root = None if schema is None else schema.root
    steps: list[Step] = []
    faults: list[Sequence[Fault]] = []
    for mapping in given if isinstance(given, list) else given.items():
        if (refusal := budget.refusal()) is not None:
            return refusal
        alone = [mapping] if isinstance(given, list) else dict([mapping])
        read = read_mapping_set({"mappings": alone})
        if isinstance(read, tuple):
            faults.append([fault_of_mistake(mapping, each) for each in read])
            continue
        step = compile_step(read.mappings[0], root, bounds, whole.allow_nulls)
        if isinstance(step, str):
            faults.append([fault_of(read.mappings[0], step)])
        else:
            steps.append(step)
            faults.append(())
    return Examined(steps, faults, whole.allow_nulls)

"""Compiles a mapping set, and maps records by it: the whole of Data Prep in one value."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from exporter.source.dataprep.attributes import put_fitting
from exporter.source.dataprep.destinations import close_gaps
from exporter.source.dataprep.mapping_sets import MappingSet
from exporter.source.dataprep.outcomes import Mapped, MappingError, Refusal, Upsert
from exporter.source.dataprep.run import Bounds, Chance, Clock, Exhausted, Failed, Run
from exporter.source.dataprep.sources import reader
from exporter.source.dataprep.steps import Step, compile_step
from exporter.source.dataprep.values import Appended, Replaced
from exporter.source.records import UpsertKind
from exporter.source.xdm.fields import Field

_KINDS = {Appended: UpsertKind.APPEND, Replaced: UpsertKind.REPLACE}


class CompiledMappingSet:
    """A mapping set, ready to map records. One value may map many records at a time: it keeps nothing of them.

    ``allow_nulls``: whether a source that has no value writes a null.
    """

    def __init__(self, steps: tuple[Step, ...], bounds: Bounds, *, allow_nulls: bool) -> None:
        self.allow_nulls = allow_nulls
        self._steps = steps
        self._attributes = tuple([step.attribute for step in steps])
        self._bounds = bounds

    def apply(self, record: Any, now: int, chance: Chance, clock: Clock, spent: Clock | None = None) -> Mapped:
        """The entity of ``record``, parsed JSON. Never raises, and ends within the bounds.

        ``now`` is the time in epoch milliseconds; ``chance`` makes so many random bytes; ``clock`` reads seconds, and
        ``spent`` those that the processor has had for this thread.
        """
        run = Run(record if type(record) is dict else {}, now, chance, clock, self._bounds, spent)
        entity: dict[str, Any] = {}
        errors: list[MappingError] = []
        steps, attributes = self._steps, self._attributes
        at = put_fitting(attributes, 0, run, entity)
        while at < len(steps):
            step = steps[at]
            try:
                step.apply(run, entity)
            except Failed as failed:
                _note(errors, step, str(failed))
                _fail(run, step, entity)
            except RecursionError:
                _note(errors, step, "the value is nested too deeply")
                _fail(run, step, entity)
            if run.errors:
                for reason in run.errors:
                    _note(errors, step, reason)
                run.errors.clear()
            at = put_fitting(attributes, at + 1, run, entity)
        if run.gaps:
            close_gaps(run)
        return Mapped(entity, tuple(errors), _upserts(run, entity) if run.upserts else ())


def compile_mapping_set(
    mapping_set: MappingSet, root: Field | None, bounds: Bounds
) -> CompiledMappingSet | tuple[Refusal, ...]:
    """The mapping set, compiled for a target schema, or every mapping that can't be compiled. Never raises.

    ``root`` is the target schema, an OBJECT; with None, paths lead anywhere and values keep their types. ``bounds``
    hold for each record.
    """
    steps: list[Step] = []
    refusals: list[Refusal] = []
    for position, mapping in enumerate(mapping_set.mappings):
        step = compile_step(mapping, root, bounds, mapping_set.allow_nulls)
        if isinstance(step, str):
            refusals.append(Refusal(position, mapping, step))
        else:
            steps.append(step)
    return tuple(refusals) or CompiledMappingSet(tuple(steps), bounds, allow_nulls=mapping_set.allow_nulls)


def _note(errors: list[MappingError], step: Step, reason: str) -> None:
    mapping = step.mapping
    errors.append(MappingError(mapping.destination, str(mapping.source), mapping.source_type, reason))


def _fail(run: Run, step: Step, entity: dict[str, Any]) -> None:
    """What a failure writes: a null, where the set allows nulls."""
    if step.fail is not None:
        with suppress(Exhausted):  # which the error says already
            step.fail(run, entity)


def _upserts(run: Run, entity: dict[str, Any]) -> tuple[Upsert, ...]:
    """Those whose array stands in the result still: a later mapping may have put something else there."""
    return tuple(Upsert(path, _KINDS[kind]) for path, kind in run.upserts.items() if type(reader(path)(entity)) is list)

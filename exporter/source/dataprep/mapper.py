"""Compiles a mapping set, and maps records by it: the whole of Data Prep in one value."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

from exporter.source.dataprep.attributes import attribute
from exporter.source.dataprep.coercions import Coerce, coercion
from exporter.source.dataprep.destinations import MOST_ELEMENTS, close_gaps, coerced, field_at, levels, putter
from exporter.source.dataprep.expressions.compiling import compile_expression
from exporter.source.dataprep.mapping_sets import Mapping, MappingSet, SourceType
from exporter.source.dataprep.paths import EVERY, Path, parse_path
from exporter.source.dataprep.run import Bounds, Chance, Clock, Exhausted, Failed, Run
from exporter.source.dataprep.sources import reader
from exporter.source.dataprep.values import Appended, Replaced
from exporter.source.xdm.fields import Field, Kind


class Merging(Enum):
    """How an array of a record that merges is applied to the profile's; a record that creates is taken as it is."""

    APPEND = "append"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Upsert:
    """What ``upsert_array_append`` or ``upsert_array_replace`` asked for the array at ``path``, in an entity's keys."""

    path: tuple[str, ...]
    merging: Merging


@dataclass(frozen=True, slots=True)
class Refusal:
    """A mapping that can't be compiled: its place in the set, counted from 0, and why."""

    position: int
    mapping: Mapping
    reason: str


@dataclass(frozen=True, slots=True)
class MappingError:
    """A mapping that had no value for a record, or not all of one, and why."""

    destination: str
    source: str
    source_type: SourceType
    reason: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """A record after its mapping: pure JSON, with what went wrong, and the arrays that are merged by their own rule."""

    entity: dict[str, Any]
    errors: tuple[MappingError, ...]
    upserts: tuple[Upsert, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    mapping: Mapping
    apply: Callable[[Run, dict[str, Any]], None]
    fail: Callable[[Run, dict[str, Any]], None] | None


class CompiledMappingSet:
    """A mapping set, ready to map records. One value may map many records at a time: it keeps nothing of them."""

    def __init__(self, steps: tuple[_Step, ...], bounds: Bounds) -> None:
        self._steps = tuple((step.apply, step) for step in steps)
        self._bounds = bounds

    def apply(self, record: Any, now: int, chance: Chance, clock: Clock) -> Mapped:
        """The entity of ``record``, parsed JSON. Never raises, and ends within the bounds.

        ``now`` is the time in epoch milliseconds; ``chance`` makes so many random bytes; ``clock`` reads seconds.
        """
        run = Run(record if type(record) is dict else {}, now, chance, clock, self._bounds)
        entity: dict[str, Any] = {}
        errors: list[MappingError] = []
        for apply, step in self._steps:
            try:
                apply(run, entity)
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
        if run.gaps:
            close_gaps(run)
        return Mapped(entity, tuple(errors), _upserts(run, entity) if run.upserts else ())


def _note(errors: list[MappingError], step: _Step, reason: str) -> None:
    mapping = step.mapping
    errors.append(MappingError(mapping.destination, str(mapping.source), mapping.source_type, reason))


def _fail(run: Run, step: _Step, entity: dict[str, Any]) -> None:
    """What a failure writes: a null, where the set allows nulls."""
    if step.fail is not None:
        with suppress(Exhausted):  # which the error says already
            step.fail(run, entity)


def _upserts(run: Run, entity: dict[str, Any]) -> tuple[Upsert, ...]:
    """Those whose array stands in the result still: a later mapping may have put something else there."""
    merging = {Appended: Merging.APPEND, Replaced: Merging.REPLACE}
    return tuple(
        Upsert(path, merging[kind]) for path, kind in run.upserts.items() if type(reader(path)(entity)) is list
    )


def compile_mapping_set(
    mapping_set: MappingSet, root: Field | None, bounds: Bounds
) -> CompiledMappingSet | tuple[Refusal, ...]:
    """The mapping set, compiled for a target schema, or every mapping that can't be compiled. Never raises.

    ``root`` is the target schema, an OBJECT; with None, paths lead anywhere and values keep their types.
    """
    steps: list[_Step] = []
    refusals: list[Refusal] = []
    for position, mapping in enumerate(mapping_set.mappings):
        step = _compile(mapping, root, bounds, mapping_set.allow_nulls)
        if isinstance(step, str):
            refusals.append(Refusal(position, mapping, step))
        else:
            steps.append(step)
    return tuple(refusals) or CompiledMappingSet(tuple(steps), bounds)


def _compile(mapping: Mapping, root: Field | None, bounds: Bounds, nulls: bool) -> _Step | str:
    path = parse_path(mapping.destination)
    if isinstance(path, str):
        return f"the destination {path}"
    if not isinstance(path[0], str):
        return "the destination begins with no name"
    if any(isinstance(step, int) and step >= MOST_ELEMENTS for step in path):
        return f"the destination has an index beyond {MOST_ELEMENTS - 1}"
    field = field_at(root, path)
    if isinstance(field, str):
        return f"the destination does not fit the schema: {field}"
    coerce = coercion(field, nulls)
    if levels(path) or mapping.source_type is not SourceType.STATIC:
        coerce = coerced(coerce, levels(path)) if _spreads(mapping, path) else coerce
    read = _reading(mapping, coerce, bounds)
    if isinstance(read, str):
        return read
    put = putter(path, nulls)
    if mapping.source_type is SourceType.STATIC:
        coerce = coercion(None, nulls)
    apply = _applying(read, coerce, put, nulls)
    if mapping.source_type is SourceType.EXPRESSION and all(isinstance(step, str) for step in path):
        apply = _upserting(read, coerce, put, nulls, tuple(str(step) for step in path))
    elif mapping.source_type is SourceType.ATTRIBUTE:
        source = parse_path(str(mapping.source))
        if _is_large(field, mapping, path):
            apply = _timed(apply)
        if not nulls and not isinstance(source, str) and _is_plain(source) and _is_plain(path):
            kind = Kind.ANY if field is None else field.kind
            apply = attribute(tuple(map(str, source)), tuple(map(str, path)), kind, apply)
    return _Step(mapping, apply, (lambda run, entity: put(run, entity, None)) if nulls else None)


def _is_plain(path: Path) -> bool:
    return all(isinstance(step, str) for step in path)


def _spreads(mapping: Mapping, path: Path) -> bool:
    """Whether a mapping's value may be spread over the elements of arrays."""
    return EVERY in path or "[*]" in str(mapping.source)


def _is_large(field: Field | None, mapping: Mapping, path: Path) -> bool:
    """Whether applying an attribute may take longer than a step or two."""
    scalar = field is not None and field.kind not in (Kind.OBJECT, Kind.MAP, Kind.ARRAY, Kind.ANY)
    return not scalar or _spreads(mapping, path)


def _reading(mapping: Mapping, coerce: Coerce, bounds: Bounds) -> Callable[[Run], Any] | str:
    """What gives a mapping's value for a run's record, or why there is no such source."""
    if mapping.source_type is SourceType.STATIC:
        try:
            value = coerce(Run({}, 0, bytes, lambda: 0.0, bounds), mapping.source)
        except Failed as failed:
            return f"the constant does not fit the schema: {failed}"
        return lambda _run: value
    if mapping.source_type is SourceType.EXPRESSION:
        expression = compile_expression(str(mapping.source))
        return expression if isinstance(expression, str) else expression.evaluate
    path = parse_path(str(mapping.source))
    if isinstance(path, str):
        return f"the source {path}"
    read = reader(path)
    return lambda run: read(run.record)


def _applying(
    read: Callable[[Run], Any], coerce: Coerce, put: Callable[[Run, dict[str, Any], Any], None], nulls: bool
) -> Callable[[Run, dict[str, Any]], None]:
    def apply(run: Run, entity: dict[str, Any]) -> None:
        value = read(run)
        if value is not None:
            put(run, entity, coerce(run, value))
        elif nulls:
            put(run, entity, None)

    return apply


def _timed(apply: Callable[[Run, dict[str, Any]], None]) -> Callable[[Run, dict[str, Any]], None]:
    def timed(run: Run, entity: dict[str, Any]) -> None:
        run.look_at_the_clock()
        apply(run, entity)

    return timed


def _upserting(
    read: Callable[[Run], Any],
    coerce: Coerce,
    put: Callable[[Run, dict[str, Any], Any], None],
    nulls: bool,
    path: tuple[str, ...],
) -> Callable[[Run, dict[str, Any]], None]:
    """As ``_applying``, for an expression: notes how the array that comes is merged, if its function says so."""

    def apply(run: Run, entity: dict[str, Any]) -> None:
        run.look_at_the_clock()
        value = read(run)
        if value is None and not nulls:
            return
        put(run, entity, None if value is None else coerce(run, value))
        if type(value) is Appended or type(value) is Replaced:
            run.upserts[path] = type(value)
        else:
            run.upserts.pop(path, None)

    return apply

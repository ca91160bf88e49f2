"""Compiles one mapping to the step that takes its value from a record and puts it into the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exporter.source.dataprep.attributes import Apply, Attribute, attribute
from exporter.source.dataprep.coercions import Coerce, coercion
from exporter.source.dataprep.destinations import MOST_ELEMENTS, Put, coerced, field_at, levels, putter
from exporter.source.dataprep.expressions.compiling import compile_expression
from exporter.source.dataprep.mapping_sets import Mapping, SourceType
from exporter.source.dataprep.paths import Path, parse_path
from exporter.source.dataprep.run import Bounds, Failed, Run
from exporter.source.dataprep.sources import reader
from exporter.source.dataprep.values import Appended, Replaced
from exporter.source.xdm.fields import Field, Kind

_CONTAINERS = (Kind.OBJECT, Kind.MAP, Kind.ARRAY, Kind.ANY)

Read = Callable[[Run], Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A compiled mapping; ``apply`` raises ``Failed``, and ``fail`` is what is done then, if anything.

    ``attribute`` does the same as ``apply`` for most records, where the mapping is plain enough.
    """

    mapping: Mapping
    apply: Apply
    fail: Apply | None
    attribute: Attribute | None = None


def compile_step(mapping: Mapping, root: Field | None, bounds: Bounds, nulls: bool) -> Step | str:
    """The step of ``mapping`` for the schema ``root``, or why it can't be compiled, in a few words. Never raises.

    ``nulls``: whether a source that is missing, null or failed writes a null.
    """
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
    coerce = coerced(coercion(field, nulls), levels(path))
    put = putter(path, nulls)
    fail = (lambda run, entity: put(run, entity, None)) if nulls else None
    plain: Attribute | None = None
    match mapping.source_type:
        case SourceType.STATIC:
            apply = _constant(mapping, coerce, put, bounds, nulls)
        case SourceType.EXPRESSION:
            expression = compile_expression(str(mapping.source))
            if isinstance(expression, str):
                return expression
            apply = _applying(expression.evaluate, coerce, put, nulls, path, field)
        case SourceType.ATTRIBUTE:
            source = parse_path(str(mapping.source))
            if isinstance(source, str):
                return f"the source {source}"
            read = reader(source)
            apply = _applying(lambda run: read(run.record), coerce, put, nulls, path, field)
            plain = None if nulls else _attribute(source, path, field)
    return apply if isinstance(apply, str) else Step(mapping, apply, fail, plain)


def _constant(mapping: Mapping, coerce: Coerce, put: Put, bounds: Bounds, nulls: bool) -> Apply | str:
    """A constant has its type from the start; every result has a copy of its own."""
    try:
        value = coerce(Run({}, 0, bytes, lambda: 0.0, bounds), mapping.source)
    except Failed as failed:
        return f"the constant does not fit the schema: {failed}"
    copy = coercion(None, nulls)
    return lambda run, entity: put(run, entity, copy(run, value))


def _attribute(source: Path, path: Path, field: Field | None) -> Attribute | None:
    taken, put = _plain(source), _plain(path)
    return attribute(taken, put, Kind.ANY if field is None else field.kind) if taken and put else None


def _plain(path: Path) -> tuple[str, ...] | None:
    """The keys of a path that has nothing else."""
    keys = tuple(step for step in path if isinstance(step, str))
    return keys if len(keys) == len(path) else None


def _applying(read: Read, coerce: Coerce, put: Put, nulls: bool, path: Path, field: Field | None) -> Apply:
    keys = _plain(path)
    # Most of what is put is text where text may be, which needs no coercion, but counts.
    of_texts = field is None or field.kind in (Kind.STRING, Kind.ANY)

    def apply(run: Run, entity: dict[str, Any]) -> None:
        run.look_at_the_clock()
        value = read(run)
        if value is None:
            if nulls:
                put(run, entity, None)
            return
        kind = type(value)
        if kind is str and of_texts:
            run.spend(len(value))
            put(run, entity, value)
        else:
            put(run, entity, coerce(run, value))
        if keys is not None and (run.upserts or kind is Appended or kind is Replaced):
            _note_merging(run, keys, kind)

    return apply


def _note_merging(run: Run, keys: tuple[str, ...], kind: type[Any]) -> None:
    """Notes how the array that has just been put merges; what was there before it says nothing any more."""
    run.upserts.pop(keys, None)
    if kind in (Appended, Replaced):
        run.upserts[keys] = kind

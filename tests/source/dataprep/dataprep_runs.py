"""Runs expressions and mappings in tests: what is passed in is always the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from exporter.source.dataprep.dates.forms import moment_text
from exporter.source.dataprep.expressions.compiling import compile_expression
from exporter.source.dataprep.mapper import CompiledMappingSet, compile_mapping_set
from exporter.source.dataprep.mapping_sets import MappingSet, read_mapping_set
from exporter.source.dataprep.outcomes import Mapped
from exporter.source.dataprep.run import Bounds, Clock, Run
from exporter.source.xdm.fields import Field

#: 2021-10-26T10:10:24Z
NOW = 1_635_243_024_000
BOUNDS = Bounds(1 << 20, 1.0)


def chance(count: int) -> bytes:
    return bytes(range(count))


def standing() -> float:
    """A clock that stands still."""
    return 0.0


def ticking() -> Clock:
    """A clock by which every look takes a millisecond."""
    readings = iter(range(1_000_000_000))
    return lambda: next(readings) / 1000


def evaluated(expression: str, record: Any = None, bounds: Bounds = BOUNDS, clock: Clock = standing) -> Any:
    """The value of ``expression`` for ``record``; raises ``Failed``."""
    compiled = compile_expression(expression)
    assert not isinstance(compiled, str), compiled
    value = compiled.evaluate(Run(record or {}, NOW, chance, clock, bounds))
    return moment_text(value) if isinstance(value, datetime) else value


def compiled(
    mappings: Any, root: Field | None = None, nulls: bool = False, bounds: Bounds = BOUNDS
) -> CompiledMappingSet:
    """The set of ``mappings``, in any dialect."""
    read = read_mapping_set({"mappings": mappings, "allowNullValues": nulls})
    assert isinstance(read, MappingSet), read
    found = compile_mapping_set(read, root, bounds)
    assert isinstance(found, CompiledMappingSet), found
    return found


def mapped(
    mappings: Any,
    record: Any,
    root: Field | None = None,
    nulls: bool = False,
    bounds: Bounds = BOUNDS,
    clock: Clock = standing,
) -> Mapped:
    """``record`` after ``mappings``."""
    return compiled(mappings, root, nulls, bounds).apply(record, NOW, chance, clock)

"""Quantities are written as the configuration reads them."""

from __future__ import annotations

import math
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from exporter.sections.quantities import Duration, Rate, RateAMinute, Size
from exporter.sections.written import as_written, duration, size


@given(st.floats(0, 1e9))
def test_a_duration_is_read_as_what_was_written(seconds: float) -> None:
    assert math.isclose(Duration().read(duration(seconds)), seconds, rel_tol=1e-5, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("count", "written"),
    [(0, "0B"), (1000, "1kB"), (1001, "1001B"), (16 * 1024**2, "16MiB"), (2 * 10**9, "2GB"), (2**40, "1024GiB")],
)
def test_sizes(count: int, written: str) -> None:
    assert size(count) == written


@given(st.integers(0, 2**53))
def test_a_size_in_a_unit_is_read_as_what_was_written(count: int) -> None:
    assert Size(most=2.0**63).read(size(count)) == count


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0s"), (0.05, "50ms"), (1, "1s"), (2.5, "2.5s"), (90, "90s"), (120, "2min"), (3600, "1h"), (2_592_000, "30d")],
)
def test_durations(seconds: float, written: str) -> None:
    assert duration(seconds) == written


class _Inner(BaseModel):
    bytes: Annotated[int, Size()] = 16 * 1024**2
    events: int = 10_000


class _Section(BaseModel):
    retries: list[Annotated[float, Duration()]] = [1, 2.5]
    timeout: Annotated[float, Duration()] | None = None
    rate: Annotated[float, Rate()] = 10_000
    tokens: Annotated[float, RateAMinute()] = 60
    window: _Inner = _Inner()


def test_only_quantities_get_units_at_any_depth() -> None:
    section = _Section()
    assert as_written(section, section.model_dump()) == {
        "retries": ["1s", "2.5s"],
        "timeout": None,
        "rate": "10000/s",
        "tokens": "60/min",
        "window": {"bytes": "16MiB", "events": 10_000},
    }


def test_keys_that_were_left_out_stay_out() -> None:
    section = _Section(timeout=10)
    assert as_written(section, section.model_dump(include={"timeout"})) == {"timeout": "10s"}

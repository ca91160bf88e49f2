"""Quantities are written as the configuration reads them."""

from __future__ import annotations

import math
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from exporter.sections.quantities import Duration, Size
from exporter.sections.written import as_written, duration, size


@given(st.floats(0, 1e9))
def test_a_duration_is_read_as_what_was_written(seconds: float) -> None:
    assert math.isclose(Duration().read(duration(seconds)), seconds, rel_tol=1e-5, abs_tol=1e-9)


@given(st.integers(0, 2**62))
def test_a_size_in_a_unit_is_read_as_what_was_written(count: int) -> None:
    written = size(count)
    assert count == (int(written.split()[0]) if "byte" in written else Size().read(written))


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
    window: _Inner = _Inner()


def test_only_quantities_get_units_at_any_depth() -> None:
    section = _Section()
    assert as_written(section, section.model_dump()) == {
        "retries": ["1s", "2.5s"],
        "timeout": None,
        "window": {"bytes": "16MiB", "events": 10_000},
    }


def test_keys_that_were_left_out_stay_out() -> None:
    section = _Section(timeout=10)
    assert as_written(section, section.model_dump(include={"timeout"})) == {"timeout": "10s"}

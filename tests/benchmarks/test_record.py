"""A measurement that fails loses nothing of the others."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.processes import Failed, Missing
from benchmarks.results import Record, read


def fails(error: BaseException) -> Mapping[str, Any]:
    raise error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Failed("the daemon ended"), "the daemon ended"),
        (AssertionError("no broker"), "AssertionError: no broker"),
        (OSError(28, "no space"), "OSError: [Errno 28] no space"),
        (SystemExit("ended"), "SystemExit: ended"),
    ],
)
def test_what_failed_is_kept_and_the_next_is_measured(error: BaseException, reason: str, tmp_path: Path) -> None:
    record = Record("ramp")
    assert record.attempt("5", lambda: fails(error)) is None
    assert record.attempt("50", lambda: {"a second": 1.0}) == {"a second": 1.0}
    assert record.failed == {"5": reason}
    assert record.numbers == {"50": {"a second": 1.0}}
    record.write(tmp_path)
    found = read(tmp_path)["ramp"]
    assert (found.failed, found.numbers, found.missing) == (record.failed, record.numbers, {})


def test_what_this_machine_lacks_is_no_failure() -> None:
    record = Record("end to end kafka")
    with record.survives("broker"):
        raise Missing("Kafka needs java")
    assert record.missing == {"broker": "Kafka needs java"}
    assert record.failed == {}


def test_time_within_blocks_within_blocks_counts_once() -> None:
    record = Record("end to end kafka")
    begun = time.monotonic()
    with record.survives("broker"), record.survives("lean"):
        time.sleep(0.05)
    assert 0.05 <= record.seconds <= time.monotonic() - begun


def test_stopping_stops() -> None:
    record = Record("ramp")
    with pytest.raises(KeyboardInterrupt):
        record.attempt("5", lambda: fails(KeyboardInterrupt()))


def test_numbers_are_written_with_five_digits(tmp_path: Path) -> None:
    Record("end to end nats", {"lean": {"p50 ms": 1.23456789, "by second": [1, 20_000], "reached": None}}).write(
        tmp_path
    )
    assert (tmp_path / "end-to-end-nats.json").exists()
    numbers = read(tmp_path)["end to end nats"].numbers
    assert numbers == {"lean": {"p50 ms": 1.2346, "by second": [1, 20_000], "reached": None}}

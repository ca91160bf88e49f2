"""Lines that say the same again: the first is written, the others are counted every half minute and at the end."""

from __future__ import annotations

import io
import json
import os
from contextlib import suppress
from typing import Any

from exporter.telemetry.held_back import COUNT_SECONDS, MOST_KINDS, HeldBack
from exporter.telemetry.log_writer import log_writer
from exporter.telemetry.logs import configure
from exporter.telemetry.threshold import Threshold


class Told:
    """A log on a time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.held = HeldBack(lambda: self.now)
        self._stream = io.StringIO()
        self.threshold = Threshold("info")
        self.log = configure(self._stream, False, self.threshold, held=self.held)

    def letter(self, destination: str = "crm", **change: Any) -> None:
        fields = {"reason": "rejected", "status": 422, "event_id": "e", **change}
        self.log.bind(destination=destination).warning("dead letter", **fields)

    def later(self, seconds: float) -> None:
        self.now += seconds
        if self.held.next_seconds() == 0:
            self.held.tell(self.log)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]


def test_equal_lines_are_one_and_a_count_with_the_last_of_them() -> None:
    told = Told()
    assert told.held.next_seconds() is None
    for number in range(1011):
        told.letter(event_id=f"e{number}", position=number)
    assert told.events == ["dead letter"]
    told.later(COUNT_SECONDS - 1)
    assert told.events == ["dead letter"]
    told.later(1)
    first, count = told.lines
    assert first["event_id"] == "e0"
    count.pop("timestamp")
    assert count == {
        "level": "warning",
        "event": "held back",
        "of": "dead letter",
        "lines": 1010,
        "seconds": 30.0,
        "destination": "crm",
        "reason": "rejected",
        "status": 422,
        "event_id": "e1010",
        "position": 1010,
    }


def test_each_destination_reason_and_status_has_a_line_of_its_own() -> None:
    told = Told()
    for _ in range(2):
        told.letter()
        told.letter("web")
        told.letter(status=400)
        told.letter(reason="malformed", status=None)
    assert told.events == ["dead letter"] * 4
    told.held.tell(told.log, all_of_it=True)
    assert told.events == ["dead letter"] * 4 + ["held back"] * 4
    assert {(line["destination"], line["reason"], line["status"]) for line in told.lines[4:]} == {
        ("crm", "rejected", 422),
        ("web", "rejected", 422),
        ("crm", "rejected", 400),
        ("crm", "malformed", None),
    }


def test_while_they_keep_coming_they_are_counted_and_after_a_pause_the_next_is_written() -> None:
    told = Told()
    for _ in range(3):
        told.letter()
        told.letter()
        told.later(COUNT_SECONDS)
    assert told.events == ["dead letter", "held back", "held back", "held back"]
    assert [line["lines"] for line in told.lines[1:]] == [1, 2, 2]
    told.later(COUNT_SECONDS)
    assert told.held.next_seconds() is None
    told.letter()
    assert told.events[4:] == ["dead letter"]


def test_lines_of_other_kinds_and_those_below_the_level_are_left_alone() -> None:
    told = Told()
    for _ in range(3):
        told.log.warning("paused", destination="crm", reason="failing")
        told.log.info("resumed", destination="crm", reason="failing")
    assert told.events == ["paused", "resumed"] * 3
    told.threshold.level = "error"
    told.letter()
    told.letter()
    assert told.held.next_seconds() is None


def test_token_failures_differ_by_their_detail_and_counts_are_added_up() -> None:
    told = Told()
    for detail in ("HTTP 500", "HTTP 500", "HTTP 429"):
        told.log.warning("token fetch failed", outcome="failed", detail=detail)
    for _ in range(3):
        told.log.warning("refused elements not kept", elements=7, detail="the state is away")
    told.later(COUNT_SECONDS)
    assert told.events == [
        *["token fetch failed"] * 2,
        "refused elements not kept",
        *["held back"] * 2,
    ]
    assert told.lines[-2]["detail"] == "HTTP 500"
    assert (told.lines[-1]["lines"], told.lines[-1]["elements"]) == (2, 14)


def test_more_kinds_than_can_be_remembered_are_all_written() -> None:
    told = Told()
    for status in range(MOST_KINDS + 5):
        told.letter(status=status)
        told.letter(status=status)
    assert told.events.count("dead letter") == MOST_KINDS + 10


def test_the_thread_that_writes_the_log_tells_counts_though_nothing_else_is_logged() -> None:
    reading, writing = os.pipe()
    time = iter([0.0, 0.0, *[COUNT_SECONDS] * 1000])
    try:
        held = HeldBack(lambda: next(time))
        with log_writer(writing, lambda lines: f"lost {lines}\n") as writer, os.fdopen(reading, "rb") as lines:
            log = configure(writer, False, held=held)
            log.warning("dead letter", reason="rejected")
            first = json.loads(lines.readline())
            log.warning("dead letter", reason="rejected")
            writer.regularly(held.next_seconds, lambda: held.tell(log))
            second = json.loads(lines.readline())
    finally:
        with suppress(OSError):
            os.close(writing)
    assert (first["event"], second["event"], second["lines"]) == ("dead letter", "held back", 1)

"""A clock that was ahead is told once, and once more when the time that it told has come."""

from __future__ import annotations

from typing import Any

from structlog.testing import CapturingLogger

from exporter.daemon.serving.clocks import AHEAD_MS, ClockWatch
from exporter.source.collection.stamps import Stamps


def test_a_clock_that_is_behind_what_was_told_is_in_the_log_until_it_caught_up() -> None:
    now = 1_000_000
    stamps = Stamps(lambda: now)
    log: Any = CapturingLogger()
    watch = ClockWatch(stamps, log)

    def told() -> list[tuple[str, str]]:
        watch.look()
        return [(call.method_name, call.args[0]) for call in log.calls]

    stamps.next()
    now -= AHEAD_MS
    assert told() == [], "so little is nobody's concern"
    now -= 1
    assert (stamps.next().ms, stamps.ahead_ms) == (1_000_000, AHEAD_MS + 1)
    behind = ("warning", "clock behind")
    assert told() == told() == [behind]
    now += AHEAD_MS
    assert told() == [behind]
    now += 1
    assert told() == told() == [behind, ("info", "clock caught up")]
    assert Stamps(lambda: now, floor=now + 9000).ahead_ms == 9001, "after a restart, too"

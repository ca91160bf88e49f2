"""Which attempts are recorded: all while somebody looks, else failures, and never more than a few."""

from __future__ import annotations

import pytest

from exporter.telemetry.attempts import KEPT, LOOK_SECONDS, Attempt, Attempts, DestinationAttempts, Outcome


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def made(name: str, outcome: Outcome = "delivered", destination: str = "crm") -> Attempt:
    return Attempt(1.0, destination, name, "p", 1, outcome)


def deliver(attempts: DestinationAttempts, name: str) -> None:
    """What a dataflow does with a delivery."""
    if attempts.every:
        attempts.note(made(name), b"{}")


def names(attempts: list[Attempt]) -> list[str]:
    return [each.event_id for each in attempts]


def test_failures_are_always_kept_and_deliveries_for_a_minute_after_a_look() -> None:
    time = Time()
    attempts = Attempts(time)
    crm, other = attempts.of("crm"), attempts.of("other")
    deliver(crm, "unseen")
    crm.note(made("failed", "retry"), b"")
    assert names(attempts.latest("crm")) == ["failed"]
    deliver(crm, "seen")
    deliver(other, "of nobody's interest")
    assert names(crm.latest()) == ["seen", "failed"]
    assert not other.latest()
    time.now += LOOK_SECONDS - 1
    assert names(attempts.latest("crm")) == ["seen", "failed"]
    time.now += LOOK_SECONDS - 1
    deliver(crm, "seen, too")
    time.now += 1
    deliver(crm, "that found that nobody looks")
    assert not crm.every
    deliver(crm, "unseen")
    assert names(attempts.latest("crm")) == ["failed"], "what was delivered before the gap is not shown as the latest"


def test_a_few_of_each_are_kept_in_the_order_in_which_they_ended() -> None:
    attempts = Attempts(Time())
    crm = attempts.of("crm")
    attempts.latest("crm")
    for number in range(2 * KEPT):
        crm.note(made(f"failed {number}", "paused"), b"")
        crm.note(made(f"delivered {number}"), b"")
    kept = names(crm.latest())
    assert len(kept) == 2 * KEPT
    assert kept[:3] == [f"delivered {2 * KEPT - 1}", f"failed {2 * KEPT - 1}", f"delivered {2 * KEPT - 2}"]
    for number in range(KEPT):
        crm.note(made(f"later {number}"), b"")
    kept = names(crm.latest())
    assert kept[KEPT] == f"failed {2 * KEPT - 1}", "deliveries push out no failures"


def test_a_look_at_what_does_not_run_is_no_look_and_keeps_nothing() -> None:
    attempts = Attempts(Time())
    assert attempts.latest("nobody's") == []
    assert not attempts.of("nobody's").every


def test_who_watches_is_shown_all_with_bodies_until_the_end() -> None:
    attempts = Attempts(Time())
    attempts.of("crm")
    of_crm: list[tuple[str, bytes]] = []
    of_all: list[str] = []
    with (
        attempts.shown_to(lambda attempt, body: of_crm.append((attempt.event_id, body)), "crm"),
        attempts.shown_to(lambda attempt, body: of_all.append(attempt.event_id)),
    ):
        later = attempts.of("later")  # begins to run while somebody watches
        deliver(attempts.of("crm"), "1")
        deliver(later, "2")
        attempts.forget("crm")
        deliver(attempts.of("crm"), "3")  # after a removal and its return
    assert of_crm == [("1", b"{}"), ("3", b"{}")]
    assert of_all == ["1", "2", "3"]
    assert not attempts.of("crm").every
    assert not later.every


@pytest.mark.parametrize("kept", [True, False], ids=["traced", "told"])
def test_tracing_and_the_log_have_every_attempt_recorded(kept: bool) -> None:
    attempts = Attempts(Time())
    before = attempts.of("before")
    if kept:
        attempts.keep_every()
    else:
        attempts.tell_every(True)
    for each in (before, attempts.of("after")):
        assert each.every
        assert each.told is not kept
    attempts.tell_every(False)
    assert before.every is kept
    assert not before.told


def test_no_attempt_shows_a_profile_by_its_repr() -> None:
    attempt = Attempt(1.0, "crm", "e1", "jane@example.com", 1, "dead_letter", 400, answer="jane is unknown")
    assert "jane" not in repr(attempt)

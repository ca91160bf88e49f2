"""The outbox on virtual time: order, retries, permits, pacing, window (contract.md#guarantees)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from world import World, export, healthy, outbox

from exporter.messages.export import OVERHEAD_BYTES, Export
from exporter.outbox.next_steps import DeadLetter, Hold, Probe, Send, Settle, Wait
from exporter.outbox.shares import Pool
from exporter.outbox.verdict import (
    Broken,
    Delivered,
    Judged,
    MaybePassing,
    Rejected,
    TooFast,
    Unavailable,
)


def taken(found: object) -> Export:
    assert isinstance(found, Send | Probe)
    return found.export


def test_one_profile_is_never_twice_in_flight_and_keeps_its_order() -> None:
    world = World(outbox())
    world.add(*(export(n, "a") for n in range(20)), *(export(n, "b") for n in range(20, 40)))

    world.run()

    assert world.positions() == {"a": list(range(20)), "b": list(range(20, 40))}


def test_a_retry_comes_after_its_delay_and_the_third_failure_is_a_dead_letter() -> None:
    def bad_apple(each: Export, now: float) -> tuple[float, Judged]:
        return 0.0, MaybePassing("HTTP 500", 500) if each.profile_id == "bad" else Delivered(200)

    world = World(outbox(), bad_apple)
    world.add(export(1, "bad"))
    for n in range(2, 100):
        world.run(float(n))
        world.add(export(n, f"good{n}"))
    world.run()

    assert [at for at, each in world.sent if each.profile_id == "bad"] == [0.0, 15.0, 45.0]
    assert [(each.message.position, reason) for each, reason in world.dead] == [(1, "retries_exhausted")]
    assert world.dead[0][0].attempts == 3
    assert len(world.delivered) == 98
    assert world.pauses == []


def test_a_profile_that_waits_for_a_retry_holds_back_only_itself() -> None:
    box = outbox()
    world = World(
        box, lambda each, now: (0.0, MaybePassing("x") if each.message.position == 1 and now < 10 else Delivered(200))
    )
    world.add(export(1, "a"), export(2, "a"), export(3, "b"))

    world.run(10.0)
    assert world.positions() == {"b": [3]}

    world.run()
    assert world.positions() == {"b": [3], "a": [1, 2]}


def test_a_dead_letter_keeps_its_place_until_it_is_stored() -> None:
    box = outbox()
    box.add(export(1, "a"), 0.0)
    box.add(export(2, "a"), 0.0)
    first = taken(box.take(0.0))

    assert box.answered(first, Rejected(400, b""), 0.1) == DeadLetter("rejected")
    assert box.take(100.0) == Wait(None)

    box.stored(first, 100.0)
    assert taken(box.take(100.0)).message.position == 2


def test_retries_in_flight_hold_no_permit_while_they_wait() -> None:
    """A permit held while sleeping before a retry strangles throughput: permits are per attempt."""
    box = outbox(concurrency=1)
    world = World(box, lambda each, now: (0.0, MaybePassing("x") if each.profile_id == "slow" else Delivered(200)))
    world.add(export(1, "slow"), *(export(n, f"p{n}") for n in range(2, 12)))

    world.run(5.0)

    assert len(world.delivered) == 10
    assert box.in_flight == 0


def test_attempts_in_flight_stay_within_concurrency() -> None:
    most = 0
    box = outbox(concurrency=7)

    def watch(each: Export, now: float) -> tuple[float, Judged]:
        nonlocal most
        most = max(most, box.in_flight)
        return 0.1, Delivered(200)

    world = World(box, watch)
    world.add(*(export(n, f"p{n}") for n in range(500)))
    world.run()

    assert most == 7
    assert len(world.delivered) == 500


def test_rate_bounds_attempts_a_second_with_bursts_of_50_ms() -> None:
    world = World(outbox(rate=100.0), lambda *_: (0.0, Delivered(200)))
    world.box._concurrency.limit = 256  # from the start, so that only the rate is seen
    world.add(*(export(n, f"p{n}") for n in range(400)))
    world.run()

    times = [at for at, _ in world.sent]
    assert times[-1] == pytest.approx(399 / 100, abs=0.06)
    for begin in range(len(times)):
        within = sum(1 for at in times[begin:] if at < times[begin] + 0.5)
        assert within <= 100 * 0.5 + 100 * 0.05 + 1


@pytest.mark.parametrize("rate", [0.5, 1.0, 10.0])
def test_a_slow_rate_still_lets_one_go_at_once(rate: float) -> None:
    world = World(outbox(rate=rate), lambda *_: (0.0, Delivered(200)))
    world.add(*(export(n, f"p{n}") for n in range(3)))
    world.run()

    assert [at for at, _ in world.sent] == pytest.approx([0.0, 1.01 / rate, 2.02 / rate])


class TestTooFast:
    def test_uses_up_no_retry_and_waits_the_next_back_off_the_last_one_from_then_on(self) -> None:
        world = World(outbox(), lambda each, now: (0.0, TooFast(None) if now < 200 else Delivered(200)))
        world.add(export(1))
        world.run()

        assert [at for at, _ in world.sent] == [0, 15, 45, 75, 105, 135, 165, 195, 225]
        assert len(world.delivered) == 1
        assert world.pauses == []

    def test_lowers_concurrency(self) -> None:
        box = outbox()
        world = World(box)
        world.add(*(export(n, f"p{n}") for n in range(2000)))
        world.run(0.5)
        before = box.concurrency
        world.receiver = lambda *_: (0.05, TooFast(None))
        world.run(0.7)

        assert box.concurrency < before

    def test_with_retry_after_the_whole_dataflow_waits(self) -> None:
        world = World(outbox(), lambda each, now: (0.0, TooFast(20.0) if now < 20 else Delivered(200)))
        world.add(*(export(n, f"p{n}") for n in range(10)))
        world.run()

        assert world.pauses == [(0.0, "retry_after")]
        assert [at for at, _ in world.sent][:2] == [0.0, 20.0]
        assert len(world.delivered) == 10

    def test_retry_after_is_capped(self) -> None:
        world = World(
            outbox(retry_after_cap=100.0), lambda each, now: (0.0, TooFast(1e9) if now < 1 else Delivered(200))
        )
        world.add(export(1))
        world.run()

        assert [at for at, _ in world.sent] == [0.0, 100.0]

    def test_a_shorter_hint_than_our_own_back_off_does_not_hurry(self) -> None:
        world = World(outbox(), lambda each, now: (0.0, TooFast(0.0) if now < 0.5 else Delivered(200)))
        world.add(export(1))
        world.run()

        assert [at for at, _ in world.sent] == [0.0, 1.0]


class TestPause:
    def test_probes_come_after_1_2_4_to_60_seconds_each_of_another_profile(self) -> None:
        down = Unavailable("unreachable", "connection refused")
        world = World(outbox(), lambda *_: (0.0, down))
        world.add(*(export(n, f"p{n}") for n in range(5)))
        world.run(300.0)

        gaps = [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
        expected = [sum(gaps[: n + 1]) for n in range(len(gaps))]
        assert [at for at, _ in world.sent] == expected
        assert world.pauses == [(0.0, "unreachable")]
        assert world.dead == []
        profiles = [each.profile_id for _, each in world.sent]
        assert all(a != b for a, b in pairwise(profiles[1:]))

    def test_no_retry_is_used_up_and_it_goes_on_by_itself(self) -> None:
        down = Unavailable("unreachable", "connection refused")
        world = World(outbox(), lambda each, now: (0.01, down if now < 100 else Delivered(200)))
        world.add(*(export(n, f"p{n}") for n in range(50)))
        world.run()

        assert len(world.delivered) == 50
        assert all(each.retries_used == 0 for each in world.delivered)

    def test_concurrency_begins_at_one_after_it(self) -> None:
        box = outbox()
        world = World(box)
        world.add(*(export(n, f"p{n}") for n in range(3000)))
        world.run(0.4)
        assert box.concurrency > 8
        world.receiver = lambda each, now: (0.05, Unavailable("unreachable", "x") if now < 1 else Delivered(200))
        world.run(1.6)
        assert 1 <= box.concurrency <= 8  # it has begun again: 1, 2, 4 …

    @pytest.mark.parametrize(
        ("verdict", "dead"), [(Delivered(204), []), (Rejected(400, b""), ["rejected"])], ids=["2xx", "for good"]
    )
    def test_ends_with_a_2xx_or_a_verdict_for_good(self, verdict: Judged, dead: list[str]) -> None:
        world = World(outbox(), lambda each, now: (0.0, Unavailable("unreachable", "x") if now < 0.5 else verdict))
        world.add(export(1, "a"))
        world.run(2.0)

        assert world.box.pause is None
        assert [reason for _, reason in world.dead] == dead

    @pytest.mark.parametrize("verdict", [MaybePassing("x"), TooFast(None), Unavailable("credentials", "x")])
    def test_does_not_end_with_anything_else_and_probes_use_up_no_retry(self, verdict: Judged) -> None:
        world = World(outbox(), lambda each, now: (0.0, Unavailable("unreachable", "x") if now < 0.5 else verdict))
        world.add(export(1, "a"))
        world.run(1000.0)

        assert world.box.pause is not None
        assert next(world.box.exports()).retries_used == 0
        assert world.dead == []

    def test_tells_the_reason_that_holds_now(self) -> None:
        world = World(
            outbox(),
            lambda each, now: (0.0, Unavailable("unreachable" if now < 0.5 else "credentials", "x", attempted=False)),
        )
        world.add(export(1))
        world.run(5.0)

        assert world.box.reasons == {"credentials"}

    def test_503_with_retry_after_waits_as_told(self) -> None:
        told = Unavailable("retry_after", "HTTP 503", 503, retry_after_seconds=30.0)
        world = World(outbox(), lambda each, now: (0.0, told if now < 30 else Delivered(200)))
        world.add(export(1), export(2, "b"))
        world.run()

        assert [at for at, _ in world.sent][:2] == [0.0, 30.0]

    @pytest.mark.parametrize(("hint", "cap", "again_at"), [(40.0, 3600.0, 40.0), (1e9, 100.0, 100.0)])
    def test_no_probe_before_the_token_endpoints_retry_after(self, hint: float, cap: float, again_at: float) -> None:
        told = Unavailable("token_endpoint", "x", retry_after_seconds=hint, attempted=False)
        world = World(outbox(retry_after_cap=cap), lambda each, now: (0.0, told if now < 1 else Delivered(200)))
        world.add(*(export(n, f"p{n}") for n in range(5)))
        world.run()

        assert sorted({at for at, _ in world.sent})[:2] == [0.0, again_at]
        assert world.pauses == [(0.0, "token_endpoint")]
        assert len(world.delivered) == 5
        assert not any(each.suspect for each in world.delivered)

    def test_a_probe_may_be_told_to_wait_by_the_token_endpoint(self) -> None:
        def receiver(each: Export, now: float) -> tuple[float, Judged]:
            hint = 40.0 if 0.5 < now < 40 else None
            return 0.0, Unavailable("token_endpoint", "x", retry_after_seconds=hint, attempted=False)

        world = World(outbox(), receiver)
        world.add(export(1))
        world.run(60.0)

        tries = [at for at, _ in world.sent]
        assert tries[2] == tries[1] + 40.0

    def test_a_poisonous_export_cannot_hold_a_healthy_destination(self) -> None:
        """Refused while another's probe succeeds: from then on it counts as maybe passing."""

        def receiver(each: Export, now: float) -> tuple[float, Judged]:
            poison = each.profile_id == "poison"
            return 0.0, Unavailable("retry_after", "HTTP 503", 503, 5.0) if poison else Delivered(200)

        world = World(outbox(), receiver)
        world.add(export(0, "poison"))
        for n in range(1, 200):
            world.add(export(n, f"p{n}"))
            world.run(float(n))
        world.run()

        assert len(world.delivered) == 199
        assert [(each.profile_id, reason) for each, reason in world.dead] == [("poison", "retries_exhausted")]
        assert len(world.pauses) == 1

    def test_a_failing_token_endpoint_makes_no_export_suspect(self) -> None:
        world = World(
            outbox(),
            lambda each, now: (
                0.0,
                Unavailable("token_endpoint", "x", attempted=False) if now < 1.5 else Delivered(200),
            ),
        )
        world.add(*(export(n, f"p{n}") for n in range(5)))
        world.run()

        assert len(world.delivered) == 5
        assert not any(each.suspect for each in world.delivered)


class TestBreaker:
    def test_16_of_the_last_20_open_it(self) -> None:
        world = World(outbox(), lambda *_: (0.0, MaybePassing("HTTP 503", 503)))
        world.add(*(export(n, f"p{n}") for n in range(100)))
        world.run(0.5)

        assert world.pauses == [(0.0, "failing")]
        assert len(world.sent) >= 16
        assert world.dead == []

    def test_five_good_ones_in_twenty_keep_it_closed(self) -> None:
        world = World(
            outbox(retries=(1e6,)),
            lambda each, now: (0.0, Delivered(200) if each.message.position % 4 == 0 else MaybePassing("x")),
        )
        world.add(*(export(n, f"p{n}") for n in range(400)))
        world.run(10.0)

        assert world.pauses == []

    def test_429_does_not_count(self) -> None:
        world = World(outbox(), lambda *_: (0.0, TooFast(None)))
        world.add(*(export(n, f"p{n}") for n in range(100)))
        world.run(10.0)

        assert world.pauses == []

    def test_what_was_attempted_since_the_last_2xx_is_given_back(self) -> None:
        world = World(outbox(), lambda each, now: (0.0, MaybePassing("x") if now < 30 else Delivered(200)))
        world.add(*(export(n, f"p{n}") for n in range(100)))
        world.run(20.0)
        assert [each.retries_used for each in world.box.exports()] == [0] * 100

        world.run()
        assert len(world.delivered) == 100
        assert world.dead == []

    def test_it_begins_empty_after_a_pause(self) -> None:
        """Else the first failure after a pause would open it again."""
        healthy_at = {0: False}

        def receiver(each: Export, now: float) -> tuple[float, Judged]:
            if now < 0.5:
                return 0.0, MaybePassing("x")
            if not healthy_at[0]:
                healthy_at[0] = True
                return 0.0, Delivered(200)
            return 0.0, MaybePassing("x") if each.message.position < 10 and now < 3 else Delivered(200)

        world = World(outbox(), receiver)
        world.add(*(export(n, f"p{n}") for n in range(100)))
        world.run()

        assert len(world.pauses) == 1
        assert len(world.delivered) == 100

    @pytest.mark.parametrize("every_seconds", [0.1, 5.0, 100.0, 1000.0])
    def test_an_outage_costs_at_most_two_dead_letters_however_slow_the_traffic(self, every_seconds: float) -> None:
        outage = 5000.0
        world = World(outbox(), lambda each, now: (0.0, MaybePassing("x", 503) if now < outage else Delivered(200)))
        for n in range(100):
            world.run(n * every_seconds)
            world.add(export(n, f"p{n}"))
        world.run()

        assert len(world.dead) <= 2
        assert len(world.dead) + len(world.delivered) == 100


class TestRejections:
    def test_a_rejection_is_a_dead_letter_at_once(self) -> None:
        world = World(outbox(), lambda *_: (0.0, Rejected(422, b"no")))
        world.add(export(1))
        world.run()

        assert [(each.attempts, reason) for each, reason in world.dead] == [(1, "rejected")]

    def test_so_many_in_a_row_pause_and_no_more_are_dead_lettered(self) -> None:
        world = World(outbox(pause_after_rejections=10), lambda *_: (0.01, Rejected(400, b"")))
        world.add(*(export(n, f"p{n}") for n in range(100)))
        world.run(500.0)

        assert len(world.dead) == 10
        assert world.box.reasons == {"rejections"}

    def test_only_a_2xx_ends_that_pause(self) -> None:
        world = World(
            outbox(pause_after_rejections=10),
            lambda each, now: (0.01, Rejected(400, b"") if now < 100 else Delivered(200)),
        )
        world.add(*(export(n, f"p{n}") for n in range(100)))
        world.run()

        assert len(world.dead) == 10
        assert len(world.delivered) == 90

    def test_a_2xx_between_begins_the_count_anew(self) -> None:
        world = World(
            outbox(pause_after_rejections=10, concurrency=1),
            lambda each, now: (0.0, Delivered(200) if each.message.position % 10 == 0 else Rejected(400, b"")),
        )
        world.add(*(export(n, f"p{n}") for n in range(100)))
        world.run()

        assert world.pauses == []

    def test_zero_is_never(self) -> None:
        world = World(outbox(pause_after_rejections=0), lambda *_: (0.0, Rejected(400, b"")))
        world.add(*(export(n, f"p{n}") for n in range(1000)))
        world.run()

        assert len(world.dead) == 1000


class TestBugs:
    def test_a_bug_is_that_events_dead_letter(self) -> None:
        world = World(outbox(), lambda each, now: (0.0, Broken("x") if each.message.position == 1 else Delivered(200)))
        world.add(*(export(n, f"p{n}") for n in range(5)))
        world.run()

        assert [reason for _, reason in world.dead] == ["bug"]
        assert len(world.delivered) == 4

    def test_five_in_a_row_pause(self) -> None:
        world = World(outbox(concurrency=1), lambda each, now: (0.0, Broken("x") if now < 50 else Delivered(200)))
        world.add(*(export(n, f"p{n}") for n in range(20)))
        world.run(40.0)
        assert world.box.reasons == {"bug"}
        assert len(world.dead) == 5

        world.run()
        assert len(world.delivered) == 15


class TestStops:
    def test_nothing_is_sent_while_queue_or_store_cannot_be_reached(self) -> None:
        box = outbox()
        box.add(export(1), 0.0)
        box.stop("state")
        box.stop("queue")
        assert box.take(0.0) == Wait(None)
        assert box.reasons == {"state", "queue"}

        box.go("state")
        assert box.take(0.0) == Wait(None)
        box.go("queue")
        assert taken(box.take(0.0)).message.position == 1

    def test_who_stopped_it_lifts_its_own_stop_only(self) -> None:
        """That the store can be read says nothing about writing to it."""
        box = outbox()
        assert box.stop("state", "reader")
        assert not box.stop("state", "writer")
        assert not box.go("state", "reader")
        assert box.reasons == {"state"}
        assert not box.go("state", "reader")
        assert box.go("state", "writer")
        assert not box.reasons

    def test_an_operators_pause_ends_neither_by_a_probe_nor_by_a_2xx(self) -> None:
        """And the pause beside it goes on as it is."""
        box = outbox()
        for position, profile in enumerate("opq"):
            box.add(export(position, profile), 0.0)
        box.answered(taken(box.take(0.0)), Delivered(200), 0.0)
        first, second = taken(box.take(0.0)), taken(box.take(0.0))
        box.answered(first, Unavailable("unreachable", "refused"), 0.0)
        probe = taken(box.take(1.0))
        assert box.stop("operator")
        box.probe_now(1.0)
        box.answered(probe, Delivered(200), 1.5)
        assert box.reasons == {"operator"}
        box.answered(second, Unavailable("unreachable", "refused"), 2.0)
        assert box.take(1e6) == Wait(None)
        assert box.reasons == {"operator", "unreachable"}

        assert box.go("operator")
        assert box.reasons == {"unreachable"}
        assert isinstance(box.take(1e6), Probe)

    def test_a_probe_by_hand_does_not_wait_until_the_next_is_due(self) -> None:
        box = outbox()
        box.add(export(1), 0.0)
        box.answered(taken(box.take(0.0)), Unavailable("retry_after", "503", retry_after_seconds=3000.0), 0.0)
        assert box.take(10.0) == Wait(3000.0)
        box.probe_now(10.0)
        probe = box.take(10.0)
        assert isinstance(probe, Probe)
        box.answered(probe.export, Delivered(200), 11.0)
        assert not box.reasons

    def test_without_a_pause_a_probe_by_hand_changes_nothing(self) -> None:
        box = outbox()
        box.probe_now(0.0)
        assert box.take(0.0) == Wait(None)
        assert not box.reasons

    def test_an_attempt_that_never_went_out_is_not_counted(self) -> None:
        outcomes = iter(
            [Unavailable("token_endpoint", "x", attempted=False), Unavailable("unreachable", "x", attempted=False)]
        )
        world = World(outbox(), lambda *_: (0.0, next(outcomes, Delivered(200))))
        world.add(export(1))
        world.run()

        assert [each.attempts for each in world.delivered] == [1]


class TestWindow:
    def test_counts_what_is_unsettled(self) -> None:
        box = outbox(window_events=10)
        for n in range(10):
            assert box.room(100, 1) == 10 - n
            box.add(export(n, f"p{n}"), 0.0)
        assert box.room(100, 1) == 0

        box.answered(taken(box.take(0.0)), Delivered(200), 0.0)
        assert box.room(100, 1) == 1

    def test_counts_bytes_and_asks_for_what_fits(self) -> None:
        box = outbox(window_bytes=10 * OVERHEAD_BYTES)
        assert box.room(100, OVERHEAD_BYTES) == 10
        assert box.room(100, 3 * OVERHEAD_BYTES) == 3
        assert box.room(100, 100 * OVERHEAD_BYTES) == 1
        for n in range(9):
            box.add(export(n, f"p{n}", size=OVERHEAD_BYTES), 0.0)
        assert box.room(100, 1) == 0

    def test_one_profile_may_hold_a_quarter(self) -> None:
        box = outbox(window_events=100)
        for n in range(24):
            box.add(export(n, "hot"), 0.0)
        assert box.room(1000, 1) == 76

        box.add(export(24, "hot"), 0.0)
        assert box.room(1000, 1) == 0

        box.answered(taken(box.take(0.0)), Delivered(200), 0.0)
        assert box.room(1000, 1) == 76

    def test_one_profile_may_hold_a_quarter_of_the_bytes(self) -> None:
        box = outbox(window_bytes=100 * OVERHEAD_BYTES)
        box.add(export(1, "hot", size=20 * OVERHEAD_BYTES), 0.0)
        assert box.room(1, 1) == 1
        box.add(export(2, "hot", size=20 * OVERHEAD_BYTES), 0.0)
        assert box.room(1, 1) == 0

    def test_all_windows_share_the_memory_but_each_may_hold_its_share(self) -> None:
        memory = Pool(100 * OVERHEAD_BYTES)
        greedy, modest = outbox(memory), outbox(memory)
        n = 0
        while greedy.room(1, OVERHEAD_BYTES):
            greedy.add(export(n, f"p{n}"), 0.0)
            n += 1
        assert 97 <= n <= 101  # it borrowed what the other left free

        assert modest.room(1000, OVERHEAD_BYTES) in (49, 50)
        for _ in range(n - 40):
            greedy.answered(taken(greedy.take(0.0)), Delivered(200), 0.0)
        assert greedy.room(1000, OVERHEAD_BYTES) > 0


class TestReplay:
    def replayed(self, position: int, profile: str = "p") -> Export:
        each = export(position, profile)
        each.letter = position
        return each

    def test_goes_before_what_waits_of_its_profile_and_after_what_is_in_flight(self) -> None:
        box = outbox()
        box.add(export(10), 0.0)
        box.add(export(11), 0.0)
        flying = taken(box.take(0.0))
        box.replay(self.replayed(3), 0.0)
        box.replay(self.replayed(4), 0.0)
        assert box.take(0.0) == Wait(None)

        order = []
        box.answered(flying, Delivered(200), 0.0)
        while isinstance(found := box.take(0.0), Send):
            order.append(found.export.message.position)
            box.answered(found.export, Delivered(200), 0.0)
        assert order == [3, 4, 11]

    def test_goes_before_a_retry_that_waits(self) -> None:
        world = World(outbox(), lambda each, now: (0.0, MaybePassing("x") if now < 1 else Delivered(200)))
        world.add(export(10))
        world.run(2.0)
        world.box.replay(self.replayed(3), world.now)
        world.run()

        assert world.positions() == {"p": [3, 10]}
        assert [at for at, _ in world.sent] == [0.0, 2.0, 15.0]

    def test_a_superseded_one_is_withdrawn(self) -> None:
        box = outbox()
        box.replay(self.replayed(3), 0.0)
        box.add(export(10), 0.0)
        box.withdraw(taken(box.take(0.0)), 0.0)

        assert taken(box.take(0.0)).message.position == 10
        assert box.events == 1

    def test_a_withdrawn_probe_lets_another_probe_go(self) -> None:
        box = outbox()
        box.add(export(10, "other"), 0.0)
        box.answered(taken(box.take(0.0)), Unavailable("unreachable", "x"), 0.0)
        box.replay(self.replayed(3), 0.0)
        first = taken(box.take(10.0))
        if first.letter is None:
            box.answered(first, Unavailable("unreachable", "x"), 10.0)
            first = taken(box.take(20.0))
        box.withdraw(first, 20.0)

        assert taken(box.take(40.0)).message.position == 10


class TestRelease:
    def test_lets_go_of_what_is_not_in_flight(self) -> None:
        box = outbox()
        for n in range(4):
            box.add(export(n, "a", lane="1"), 0.0)
        box.add(export(9, "b", lane="2"), 0.0)
        flying = taken(box.take(0.0))
        box.release("1", 0.0)

        assert box.busy("1")
        assert box.events == 2
        assert box.answered(flying, Delivered(200), 0.1) == Settle()
        assert not box.busy("1")
        assert taken(box.take(0.1)).message.lane == "2"
        assert box.take(0.1) == Wait(None)

    def test_what_was_in_flight_is_not_tried_again(self) -> None:
        box = outbox()
        box.add(export(1, "a", lane="1"), 0.0)
        flying = taken(box.take(0.0))
        box.release("1", 0.0)

        assert box.answered(flying, MaybePassing("x"), 0.1) == Hold()
        assert box.events == 0
        assert box.take(1000.0) == Wait(None)

    def test_waiting_retries_and_replays(self) -> None:
        world = World(outbox(), lambda *_: (0.0, MaybePassing("x")))
        world.add(export(1, "a", lane="1"), export(2, "b", lane="1"), export(3, "c", lane="2"))
        world.run(1.0)
        replay = export(7, "a", lane="1")
        replay.letter = 7
        world.box.replay(replay, 1.0)
        world.box.release("1", 1.0)
        world.receiver = healthy
        world.run()

        assert world.positions() == {"c": [3]}
        assert world.box.events == 0

    def test_closed_sends_nothing_more_but_takes_answers(self) -> None:
        box = outbox()
        box.add(export(1, "a"), 0.0)
        box.add(export(2, "b"), 0.0)
        flying = taken(box.take(0.0))
        box.close()

        assert box.take(0.0) == Wait(None)
        assert box.room(10, 1) == 0
        assert box.answered(flying, Delivered(200), 0.1) == Settle()
        assert box.in_flight == 0

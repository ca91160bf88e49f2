"""Who stands where while something is stored, and what a pause leaves as it was, on virtual time."""

from __future__ import annotations

import pytest
from world import World, export, outbox

from exporter.messages.export import Export
from exporter.outbox.next_steps import DeadLetter, Hold, Probe, Send, Wait
from exporter.outbox.outbox import Outbox
from exporter.outbox.shares import Pool
from exporter.outbox.verdict import Broken, Delivered, Judged, MaybePassing, Rejected, TooFast, Unavailable


def taken(found: object) -> Export:
    assert isinstance(found, Send | Probe)
    return found.export


def fly(box: Outbox, count: int, now: float = 0.0) -> list[Export]:
    """Take so many exports at once, whatever the concurrency."""
    box._concurrency.limit = count
    return [taken(box.take(now)) for _ in range(count)]


def replayed(position: int) -> Export:
    each = export(position)
    each.letter = position
    return each


class TestStoring:
    def test_a_replay_stands_behind_what_is_becoming_a_dead_letter(self) -> None:
        box = outbox()
        box.add(export(1), 0.0)
        first = taken(box.take(0.0))
        assert box.answered(first, Rejected(400, b""), 0.0) == DeadLetter("rejected")
        box.replay(replayed(0), 0.0)
        assert box.take(0.0) == Wait(None)

        box.stored(first, 1.0)
        assert taken(box.take(1.0)).message.position == 0
        assert box.events == 1

    def test_a_lane_that_leaves_waits_for_it(self) -> None:
        box = outbox()
        box.add(export(1, lane="1"), 0.0)
        first = taken(box.take(0.0))
        box.answered(first, Rejected(400, b""), 0.0)
        box.release("1", 0.0)
        assert box.busy("1")

        box.stored(first, 1.0)
        assert not box.busy("1")
        assert box.events == 0


class TestStragglers:
    """Attempts that were in flight when a pause began."""

    def paused(self, count: int = 3) -> tuple[Outbox, list[Export]]:
        box = outbox()
        for n in range(count + 1):
            box.add(export(n, f"p{n}"), 0.0)
        first, *rest = fly(box, count + 1)
        box.answered(first, Unavailable("unreachable", "x", attempted=False), 0.0)
        assert box.pause is not None
        return box, rest

    @pytest.mark.parametrize("verdict", [MaybePassing("x"), TooFast(None), Unavailable("credentials", "x")])
    def test_use_up_no_retry(self, verdict: Judged) -> None:
        box, rest = self.paused(30)
        for each in rest:
            assert box.answered(each, verdict, 0.1) == Hold()

        assert {each.retries_used for each in rest} == {0}
        assert box.reasons == {"unreachable"}

    @pytest.mark.parametrize("verdict", [Delivered(200), Rejected(400, b"")])
    def test_are_no_probe(self, verdict: Judged) -> None:
        """They were asked before: what holds the destination now may have begun since."""
        box, rest = self.paused()
        box.answered(rest[0], verdict, 0.1)

        assert box.pause is not None

    @pytest.mark.parametrize("verdict", [MaybePassing("x"), Unavailable("unreachable", "x"), TooFast(None)])
    def test_do_not_put_off_the_probe(self, verdict: Judged) -> None:
        box, rest = self.paused()
        for each in rest:
            box.answered(each, verdict, 0.9)

        assert isinstance(box.take(1.0), Probe)

    @pytest.mark.parametrize("verdict", [TooFast(20.0), Unavailable("retry_after", "x", 503, 20.0)])
    def test_do_when_they_say_how_long(self, verdict: Judged) -> None:
        box, rest = self.paused()
        box.answered(rest[0], verdict, 0.5)

        assert box.take(20.4) == Wait(20.5)
        assert isinstance(box.take(20.5), Probe)

    def test_that_are_rejected_while_rejections_pause_are_held(self) -> None:
        box = outbox(pause_after_rejections=2)
        for n in range(4):
            box.add(export(n, f"p{n}"), 0.0)
        flying = fly(box, 4)
        found = [box.answered(each, Rejected(400, b""), 0.1) for each in flying]

        assert found == [DeadLetter("rejected"), DeadLetter("rejected"), Hold(), Hold()]
        assert box.reasons == {"rejections"}


class TestRetryAfter:
    @pytest.mark.parametrize("verdict", [TooFast(1e9), Unavailable("retry_after", "x", 503, 1e9)])
    def test_is_capped(self, verdict: Judged) -> None:
        world = World(outbox(retry_after_cap=100.0), lambda each, now: (0.0, verdict if now < 1 else Delivered(200)))
        world.add(export(1))
        world.run()

        assert [at for at, _ in world.sent] == [0.0, 100.0]

    def test_of_zero_does_not_hurry_a_probe(self) -> None:
        box = outbox()
        box.add(export(1), 0.0)
        box.answered(taken(box.take(0.0)), Unavailable("retry_after", "x", 503, 0.0), 0.0)

        assert box.take(0.5) == Wait(1.0)

    def test_a_suspects_holds_only_itself(self) -> None:
        """A poisonous event that the endpoint answers with 429 must not make the whole dataflow wait again."""

        def receiver(each: Export, now: float) -> tuple[float, Judged]:
            return 0.0, TooFast(5.0) if each.profile_id == "poison" and now < 1000 else Delivered(200)

        world = World(outbox(), receiver)
        world.add(export(0, "poison"))
        for n in range(1, 100):
            world.add(export(n, f"p{n}"))
            world.run(float(n))
        world.run()

        assert [reason for _, reason in world.pauses] == ["retry_after"]
        assert len(world.delivered) == 100


class TestSuspects:
    """Exports that were refused while another's probe succeeded."""

    def suspect(self, box: Outbox) -> Export:
        box.add(export(1, "suspect"), 0.0)
        box.add(export(2, "other"), 0.0)
        first = taken(box.take(0.0))
        box.answered(first, Unavailable("retry_after", "x", 503, 0.0), 0.0)
        box.answered(taken(box.take(1.0)), Delivered(200), 1.0)
        assert box.pause is None
        return first

    def test_use_up_retries_where_they_are_refused_again(self) -> None:
        box = outbox()
        each = self.suspect(box)
        assert box.answered(taken(box.take(1.0)), Unavailable("retry_after", "x", 503, 100.0), 1.0) == Hold()

        assert each.retries_used == 1
        assert box.pause is None
        assert box.take(2.0) == Wait(16.0)

    def test_pause_the_dataflow_where_the_endpoint_was_not_even_asked(self) -> None:
        box = outbox()
        each = self.suspect(box)
        box.answered(taken(box.take(1.0)), Unavailable("token_endpoint", "x", attempted=False), 1.0)

        assert each.retries_used == 0
        assert box.reasons == {"token_endpoint"}


class TestBreakerCounts:
    def answer(self, box: Outbox, count: int, verdict: Judged, now: float) -> None:
        for n in range(count):
            each = export(int(now * 1000) + n, f"{now}/{n}")
            box.add(each, now)
        for each in fly(box, count, now):
            if isinstance(box.answered(each, verdict, now), DeadLetter):
                box.stored(each, now)

    @pytest.mark.parametrize(("failures", "opens"), [(15, False), (16, True)])
    @pytest.mark.parametrize("good", [Delivered(200), Rejected(400, b"")])
    def test_16_of_the_last_20(self, failures: int, opens: bool, good: Judged) -> None:
        box = outbox(retries=(1000.0,))
        self.answer(box, 4, good, 0.0)
        self.answer(box, failures, MaybePassing("x"), 1.0)

        assert (box.pause is not None) == opens

    @pytest.mark.parametrize("good", [Delivered(200), Rejected(400, b"")])
    def test_what_was_before_the_last_20_is_forgotten(self, good: Judged) -> None:
        box = outbox(retries=(1000.0,))
        self.answer(box, 10, MaybePassing("x"), 0.0)
        self.answer(box, 5, good, 1.0)
        self.answer(box, 15, MaybePassing("x"), 2.0)
        assert box.pause is None

        self.answer(box, 1, MaybePassing("x"), 3.0)
        assert box.reasons == {"failing"}

    def test_what_is_among_the_last_20_is_not(self) -> None:
        box = outbox(retries=(1000.0,))
        self.answer(box, 13, MaybePassing("x"), 0.0)
        self.answer(box, 4, Rejected(400, b""), 1.0)
        self.answer(box, 3, MaybePassing("x"), 2.0)

        assert box.reasons == {"failing"}

    def test_it_begins_empty_after_a_pause(self) -> None:
        box = outbox(retries=(1000.0,))
        self.answer(box, 16, MaybePassing("x"), 0.0)
        assert box.reasons == {"failing"}
        box.answered(taken(box.take(1.0)), Delivered(200), 1.0)
        assert box.pause is None

        self.answer(box, 15, MaybePassing("x"), 2.0)
        assert box.pause is None
        self.answer(box, 1, MaybePassing("x"), 3.0)
        assert box.reasons == {"failing"}

    def test_the_third_in_a_row_that_would_be_exhausted_opens_it(self) -> None:
        """Rejections between are no 2xx; and what the opening one was attempted is given back."""
        box = outbox(retries=(1.0,))
        found = []
        for n in range(3):
            now = n * 100.0
            box.add(export(n, f"p{n}"), now)
            each = taken(box.take(now))
            box.answered(each, MaybePassing("x"), now)
            found.append(box.answered(taken(box.take(now + 1.0)), MaybePassing("x"), now + 1.0))
            if n < 2:
                box.stored(each, now + 1.0)
            self.answer(box, 1 if n < 2 else 0, Rejected(400, b""), now + 2.0)

        assert found == [DeadLetter("retries_exhausted"), DeadLetter("retries_exhausted"), Hold()]
        assert box.reasons == {"failing"}
        assert [each.retries_used for each in box.exports()] == [0]

    def test_a_2xx_between_begins_that_count_anew(self) -> None:
        box = outbox(retries=(1.0,))
        for n in range(6):
            now = n * 100.0
            box.add(export(n, f"p{n}"), now)
            each = taken(box.take(now))
            box.answered(each, MaybePassing("x"), now)
            assert box.answered(taken(box.take(now + 1.0)), MaybePassing("x"), now + 1.0) != Hold()
            box.stored(each, now + 1.0)
            self.answer(box, 1, Delivered(200), now + 2.0)

        assert box.pause is None

    def test_retries_used_before_the_last_2xx_are_not_given_back(self) -> None:
        box = outbox(retries=(1000.0, 1000.0))
        box.add(export(0, "early"), 0.0)
        early = taken(box.take(0.0))
        box.answered(early, MaybePassing("x"), 0.0)
        self.answer(box, 1, Delivered(200), 1.0)
        self.answer(box, 16, MaybePassing("x"), 2.0)

        assert box.reasons == {"failing"}
        assert early.retries_used == 1

    def test_two_dead_letters_at_most_although_rejections_end_the_pauses(self) -> None:
        """Only a 2xx says that those two were bad events: a pause that ended without one does not."""

        def receiver(each: Export, now: float) -> tuple[float, Judged]:
            if now > 50_000:
                return 0.0, Delivered(200)
            return 0.0, Rejected(404, b"") if each.message.position % 4 == 3 else MaybePassing("x", 503)

        world = World(outbox(pause_after_rejections=0), receiver)
        for n in range(100):
            world.run(n * 100.0)
            world.add(export(n, f"p{n}"))
        world.run()

        assert [reason for _, reason in world.dead].count("retries_exhausted") <= 2


class TestBugs:
    def test_that_are_not_in_a_row_do_not_pause(self) -> None:
        world = World(
            outbox(concurrency=1),
            lambda each, now: (0.0, Delivered(200) if each.message.position % 5 == 4 else Broken("x")),
        )
        world.add(*(export(n, f"p{n}") for n in range(20)))
        world.run()

        assert world.pauses == []
        assert len(world.dead) == 16


class TestWindow:
    def test_one_event_never_fills_its_profiles_share_however_large(self) -> None:
        """Else nothing more would be read while it waits for its retry."""
        box = outbox(window_bytes=100_000)
        box.add(export(1, size=50_000), 0.0)

        assert box.room(1, 1) == 1

    def test_a_window_that_is_closed_gives_its_memory_back(self) -> None:
        memory = Pool(100_000)
        one, two = memory.join(), memory.join()
        one.add(60_000)
        assert two.room() == 50_000

        memory.leave(one)
        assert (memory.used, two.room()) == (0, 100_000)


class TestProbes:
    def test_keep_to_the_rate(self) -> None:
        world = World(outbox(rate=0.1), lambda *_: (0.0, Unavailable("unreachable", "x")))
        world.add(*(export(n, f"p{n}") for n in range(3)))
        world.run(25.0)

        assert [at for at, _ in world.sent] == pytest.approx([0.0, 10.1, 20.2])

    def test_wait_while_the_store_cannot_be_reached(self) -> None:
        box = outbox()
        box.add(export(1), 0.0)
        box.answered(taken(box.take(0.0)), Unavailable("unreachable", "x"), 0.0)
        box.stop("state")
        assert box.take(5.0) == Wait(None)

        box.go("state")
        assert isinstance(box.take(5.0), Probe)

    def test_are_of_another_profile_than_the_last_one(self) -> None:
        """Also where that one has waited longer than the other is there."""
        box = outbox()
        box.add(export(1, "a"), 0.0)
        box.answered(taken(box.take(0.0)), Unavailable("unreachable", "x"), 0.0)
        box.answered(taken(box.take(1.0)), Unavailable("unreachable", "x"), 1.0)
        box.add(export(2, "b"), 1.0)

        assert taken(box.take(10.0)).profile_id == "b"

    def test_that_are_bugs_are_held(self) -> None:
        box = outbox()
        box.add(export(1), 0.0)
        box.answered(taken(box.take(0.0)), Unavailable("unreachable", "x"), 0.0)

        assert box.answered(taken(box.take(1.0)), Broken("x"), 1.0) == Hold()
        assert box.pause is not None

    def test_the_reason_stays_rejections_whatever_a_probe_meets(self) -> None:
        """Else a rejection would end it."""
        box = outbox(pause_after_rejections=1)
        box.add(export(1, "a"), 0.0)
        box.add(export(2, "b"), 0.0)
        first = taken(box.take(0.0))
        box.answered(first, Rejected(400, b""), 0.0)
        box.stored(first, 0.0)
        second = taken(box.take(1.0))
        box.answered(second, Unavailable("unreachable", "x"), 1.0)

        assert box.reasons == {"rejections"}
        assert box.answered(taken(box.take(10.0)), Rejected(400, b""), 10.0) == Hold()

"""Corners of pauses, rejections and suspects on virtual time (contract.md#whose-fault)."""

from __future__ import annotations

from world import World, export, outbox

from exporter.messages.exchange import Unreachable
from exporter.messages.export import Export
from exporter.outbox.judging import judge
from exporter.outbox.next_steps import Probe, Send
from exporter.outbox.outbox import Outbox
from exporter.outbox.verdict import Delivered, Judged, MaybePassing, Rejected, TooFast, Unavailable


def fly(box: Outbox, count: int, now: float) -> list[Export]:
    """Take so many exports at once, whatever the concurrency."""
    box._concurrency.limit = count
    found = [box.take(now) for _ in range(count)]
    return [each.export for each in found if isinstance(each, Send | Probe)]


def test_rejections_that_end_during_another_pause_count_too() -> None:
    """The tenth in a row lands while the dataflow waits as told: it must not slip past the count."""
    box = outbox(pause_after_rejections=10)
    world = World(box, lambda *_: (0.01, Rejected(400, b"")))
    world.add(*(export(n, f"p{n}") for n in range(300)))
    flying = fly(box, 11, 0.0)
    for each in flying[:9]:
        box.answered(each, Rejected(400, b""), 0.1)
        box.stored(each, 0.1)
    box.answered(flying[9], TooFast(5.0), 0.2)
    box.answered(flying[10], Rejected(400, b""), 0.3)
    box.stored(flying[10], 0.3)
    world.run(500.0)

    assert box.reasons == {"rejections"}
    assert len(world.dead) <= 1  # the probe that ended the other pause


def test_a_destination_that_comes_and_goes_makes_no_dead_letter_of_a_refused_connection() -> None:
    """No byte of the export went out, so whatever others meet, a refused connection is never its fault."""
    refused = judge(Unreachable("connection refused"), {401}, lambda: 0.0)
    assert isinstance(refused, Unavailable)

    def receiver(each: Export, now: float) -> tuple[float, Judged]:
        return 0.01, Delivered(200) if 3.0 <= now < 3.025 or now > 100 else refused

    world = World(outbox(), receiver)
    world.add(export(1, "a"), export(2, "b"))
    world.run()

    assert world.dead == []
    assert len(world.delivered) == 2


def test_a_probe_is_of_another_profile_where_the_others_wait_for_a_retry() -> None:
    """The breaker opens with one poisonous export at hand and the rest given back: they may be probed with, too."""

    def receiver(each: Export, now: float) -> tuple[float, Judged]:
        return 0.0, MaybePassing("HTTP 503", 503) if now < 0.5 or each.profile_id == "p15" else Delivered(200)

    world = World(outbox(retries=(1000.0, 1000.0)), receiver)
    world.add(*(export(n, f"p{n}") for n in range(16)))
    world.run(100.0)

    assert world.pauses == [(0.0, "failing")]
    assert len({each.profile_id for _, each in world.probes}) > 1

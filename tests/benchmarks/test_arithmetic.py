"""What the benchmarks make of what they saw: rates between two moments, limits, quantiles, the time until a rate."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from benchmarks import wrk
from benchmarks.cores import core_for_the_daemon
from benchmarks.delivering import ENDING, Sample, between, still_reading
from benchmarks.latency import delivered, latencies
from benchmarks.lean_receiver import Limit
from benchmarks.material import BODIES, LARGE, SMALL, Body, Events, quantile
from benchmarks.peer.beside import documents
from benchmarks.processes import Failed
from benchmarks.ramp import seconds_until
from benchmarks.streaming import stream
from exporter.queues.kinds import open_queue
from exporter.queues.memory import MemorySettings
from exporter.settings.delivery import Window


def test_only_what_is_between_the_start_and_the_end_counts() -> None:
    samples = [
        Sample(0.0, 0, 0.6, 0.0),  # the start took 0.6 s of CPU
        Sample(1.0, 100, 0.9, 0.1),
        Sample(2.0, 200, 1.0, 0.2),
        Sample(3.0, 600, 1.4, 0.6),
        Sample(9.0, 1_000, 1.8, 1.0),  # idle for who knows how long
    ]
    found = between(samples, 1_000, 0.2, 0.95)
    assert found["deliveries a second"] == pytest.approx(400.0)
    assert found["deliveries a CPU second"] == pytest.approx(1_000.0)
    assert found["daemon CPU us a delivery"] == pytest.approx(1_000.0)
    assert found["daemon CPU % of a core"] == pytest.approx(40.0)
    assert found["receiver CPU % of a core"] == pytest.approx(40.0)


def test_all_of_a_run_counts_where_that_is_asked_for() -> None:
    samples = [Sample(0.0, 0, 0.6, 0.0), Sample(1.0, 100, 0.9, 0.1), Sample(4.0, 1_000, 1.6, 1.0)]
    found = between(samples, 1_000, 0.0, 1.0)
    assert found["deliveries a second"] == pytest.approx(250.0)
    assert found["daemon CPU us a delivery"] == pytest.approx(1_000.0)


def test_what_is_read_ahead_is_no_part_of_the_stretch_that_counts() -> None:
    window = Window().events
    assert still_reading(10 * window) == pytest.approx(0.9)
    assert still_reading(10 * window, dataflows=4) == pytest.approx(0.6)
    assert still_reading(1000 * window) == ENDING
    assert still_reading(window) == 0.5


@pytest.mark.parametrize("within", [[], [Sample(0.5, 5, 0.05, 0.05)]])
def test_all_samples_count_where_none_was_taken_meanwhile(within: list[Sample]) -> None:
    found = between([Sample(0.0, 0, 0.0, 0.0), *within, Sample(1.0, 10, 0.1, 0.1)], 10, 0.2, 0.95)
    assert found["deliveries a second"] == pytest.approx(10.0)


def test_samples_without_a_request_between_them_are_no_measurement() -> None:
    with pytest.raises(Failed, match="too few"):
        between([Sample(0.0, 10, 0.0, 0.0), Sample(1.0, 10, 0.1, 0.1)], 10, 0.2, 0.95)


def test_wrk_goes_on_until_anything_is_answered(tmp_path: Path) -> None:
    """A server that gets no core within a short run: the listener is there, and answers to nobody for 1.5 s."""
    if (lacking := wrk.missing("wrk")) is not None:
        pytest.skip(lacking)
    script = tmp_path / "post.lua"
    script.write_text('wrk.method = "POST"\n', encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        late = Timer(1.5, _answer_to_all, [listener])
        late.start()
        try:
            sent = wrk.send(f"http://127.0.0.1:{listener.getsockname()[1]}/", script, None, 1, 1)
        finally:
            late.join()
    assert sent.requests > 0
    assert sent.a_second > 0


def _answer_to_all(listener: socket.socket) -> None:
    """Answer to each connection that waits, the first of which wrk gave up, until there is none for two seconds."""
    listener.settimeout(2.0)
    with suppress(TimeoutError):
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                while connection.recv(65_536):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_a_limit_holds_within_any_second_and_refusals_do_not_count() -> None:
    limit = Limit(3)
    times = (10.0, 10.5, 10.9, 10.95, 11.001, 11.4, 11.5)
    assert [limit.accepts(now) for now in times] == [True, True, True, False, True, False, True]
    document = limit.document()
    assert document["refused"] == 2
    assert document["most in a second"] == 5
    assert document["accepted"] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("accepted", "rate", "seconds"),
    [
        ([10] * 10, 100, 1.0),
        ([0] * 5 + [10] * 10, 100, 1.5),
        ([0] * 5 + [20] * 10, 100, 1.0),
        ([10] * 9, 100, None),
        ([1] * 100, 100, None),
    ],
)
def test_seconds_until_a_rate(accepted: list[int], rate: float, seconds: float | None) -> None:
    assert seconds_until(accepted, rate) == seconds


def test_quantiles_are_of_all_and_of_the_slowest() -> None:
    stats = {
        "latencies": {"a": [0.001] * 99 + [0.002], "b": [0.010] * 10},
        "queued": {"a": range(100), "b": range(10)},
    }
    found = latencies(delivered(stats, ["a", "b", "c"]))
    assert found["p50 ms"] == pytest.approx(1.0)
    assert found["p99.9 ms"] == pytest.approx(10.0)
    assert found["p99 ms of the slowest"] == pytest.approx(10.0)
    assert quantile([], 0.5) == 0.0
    with pytest.raises(Failed):
        delivered({"latencies": {}, "queued": {}}, ["a"])


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("size_bytes", [0, None, 5_000])
def test_events_are_of_their_size_and_can_be_read(size_bytes: int | None, body: Body) -> None:
    body = replace(body, event_bytes=body.event_bytes if size_bytes is None else size_bytes)
    outgoing = Events(body)("e1@7", "p2", 3)
    event = json.loads(outgoing.body)
    attribute, _, name = body.written.partition(".")
    assert (event["id"], event["profileId"], event["profile"][attribute]) == ("e1@7", "p2", {name: 3})
    assert event["changes"]["attributes"] == [body.written]
    assert outgoing.key == "p2"
    if size_bytes != 0:
        assert abs(len(outgoing.body) - body.event_bytes) < 20


@pytest.mark.parametrize(
    ("body", "size_bytes", "memberships", "namespaces", "identities"),
    [(SMALL, 400, 1, 1, 1), (LARGE, 800, 4, 2, 3)],
    ids=BODIES,
)
def test_bodies_are_what_the_tables_call_them(
    body: Body, size_bytes: int, memberships: int, namespaces: int, identities: int
) -> None:
    *_, last = documents(body, 3)
    assert last.body is not None
    assert abs(len(last.body) - size_bytes) < 60
    document = json.loads(last.body)
    assert len(document["segmentMembership"]["ups"]) == memberships
    assert len(document["identityMap"]) == namespaces
    assert sum(map(len, document["identityMap"].values())) == identities
    attribute, _, name = body.written.partition(".")
    assert document[attribute] == {name: 0}
    assert "loyalty" not in document
    assert last.key == "p2"


async def test_a_stream_publishes_every_event_once_and_in_order() -> None:
    events = Events()
    async with open_queue(MemorySettings(), ("exporter.crm",), lambda _: None) as queue:
        done = await stream(queue, 5_000, 0.1, lambda number: events.at(number, 10, timed=False))
        async with queue.subscribe("exporter.crm", "earliest") as subscription:
            ids: list[str] = []
            while len(ids) < done.events:
                batch = await subscription.receive(1_000)
                ids += [json.loads(message.body)["id"] for message in getattr(batch, "messages", ())]
    assert done.events == 500
    assert ids == [f"e{number}" for number in range(500)]


def test_the_daemons_core_is_given_back() -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this platform does not pin processes")
    before = os.sched_getaffinity(0)
    with core_for_the_daemon() as core:
        if core is not None:
            assert os.sched_getaffinity(0) == before - {core}
    assert os.sched_getaffinity(0) == before

"""What the daemon does on every kind of queue that has a server: the same as on the journal.

A test file names its ``KIND`` and subclasses what stands here; ``conftest.py`` starts the server.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from brokers import Broker
from endpoints import Receiver
from events import Sent, Source
from harness import Place
from isolation import nine_deliver_all_beside_two_that_never_answer
from judging import judged
from kill_loop import DUPLICATES_PER_KILL, Load, run
from processes import PATIENCE_SECONDS, Daemon, eventually, fetch
from span_collector import SpanCollector

TRANSPORTS = ("lean", "aiohttp")


class Kills:
    """Subclass it as ``Test…`` in a module with a fixture ``broker``."""

    def test_twenty_kills_lose_nothing_and_keep_the_order(self, tmp_path: Path, broker: Broker) -> None:
        """Four daemons die in turn, since each waits for seconds until the place of its killed predecessor is free."""
        load = Load(events=6_000, profiles=500, ends=5, transports=TRANSPORTS * 2, rate=1_000)
        with Place(tmp_path, broker.section()) as place:
            for result in run(place, load):
                judgement = result.judgement
                assert judgement.sound, str(judgement)
                assert judgement.delivered + judgement.dead_lettered >= load.events
                assert judgement.duplicates + judgement.after_no_answer <= DUPLICATES_PER_KILL * load.ends

    def test_terminations_under_load_lose_and_repeat_nothing(self, tmp_path: Path, broker: Broker) -> None:
        load = Load(events=4_000, profiles=200, ends=5, how=signal.SIGTERM, transports=TRANSPORTS, rate=1_500)
        with Place(tmp_path, broker.steady()) as place:
            for result in run(place, load):
                judgement = result.judgement
                assert judgement.sound, str(judgement)
                assert (judgement.duplicates, judgement.after_no_answer, judgement.both) == (0, 0, ())


class Outages:
    """Subclass it as ``Test…`` in a module with a fixture ``broker``."""

    def test_the_daemon_waits_for_a_broker_that_is_away_and_says_why(self, tmp_path: Path, broker: Broker) -> None:
        kind = broker.section()["kind"]
        with Place(tmp_path, broker.section()) as place:
            receiver = place.receiver()
            place.destination("crm", receiver.url)
            place.write()
            with away(broker):
                daemon = place.daemon()
                eventually("it waits", lambda: daemon.alive() and daemon.logs("waiting"))
                assert {line["reason"] for line in daemon.logs("waiting")} == {"queue cannot be reached"}
                daemon.port = daemon.logs("ops")[-1]["port"]
                assert f"queue cannot be reached ({kind} at " in str(_not_ready(daemon))
                assert daemon.paused("crm") == {"queue"}
                checked = place.command("check", "--connect")
                assert checked.returncode == 1
                assert "queue: " in checked.stdout + checked.stderr
            daemon.ready()
            source = Source(20)
            place.publish(source.make(200))
            eventually("all is delivered", lambda: receiver.delivered() >= 200)
            assert _not_ready(daemon) is None
            assert daemon.paused("crm") == set()
            assert place.command("check", "--connect").returncode == 0
            with away(broker):
                eventually("it says so", lambda: daemon.alive() and "queue" in daemon.paused("crm"))
                assert f"queue cannot be reached ({kind} at " in str(_not_ready(daemon))
            place.publish(source.make(200))
            eventually("it goes on", lambda: daemon.alive() and receiver.delivered() >= 400)
            eventually("the pause is over", lambda: not daemon.paused("crm"))
            assert _not_ready(daemon) is None
            _all_is_well(place, daemon, receiver, source.made)

    def test_restarts_of_the_broker_under_load_lose_and_overtake_nothing(self, tmp_path: Path, broker: Broker) -> None:
        """Events go on coming through every restart; in the end daemon and broker die together."""
        chance = random.Random(5)
        with Place(tmp_path, broker.section()) as place, ThreadPoolExecutor(1) as others:
            receiver = place.receiver("--fail-rate", "0.1", "--latency", "0.02")
            for transport in TRANSPORTS:
                delivery = {"retries": [0.05, 0.1], "rate": 1_000, "pause_after_rejections": 0, "transport": transport}
                place.destination(transport, receiver.url, delivery=delivery)
            place.write()
            source = Source(200)
            daemon = place.daemon().ready()
            for both in (False, False, False, True):
                some = receiver.delivered() + chance.randint(50, 500)
                place.publish(source.make(500))
                publishing = others.submit(place.publish, source.make(1_000))
                eventually("deliveries", lambda: daemon.alive() and receiver.delivered() > some)  # noqa: B023
                with away(broker):
                    if both:
                        daemon.kill()
                publishing.result(PATIENCE_SECONDS)
                if both:
                    daemon = place.daemon().ready()
            _all_is_well(place, daemon, receiver, source.made)


class Isolation:
    """Subclass it as ``Test…`` in a module with a fixture ``broker``."""

    def test_nine_deliver_all_beside_two_that_never_answer(self, tmp_path: Path, broker: Broker) -> None:
        with Place(tmp_path, broker.steady()) as place:
            nine_deliver_all_beside_two_that_never_answer(place)


def events_of_others_are_exported(
    folder: Path, section: Mapping[str, Any], put: Callable[[Sequence[Sent]], None]
) -> None:
    """``put`` is a client that nobody here wrote; what it puts on the queue, at first and under way, is exported.

    Raises AssertionError.
    """
    with Place(folder, section) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        source = Source(20)
        put(source.make(60))
        daemon = place.daemon().ready()
        eventually("what was there is delivered", lambda: daemon.alive() and receiver.delivered() >= 60)
        put(source.make(60))
        eventually("all is delivered", lambda: daemon.alive() and receiver.delivered() >= 120)
        _all_is_well(place, daemon, receiver, source.made)


def a_trace_beside_the_event_goes_on(
    folder: Path, section: Mapping[str, Any], put: Callable[[Sent, str], None]
) -> None:
    """``put`` is a client that nobody here wrote, which puts an event and its ``traceparent`` on the queue.

    The trace stands beside the event, not in it; the attempt is a span of it, and the request names the span.

    Raises AssertionError.
    """
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    with Place(folder, section) as place, closing(SpanCollector()) as collector:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.config["tracing"] = {"otlp_endpoint": collector.url, "sample": 0}
        place.write()
        source = Source(1)
        [event] = source.make(1)
        assert b"traceparent" not in event.body
        put(event, f"00-{trace_id}-{span_id}-01")
        daemon = place.daemon().ready()
        eventually("it is delivered", lambda: daemon.alive() and receiver.delivered() >= 1)
        eventually("the span is there", lambda: daemon.alive() and collector.spans)
        assert daemon.terminate() == 0
        [span], [request] = collector.spans, receiver.received()
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace_id, span_id)
        assert request.headers["traceparent"] == f"00-{trace_id}-{span.span_id.hex()}-01"


@contextmanager
def away(broker: Broker) -> Iterator[None]:
    """Kill the broker, and start it again when the block ends."""
    broker.kill()
    try:
        yield
    finally:
        broker.start()


def _not_ready(daemon: Daemon) -> str | None:
    """Why the daemon says that it is not ready, if so."""
    status, body = fetch(f"http://127.0.0.1:{daemon.port}/ready")
    assert status in {200, 503}
    return None if status == 200 else body.decode()


def _all_is_well(place: Place, daemon: Daemon, receiver: Receiver, sent: Sequence[Sent]) -> None:
    """All is settled by a daemon that still runs; ends it and the receiver, and judges every destination."""
    names = [destination["name"] for destination in place.config["destinations"]]
    eventually("all is settled", lambda: daemon.alive() and place.settled(*names))
    assert daemon.terminate() == 0
    received, letters = receiver.received(), place.dead_letters()
    for name in names:
        judgement = judged(name, sent, received, letters)
        print(f"{name}: {judgement}")
        assert judgement.sound, str(judgement)
        assert judgement.delivered + judgement.dead_lettered >= len(sent)

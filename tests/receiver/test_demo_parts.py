"""The demo's parts: its configuration, what it reads from metrics, and what it says of a breach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from exporter.receiver.demo.play import template
from exporter.receiver.demo.process import DaemonFailed, start_daemon
from exporter.receiver.demo.scrape import Numbers, numbers
from exporter.receiver.demo.summary import Summary, percentile
from exporter.receiver.options import CLIENT_ID, CLIENT_SECRET
from exporter.receiver.oracle import Judgement, State
from exporter.receiver.samples import DESTINATION, MAPPED_ATTRIBUTES, MAPPED_SEGMENTS
from exporter.settings.loading.load import Loaded, load
from exporter.telemetry.metrics import Metrics

CONFIG = Path(__file__).parents[2] / "config" / "demo.yaml"

SOUND = Judgement(
    sent=3,
    delivered=2,
    dead_lettered=1,
    lost=(),
    unexpected=(),
    duplicates=0,
    after_no_answer=0,
    rekeyed=(),
    overtaken=(),
    concurrent=(),
    both=(),
)
GOOD = Summary(
    posted=3,
    outcomes={"applied": 2, "bad": 1},
    queued=5,
    received=5,
    excluded={"no_trigger": 1},
    expected_excluded={"no_trigger": 1},
    delivered=3,
    retried=2,
    dead_lettered={"malformed": 1},
    judgement=SOUND,
    expired_tokens=1,
    tokens_issued=2,
    answers={200: 3, 401: 1, 503: 2},
    latency_p50=0.01,
    latency_p95=0.2,
    exit_codes=(0, 0),
    payload=b'{"loyalty":{"loyaltyID":"p-1"}}',
)


def test_the_repository_shows_what_the_demo_runs() -> None:
    assert CONFIG.read_text(encoding="utf-8") == template()


def test_the_configuration_fits_the_samples_and_the_receiver() -> None:
    loaded = load(CONFIG, {"RECEIVER_URL": "http://127.0.0.1:1"})
    assert isinstance(loaded, Loaded)
    (destination,) = loaded.settings.destinations
    assert destination.name == DESTINATION
    assert tuple(segment.id for segment in destination.segments) == MAPPED_SEGMENTS
    assert destination.attributes == MAPPED_ATTRIBUTES
    assert {segment.id for segment in loaded.settings.segments} == set(MAPPED_SEGMENTS)
    assert destination.endpoint == "http://127.0.0.1:1/profiles"
    assert destination.auth.kind == "oauth2_client_credentials"
    assert destination.auth.token_url == "http://127.0.0.1:1/token"
    assert destination.auth.client_id == CLIENT_ID
    assert destination.auth.client_secret.reveal() == CLIENT_SECRET


def test_reads_the_metrics_that_the_daemon_writes() -> None:
    metrics = Metrics()
    metrics.of("other").received.inc(100)
    mine = metrics.of(DESTINATION)
    mine.received.inc(9)
    mine.excluded["no_trigger"].inc(2)
    mine.excluded["not_a_member"].inc()
    mine.delivered.inc(5)
    mine.dead_lettered.inc()
    mine.retries.inc(4)
    mine.latency_seconds.observe(0.5)

    found = numbers(generate_latest(metrics.registry).decode(), DESTINATION)

    assert found == Numbers(9, {"no_trigger": 2, "not_a_member": 1}, 5, 1, 4)
    assert found.settled == 9


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.95, 4), (1, 4)],
)
def test_percentile(share: float, expected: float) -> None:
    assert percentile([4, 1, 3, 2], share) == expected


def test_percentile_of_nothing() -> None:
    assert percentile([], 0.5) == 0


def test_all_is_well() -> None:
    assert GOOD.broken() == []
    rows = {name: (count, note) for name, count, note in GOOD.rows()}
    assert rows["received"][0] == "5"
    assert rows["excluded"] == ("1", "no_trigger 1")
    assert rows["retried"] == ("2", "for the answers 2 × 503")
    assert GOOD.verdict() == "All is well: of 5 events none was lost, repeated or overtaken."
    assert GOOD.document()["broken"] == []


A = State("a", 1)


@pytest.mark.parametrize(
    ("summary", "says"),
    [
        (replace(GOOD, judgement=replace(SOUND, lost=(A,))), "1 event was lost"),
        (replace(GOOD, judgement=replace(SOUND, unexpected=(A,))), "should not be"),
        (replace(GOOD, judgement=replace(SOUND, duplicates=2)), "2 duplicates"),
        (replace(GOOD, judgement=replace(SOUND, rekeyed=(A,))), "two keys"),
        (replace(GOOD, judgement=replace(SOUND, overtaken=((A, A),))), "came after a newer"),
        (replace(GOOD, judgement=replace(SOUND, concurrent=((A, A),))), "in flight"),
        (replace(GOOD, received=4), "4 events were received of 5"),
        (replace(GOOD, excluded={}), "excluded were"),
        (replace(GOOD, dead_lettered={}), "malformed"),
        (replace(GOOD, retried=0), "retried"),
        (replace(GOOD, expired_tokens=0), "401"),
        (replace(GOOD, outcomes={"applied": 2}), "nobody's"),
        (replace(GOOD, exit_codes=(1, 0)), "the way in ended with exit code 1"),
        (replace(GOOD, exit_codes=(0, 1)), "the daemon ended with exit code 1"),
    ],
)
def test_says_what_is_broken(summary: Summary, says: str) -> None:
    (sentence,) = summary.broken()

    assert says in sentence
    assert summary.document()["broken"] == [sentence]


async def test_a_daemon_that_does_not_start_says_why(tmp_path: Path) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text("no_such_key: 1\n")
    log = tmp_path / "daemon.log"

    with pytest.raises(DaemonFailed, match=r"before it was ready(.|\n)*no_such_key"):
        async with start_daemon(config, {}, log) as daemon:
            await daemon.ops()

    assert "no_such_key" in log.read_text()

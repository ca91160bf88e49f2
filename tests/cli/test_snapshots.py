"""What stands on terminals of 60, 80 and 120 columns, tables also at 40, and on a pipe, as files for people to read.

``EXPORTER_SNAPSHOTS=write`` writes the files anew; read what changed in them before it is committed.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from letters_command import Place, letter
from terminals import NARROW, SNAPSHOTS, WIDTHS, fits, is_snapshot, on_pipe, on_terminal, plain, run
from test_status import desk, told

from exporter.cli.demo import show as show_demo
from exporter.cli.positions import _show as show_positions
from exporter.cli.shared.look.screen import standard_output
from exporter.cli.status.samples import RATES, Sample
from exporter.cli.status.top import view
from exporter.cli.tail.command import _Told
from exporter.cli.tail.streams import Line
from exporter.daemon.ops.port import serve
from exporter.queues.port import Position
from exporter.receiver.demo.summary import Summary
from exporter.receiver.oracle import Judgement
from exporter.telemetry.status import DataflowStatus, PausedByHand

#: As long as a name may be here, and as wide.
LONG = "partner-with-a-name-of-32-charac"
WIDE = "顧客データ連携先"

Show = Callable[[], object]


def flows() -> tuple[DataflowStatus, ...]:
    """Dataflows in an order that is not that of their trouble; pauses of more than two days, which do not tick."""
    begun = time.time() - 190_000
    return (
        DataflowStatus("crm", "running", lag_messages=12_000, oldest_pending_seconds=75.0, in_flight=3, concurrency=16),
        DataflowStatus(LONG, "running", lag_messages=1, oldest_pending_seconds=0.4, concurrency=256, dead_letters=12),
        DataflowStatus(
            WIDE,
            "paused",
            ("unreachable",),
            begun,
            4.0,
            "cannot connect to 203.0.113.7:443: Connection refused",
            1_234_567,
            dead_letters=7,
        ),
        DataflowStatus("standing-by", "standby"),
        DataflowStatus("new", "starting", last_failure="the queue cannot be reached"),
        DataflowStatus(
            "by-hand",
            "paused",
            ("operator",),
            begun,
            lag_messages=3,
            operator=PausedByHand(begun, "alice@host", "the partner moves", "the journal keeps 3 events for it"),
        ),
    )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An ops port that tells of ``flows``, served beside the test."""
    loop, listening = asyncio.new_event_loop(), threading.Event()
    found: list[int] = []

    async def answer() -> None:
        async with serve("127.0.0.1", 0, desk(lambda: told(*flows()))) as port:
            found.append(port)
            listening.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(answer(),))
    thread.start()
    listening.wait(60)
    yield f"http://127.0.0.1:{found[0]}"
    loop.call_soon_threadsafe(stop.set)
    thread.join(60)
    loop.close()


def held(
    monkeypatch: pytest.MonkeyPatch, name: str, show: Show, *, piped: bool = True, lines: int = 24, narrow: bool = False
) -> None:
    """Hold what ``show`` prints to the snapshots of each width, and of a pipe."""
    for columns in (*([NARROW] if narrow else []), *WIDTHS):
        shown = plain(on_terminal(monkeypatch, columns, show, lines))
        fits(shown, columns)
        is_snapshot(f"{name}-{columns}", shown)
    if piped:
        shown = on_pipe(monkeypatch, show)
        assert "\x1b" not in shown
        is_snapshot(f"{name}-pipe", shown)


def test_status(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    held(monkeypatch, "status", run("status", "--url", url), narrow=True)


def test_status_of_those_with_trouble(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    shown = on_pipe(
        monkeypatch, run("status", "--url", url, "--trouble", "--destination", WIDE, "--destination", "crm")
    )
    _, only, total = shown.splitlines()
    assert only.startswith(WIDE)
    assert total.startswith("total of 1")


def test_top(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [msgspec.to_builtins(told(*flows()))]
    told_of = [
        each | dict.fromkeys((f"{name}_per_second" for name in RATES), 1.5) for each in documents[0]["destinations"]
    ]

    def show() -> None:
        screen = standard_output()
        screen.show(view(Sample(documents, told_of, ()), told_of, screen, ["crm: no daemon answers"]))

    held(monkeypatch, "top", show, piped=False, lines=10, narrow=True)


def test_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    delivered = {
        "at": 1_700_000_000.25, "destination": "crm", "event": "change-1", "profileId": "p-1", "attempt": 1,
        "outcome": "delivered", "status": 200, "milliseconds": 12.34,
    }  # fmt: skip
    away = delivered | {"destination": LONG, "outcome": "paused", "reason": "unreachable", "status": None}
    attempts = (
        delivered,
        delivered | {"destination": WIDE, "event": "変更-0001-0002-0003", "profileId": "顧客" * 9, "attempt": 2},
        away | {"milliseconds": None, "failure": "cannot connect to 203.0.113.7:443: Connection refused"},
        delivered | {"outcome": "retry", "status": 503, "retrySeconds": 15.0, "failure": "HTTP 503"},
        delivered | {"outcome": "dead_letter", "reason": "rejected", "status": 422, "answer": "電話番号が違います"},
    )

    def show() -> None:
        told = _Told(as_json=False)
        for each in attempts:
            told.tell(Line("http://127.0.0.1:9464", each))

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    held(monkeypatch, "tail", show)


def test_deadletters_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.put(
        letter(1, answer='{"error": "電話番号が正しくありません", "field": "phone"}'.encode()),
        letter(2, reason="retries_exhausted", status=503, attempts=3, answer=b"<html>" + b"x" * 300 + b"</html>"),
        letter(
            3,
            destination=LONG,
            profile_id=None,
            status=None,
            reason="malformed",
            answer=b"",
            detail="profileId: is missing",
        ),
        letter(4, destination=WIDE, event_id="e-" + "x" * 60),
    )
    held(monkeypatch, "deadletters-list", run("deadletters", "list", "--config", str(place.config)), narrow=True)


def test_positions_list(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [
        Position(f"exporter.{LONG}", "0", 1_000_000, 0, 0, True, 1_796_000_000.0, None),
        Position(f"exporter.{WIDE}", "0", 17, 2, 1_234, False, 1_795_000_000.0, None),
        Position("exporter.crm", "orders-7Yb2:11", 5, 0, None, False, None, None),
    ]
    held(monkeypatch, "positions-list", lambda: show_positions(places), narrow=True)


def test_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    endpoint = "https://partner.example.com/api/v2/customers/profiles/streaming?team=growth&source=exporter"
    destinations = [
        {"name": LONG, "endpoint": endpoint, "segments": [WIDE], "attributes": ["person.name", "person.birthDate"]},
        {"name": "off", "endpoint": "https://example.jp/", "segments": ["s"], "enabled": False},
    ]
    Path("exporter.yaml").write_text(json.dumps({"destinations": destinations}, ensure_ascii=False), encoding="utf-8")
    held(monkeypatch, "check", run("check", "--config", "exporter.yaml"))


def test_preview(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    destination = {"name": LONG, "endpoint": "https://example.jp/", "segments": ["s"], "attributes": ["person"]}
    Path("exporter.yaml").write_text(json.dumps({"destinations": [destination]}, ensure_ascii=False), encoding="utf-8")
    profile = {"person": {"name": {"firstName": "太郎"}}, "segmentMembership": {"ups": {"s": {"status": "realized"}}}}
    changes = {"segments": [{"id": "s", "from": None, "to": "realized"}]}
    event = {
        "id": "e-1",
        "profileId": "p-1",
        "occurredAt": "2026-11-20T10:15:00Z",
        "changes": changes,
        "profile": profile,
    }
    Path("events.jsonl").write_text(json.dumps(event, ensure_ascii=False), encoding="utf-8")
    words = ("preview", "events.jsonl", "--config", "exporter.yaml")
    shown = plain(on_terminal(monkeypatch, 80, run(*words)))
    is_snapshot("preview-80", shown)
    piped = on_pipe(monkeypatch, run(*words))
    is_snapshot("preview-pipe", piped)
    assert piped.splitlines()[-2].startswith("{")


def test_the_end_of_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    judgement = Judgement(1901, 1800, 1, (), (), 0, 0, (), (), (), ())
    summary = Summary(
        posted=61,
        outcomes={"applied": 60, "bad": 1},
        queued=1901,
        received=1901,
        excluded={"no_trigger": 60, "not_a_member": 25, "other_destination": 15},
        expected_excluded={"no_trigger": 60, "not_a_member": 25, "other_destination": 15},
        delivered=1800,
        retried=110,
        dead_lettered={"malformed": 1},
        judgement=judgement,
        expired_tokens=1,
        tokens_issued=2,
        answers={200: 1800, 401: 1, 429: 52, 503: 57},
        latency_p50=0.031,
        latency_p95=15.2,
        exit_codes=(0, 0),
        payload=b'{"loyalty":{"loyaltyID":"p-1"}}',
    )
    held(monkeypatch, "demo", lambda: show_demo(summary), narrow=True)
    end = (SNAPSHOTS / "demo-80.txt").read_text(encoding="utf-8").rpartition("WHAT")[2].splitlines()
    assert len(end) < 24
    assert end[-1].startswith("All is well")


@pytest.mark.parametrize("words", [(), ("status",), ("deadletters",), ("receive",), ("source", "send")])
def test_help(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    held(monkeypatch, "-".join(("help", *words)), run(*words, "--help"), piped=False)

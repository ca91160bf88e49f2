"""What pairs come to: ratios within a pair, their median and spread, and what becomes of a pair that says nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from benchmarks import plan, wrk
from benchmarks.brokers import KINDS, Kind
from benchmarks.comparisons import noise
from benchmarks.drive import Drive, QueueSection
from benchmarks.material import LARGE
from benchmarks.pairs import A_CPU_SECOND, A_SECOND, ENOUGH, across, compared
from benchmarks.peer.client import missing
from benchmarks.peer.measuring import Answered, Moment, between, measured, requests
from benchmarks.processes import Failed, Used
from benchmarks.results import Record
from benchmarks.throughput import Run, in_rounds


def rates(a_second: float, a_cpu_second: float) -> dict[str, float]:
    return {A_SECOND: a_second, A_CPU_SECOND: a_cpu_second}


@pytest.mark.parametrize(
    ("one", "other", "wall", "cpu"),
    [
        (rates(30.0, 40.0), rates(20.0, 20.0), 1.5, 2.0),
        (rates(20.0, 20.0), rates(20.0, 20.0), 1.0, 1.0),
        (rates(0.0, 0.0), rates(20.0, 20.0), 0.0, 0.0),
    ],
)
def test_a_ratio_is_of_wall_and_of_cpu_time(
    one: dict[str, float], other: dict[str, float], wall: float, cpu: float
) -> None:
    assert compared("of wrk", one, other) == {"of wrk": wall, "of wrk, by CPU": cpu}


@pytest.mark.parametrize("other", [rates(0.0, 10.0), rates(10.0, 0.0), rates(float("nan"), 10.0)])
def test_there_is_no_ratio_to_nothing(other: dict[str, float]) -> None:
    with pytest.raises(Failed, match=r"of wrk.*: no ratio to (0|nan)"):
        compared("of wrk", rates(10.0, 10.0), other)


@pytest.mark.parametrize(
    ("ratios", "median", "spread", "pairs"),
    [
        ([1.5], 1.5, [1.5, 1.5], 1),
        ([1.0, 9.0, 2.0], 2.0, [1.0, 9.0], 3),
        ([1.0, 2.0], 1.5, [1.0, 2.0], 2),
        ([1.3, 1.1, 1.2, 1.6, 1.4, 1.5, 0.2], 1.3, [0.2, 1.6], 7),
    ],
)
def test_the_median_of_the_ratios_counts(ratios: list[float], median: float, spread: list[float], pairs: int) -> None:
    found = across([{"a second": 10.0 * ratio} for ratio in ratios], [{"of wrk": ratio} for ratio in ratios])
    assert found == {
        "a second": pytest.approx(10 * median),
        "of wrk": pytest.approx(median),
        "spread": {"of wrk": spread},
        "pairs": pairs,
    }


def test_the_ratio_of_medians_is_another_thing() -> None:
    pairs = [(10.0, 10.0), (100.0, 50.0), (30.0, 5.0)]
    ratios = [{"of": one / other} for one, other in pairs]
    assert across([], ratios)["of"] == 2.0
    # 30 of 10, of two different pairs.
    assert across([{"one": one, "other": other} for one, other in pairs], [])["one"] == 30.0


def test_a_ratio_that_some_pairs_lack_has_fewer_pairs() -> None:
    found = across([{}, {}, {}], [{"of wrk": 0.3, "of aiohttp": 4.0}, {"of wrk": 0.4}, {"of wrk": 0.5}])
    assert (found["of wrk"], found["of aiohttp"], found["pairs"]) == (0.4, 4.0, 1)
    assert "pairs" not in across([{"a second": 1.0}], [])


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(1.0, " (noise)"), (1.049, " (noise)"), (0.951, " (noise)"), (1.06, ""), (0.94, ""), (2.0, ""), (0.3, "")],
)
def test_a_difference_below_a_twentieth_is_noise(ratio: float, said: str) -> None:
    assert noise(ratio) == said


def test_every_claim_has_seven_rounds() -> None:
    assert ENOUGH == 7
    assert plan.FULL.rounds >= ENOUGH
    assert plan.FULL.peer.pairs >= ENOUGH


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compiled", [True, False])
def test_what_is_compared_is_measured_in_the_same_round(kind: Kind, compiled: bool) -> None:
    drives = {name: Drive(name) for name in plan.TRANSPORTS}
    runs = plan.runs_of_a_round(kind, drives, lambda: None, compiled=compiled)
    assert all(other in runs for run in runs.values() for other in run.beside.values())
    lean = runs["lean, throughput"].beside
    assert ("of the journal" in lean) == (kind != "journal")
    assert ("of lean from source" in lean) == (kind == "journal" and compiled)
    assert [run.how.body for run in runs.values()].count(LARGE) == (kind == "journal")


def test_a_run_that_fails_costs_no_other_run_and_no_other_round(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"lean": iter([40.0, 50.0, 60.0]), "aiohttp": iter([10.0, None, 20.0])}

    def throughput(how: Drive, queue: QueueSection = None) -> dict[str, float]:
        rate = next(made[how.transport])
        if rate is None:
            raise Failed("the daemon ended")
        return rates(rate, 2 * rate)

    monkeypatch.setattr("benchmarks.throughput.throughput", throughput)
    monkeypatch.setattr("benchmarks.wrk.missing", lambda: "not on the PATH: wrk")
    runs = {name: Run(Drive(name), lambda: None) for name in made}
    runs["lean"] = Run(Drive("lean"), lambda: None, {"of aiohttp": "aiohttp"})
    record = Record("end to end journal")
    in_rounds(record, runs, 3)
    assert record.failed == {"aiohttp": "the daemon ended"}
    assert record.numbers["lean"] == {
        **rates(50.0, 100.0),
        "of aiohttp": 3.5,
        "of aiohttp, by CPU": 3.5,
        "spread": {"of aiohttp": [3.0, 4.0], "of aiohttp, by CPU": [3.0, 4.0]},
        "pairs": 2,
    }
    assert record.numbers["aiohttp"] == rates(15.0, 30.0)


# -- the peer


def test_rates_are_of_what_lies_between_two_moments() -> None:
    found = between("the peer", Moment(10.0, 1_000, 5.0), Moment(12.0, 4_000, 6.5), 10_000)
    assert found["deliveries a second"] == pytest.approx(1_500.0)
    assert found["deliveries a CPU second"] == pytest.approx(2_000.0)
    assert found["CPU us a delivery"] == pytest.approx(500.0)
    assert found["CPU % of a core"] == pytest.approx(75.0)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (Moment(12.0, 10_000, 6.0), "the peer: the backlog of 10000 ended before the measurement did"),
        (Moment(12.0, 1_000, 6.0), "the peer: 0 deliveries and 1 s of CPU in 2.0 s"),
        (Moment(12.0, 2_000, 5.0), "the peer: 1000 deliveries and 0 s of CPU in 2.0 s"),
    ],
)
def test_a_measurement_that_says_nothing_fails_with_a_reason(last: Moment, said: str) -> None:
    with pytest.raises(Failed, match=said):
        between("the peer", Moment(10.0, 1_000, 5.0), last, 10_000)


class Counts(Answered):
    """nginx, which tells these numbers and then the last of them again and again."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = [*numbers]

    def count(self) -> int:
        return self._numbers.pop(0) if len(self._numbers) > 1 else self._numbers[0]


class ThisProcess:
    """A client that is this process, and runs."""

    def __init__(self) -> None:
        self.used = Used(os.getpid())

    def runs(self) -> bool:
        return True


def test_a_measurement_within_which_nothing_was_delivered_goes_on() -> None:
    found = measured("the peer", ThisProcess(), Counts(100, 600, 700, 700, 700, 900), 10_000, 0.0, 0.01)
    # Of the 200 deliveries that came when the time was over, within that time and three looks more.
    assert 0 < found["deliveries a second"] < 200 / 0.02
    assert found["deliveries a CPU second"] > 0
    assert found["peak RSS MB"] > 0


def test_a_backlog_that_ends_while_a_measurement_goes_on_fails() -> None:
    with pytest.raises(Failed, match="the backlog of 700 ended"):
        measured("the peer", ThisProcess(), Counts(600, 700, 700), 700, 0.0, 0.01)


def test_the_status_of_nginx_is_read() -> None:
    text = "Active connections: 2 \nserver accepts handled requests\n 16 16 4711 \nReading: 0 Writing: 1 Waiting: 1 \n"
    assert requests(text) == 4711
    with pytest.raises(Failed, match="no status"):
        requests("<html>")


def test_questions_are_no_answered_requests() -> None:
    """A server that counts as nginx does: a question is among what it tells."""
    total = 40

    class Status(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal total
            total += 1
            body = f"Active connections: 1 \nserver accepts handled requests\n 1 1 {total} \n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
            """Say nothing."""

    with _serving(HTTPServer(("127.0.0.1", 0), Status)) as port:
        answered = Answered(f"http://127.0.0.1:{port}/")
        assert answered.count() == 0
        total += 25
        assert [answered.count(), answered.count()] == [25, 25]


@contextmanager
def _serving(server: HTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_machine_without_java_leaves_the_peer_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    record = Record("peer")
    plan.MEASUREMENTS["peer"](record, plan.FULL, None)
    assert record.failed == {}
    assert record.numbers == {}
    said = record.missing["the peer"]
    assert "java and javac" in said
    assert "(Debian: apt-get install openjdk-17-jdk-headless" in said


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (["java", "mvn"], "not on the PATH: javac (Debian: apt-get install openjdk-17-jdk-headless)"),
        (["java", "javac"], "not on the PATH: mvn (Debian: apt-get install maven)"),
        ([], "not on the PATH: java and javac and mvn (Debian: apt-get install openjdk-17-jdk-headless, maven)"),
        (["java", "javac", "mvn"], None),
    ],
)
def test_each_program_has_its_package(
    there: list[str], said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in there:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert missing() == said


def test_jars_that_are_there_need_no_maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("java", "javac"):
        (tmp_path / name).touch(mode=0o755)
    folder = tmp_path / "cache" / "exporter-tests" / "parallel-consumer-0.5.3.3"
    folder.mkdir(parents=True)
    (folder / "complete").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert missing() is None


def test_nginx_alone_is_enough_where_wrk_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nginx").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert wrk.missing("nginx") is None
    assert "wrk" in (wrk.missing() or "")

"""``exporter status`` against an ops port on a real socket (contract.md#the-command)."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from letters_command import Place
from loopback import repeats, serving
from warm_command import warm_command

from exporter.cli.shared.daemon_port import NoDaemon, base_url, get_json
from exporter.cli.shared.status_text import duration_text
from exporter.cli.status.rows import why
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import document
from exporter.daemon.ops.local_socket import serve_locally
from exporter.daemon.ops.port import serve
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.status import ConfigStatus, DataflowStatus, Health, PausedByHand, StatusDocument
from exporter.transport.requests.headers import USER_AGENT

CRM = DataflowStatus(
    destination="crm", state="running", lag_messages=12_000, oldest_pending_seconds=75.0, in_flight=3, concurrency=16
)
WEB = DataflowStatus(
    destination="web",
    state="paused",
    paused=("unreachable",),
    paused_since=1.0,
    next_probe_seconds=4.0,
    last_failure="connection refused\x1b[2J",
    dead_letters=7,
)
BY_HAND = DataflowStatus(
    destination="web",
    state="paused",
    paused=("operator",),
    paused_since=1.0,
    last_failure="HTTP 400",  # of some time before
    operator=PausedByHand(1.0, "alice@host", "the partner moves\x1b[2J", "the journal keeps 7 events for it"),
)


VALID = ConfigStatus()


def told(*flows: DataflowStatus, config: ConfigStatus = VALID) -> StatusDocument:
    return document(0.0, config, flows)


def desk(status: Callable[[], StatusDocument]) -> Desk:
    return Desk(Metrics(), lambda: Health(True), status, configure(io.StringIO(), False))


async def _asked(
    *arguments: str, socket: Path | None = None, config: ConfigStatus = VALID
) -> tuple[int | None, str, str]:
    """The command beside a server whose counts rise by 50 at every request; ``URL`` stands for where it is."""
    asked = 0

    def status() -> StatusDocument:
        nonlocal asked
        asked += 1
        return told(replace(CRM, delivered=50 * asked, received=100 * asked, excluded=25 * asked), WEB, config=config)

    async with (
        serve("127.0.0.1", 0, desk(status)) as port,
        serve_locally(() if socket is None else (socket,), desk(status)),
    ):
        command = await asyncio.create_subprocess_exec(
            *warm_command(),
            "status",
            *(argument.replace("URL", f"http://127.0.0.1:{port}") for argument in arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(command.communicate(), 60)
    return command.returncode, out.decode(), err.decode()


async def test_says_who_asks_and_takes_any_2xx() -> None:
    """A gateway in front of the ops port may insist on the one and give the other."""
    body = b'{"version": "1", "destinations": []}'
    answer = b"HTTP/1.1 203 Non-Authoritative Information\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with serving(repeats(answer)) as server:
        assert await asyncio.to_thread(get_json, server.url(""), "/status") == {"version": "1", "destinations": []}

    (heard,) = server.heard
    assert heard.header("User-Agent") == USER_AGENT
    assert [value for name, value in heard.headers if name.lower() == "accept-encoding"] == ["identity"]


async def test_a_pause_by_hand_says_who_and_why_and_what_it_holds_back() -> None:
    async with serve("127.0.0.1", 0, desk(lambda: told(BY_HAND))) as port:
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exporter", "status", "--url", f"http://127.0.0.1:{port}"),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(command.communicate(), 60)
    _, web, _ = out.decode().splitlines()
    assert web.split()[:2] == ["web", "paused"]
    assert "  operator, paused for " in web
    assert "HTTP 400" not in web
    assert web.endswith(" by alice@host: the partner moves\\x1b[2J; warning: the journal keeps 7 events for it")


@pytest.mark.parametrize(
    ("success", "failure", "expected"),
    [(None, 2.0, "last failure: HTTP 422"), (1.0, 2.0, "last failure: HTTP 422"), (2.0, 1.0, ""), (None, None, "")],
)
def test_what_runs_and_delivers_nothing_says_why(success: float | None, failure: float | None, expected: str) -> None:
    flow = dataclasses.replace(CRM, last_success_at=success, last_failure_at=failure, last_failure="HTTP 422")
    assert why(dataclasses.asdict(flow)) == expected


async def test_for_people() -> None:
    code, out, err = await _asked("--url", "URL")
    assert code == 0, err
    head, web, crm, total = out.splitlines()
    assert head.split()[:3] == ["DESTINATION", "STATE", "LAG"]
    assert crm.split()[:6] == ["crm", "running", "12,000", "1m15s", "3", "16"]
    assert 0 < float(crm.split()[6]) <= 50, "deliveries a second: 50 in what was at least a second"
    assert head.split()[-5:] == ["READ/S", "EXCLUDED/S", "RETRIES/S", "DEAD", "WHY"]
    assert 0 < float(crm.split()[8]) <= 25
    assert web.split()[:4] == ["web", "paused", "?", "-"]
    why = r"     7  unreachable, next probe in 4\.0s: connection refused\\x1b\[2J, paused for \S+$"
    assert re.search(why, web), "reason, probe and cause stand in its row"
    assert total.split()[:6] == ["total", "of", "2", "1", "paused", "12,000"]


async def test_for_scripts() -> None:
    code, out, err = await _asked("--json", "--url", "URL")
    assert code == 0, err
    crm, web = (json.loads(line) for line in out.splitlines())
    assert (crm["destination"], crm["lag_messages"]) == ("crm", 12_000)
    assert 0 < crm["delivered_per_second"] <= 50
    assert crm["received_per_second"] == pytest.approx(2 * crm["delivered_per_second"], abs=0.2)
    assert 0 < crm["excluded_per_second"] <= 25
    assert web["paused"] == ["unreachable"]
    assert web["delivered_per_second"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_watching_ends_with_a_signal(number: signal.Signals) -> None:
    async with serve("127.0.0.1", 0, desk(lambda: told(CRM))) as port:
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "exporter", "status", "--watch", "--json", "--url", f"http://127.0.0.1:{port}",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert command.stdout is not None
        async with asyncio.timeout(60):
            for _ in range(2):
                assert json.loads(await command.stdout.readline())["destination"] == "crm"
            command.send_signal(number)
            _, err = await command.communicate()
    assert (command.returncode, err) == (0, b"")


async def test_an_interrupt_before_the_answer_says_that_there_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        hanging.settimeout(60)
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        command = await asyncio.create_subprocess_exec(sys.executable, "-m", "exporter", "status", "--url", url)
        asked, _ = await asyncio.to_thread(hanging.accept)
        with asked:
            command.send_signal(signal.SIGINT)
            async with asyncio.timeout(60):
                assert await command.wait() == 130


async def _lines_until(output: asyncio.StreamReader, last: str) -> list[str]:
    lines: list[str] = []
    async with asyncio.timeout(60):
        while not lines or last not in lines[-1]:
            lines.append((await output.readline()).decode())
            assert lines[-1], "ended"
    return lines


@pytest.mark.parametrize("options", [[], ["--json"]])
async def test_watching_shares_goes_on_without_one_that_has_ended(tmp_path: Path, options: list[str]) -> None:
    config = tmp_path / "exporter.yaml"
    config.write_text("state: {kind: sqlite, path: s.db}\n")
    runs = ConfigStatus(file=str(config))
    sockets = [tmp_path / f"s.db.sock.{number}-of-2" for number in (1, 2)]
    own = serve_locally((sockets[0],), desk(lambda: told(CRM, config=runs)))
    async with own, AsyncExitStack() as other:
        await other.enter_async_context(serve_locally((sockets[1],), desk(lambda: told(WEB, config=runs))))
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exporter", "status", "--watch", "--config", str(config), *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert command.stdout is not None
        assert command.stderr is not None
        await _lines_until(command.stdout, "web")
        await other.aclose()
        line = (await _lines_until(command.stderr, "no daemon answers"))[-1]
        assert line.startswith(f"web: no daemon answers at {sockets[1]}: ")
        await _lines_until(command.stdout, "crm")
        assert command.returncode is None
        async with serve_locally((sockets[1],), desk(lambda: told(WEB, config=runs))):
            await _lines_until(command.stdout, "unreachable" if not options else '"web"')
        command.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            await command.communicate()
    assert command.returncode == 0


async def test_watching_shares_sees_one_that_begins_later(tmp_path: Path) -> None:
    config = tmp_path / "exporter.yaml"
    config.write_text("state: {kind: sqlite, path: s.db}\n")
    runs = ConfigStatus(file=str(config))
    sockets = [tmp_path / f"s.db.sock.{number}-of-2" for number in (1, 2)]
    async with serve_locally((sockets[0],), desk(lambda: told(CRM, config=runs))):
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exporter", "status", "--watch", "--config", str(config)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert command.stdout is not None
        await _lines_until(command.stdout, "total of 1")
        async with serve_locally((sockets[1],), desk(lambda: told(WEB, config=runs))):
            await _lines_until(command.stdout, "total of 2")
        command.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            await command.communicate()


def test_no_daemon(tmp_path: Path) -> None:
    with socket.socket() as nobody:  # bound, so nobody else takes it, but not listening
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        done = Place(tmp_path, ops_port=port).run("status")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"no daemon answers at http://127.0.0.1:{port}: Connection refused\n"


def test_a_port_that_only_the_daemon_knows(tmp_path: Path) -> None:
    done = Place(tmp_path, ops_port=0).run("status")
    assert done.returncode == 1
    assert "--url" in done.stderr


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "http://127.0.0.1:99999", "http://"])
async def test_a_wrong_url(url: str) -> None:
    code, out, err = await _asked("--url", url)
    assert (code, out) == (2, "")
    assert "Invalid value for '--url'" in err
    assert "such as http://127.0.0.1:9464" in err


async def test_somebody_else_answers() -> None:
    code, out, err = await _asked("--url", "URL/metrics/..")
    assert (code, out) == (1, "")
    assert "is an exporter listening there?" in err


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:9464"),
        ("0.0.0.0", "http://127.0.0.1:9464"),
        ("::", "http://[::1]:9464"),
        ("exporter", "http://exporter:9464"),
    ],
)
def test_where_a_daemon_is_asked(host: str, expected: str) -> None:
    assert base_url(host, 9464) == expected
    with pytest.raises(NoDaemon):
        base_url(host, 0)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (0.04, "0.0s"), (9.94, "9.9s"), (59.4, "59s"), (200, "3m20s"), (18120, "5h02m"), (187200, "2d04h")],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration_text(seconds) == shown


async def test_over_the_socket_without_a_configuration(tmp_path: Path) -> None:
    code, out, err = await _asked(
        "--json", "--socket", str(tmp_path / "s"), "--config", str(tmp_path / "missing"), socket=tmp_path / "s"
    )
    assert (code, err) == (0, "")
    assert [json.loads(line)["destination"] for line in out.splitlines()] == ["crm", "web"]


async def test_the_url_is_asked_first_and_then_the_socket(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        code, out, err = await _asked("--url", dead, "--socket", str(tmp_path / "s"), socket=tmp_path / "s")
        assert (code, err) == (0, "")
        assert out.startswith("DESTINATION")
        code, out, err = await _asked("--url", dead, "--socket", str(tmp_path / "s"))
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        f"no daemon answers at {dead}: Connection refused",
        f"no daemon answers at {tmp_path / 's'}: No such file or directory",
    ]


def _broken(place: Place, text: str) -> tuple[str, ...]:
    place.state.path.parent.mkdir(exist_ok=True)
    place.config.write_text(text.replace("STATE", str(place.state.path)))
    return "--config", str(place.config)


_STATE = "state:\n  path: STATE\n"
_MISTAKE = "drain: soon\n"


@pytest.mark.parametrize(
    "text",
    [
        _STATE + _MISTAKE,
        _MISTAKE + _STATE + "ops: {port: none}\n",
        _STATE + "destinations:\n  - name: crm\n   endpoint: 5\n",
        _STATE + "ops:\n  token: !file missing\n",
        _STATE + "segments_file: missing.yaml\nqueue: {kind: kafkа}\n",
    ],
)
async def test_a_broken_file_still_says_where_its_daemon_is(text: str) -> None:
    with TemporaryDirectory() as short:  # a longer path is no socket's
        place = Place(Path(short))
        options = _broken(place, text)
        code, out, err = await _asked(*options, socket=place.state.path.with_name("state.db.sock"))
    assert code == 0, err
    assert out.startswith("DESTINATION")
    *mistakes, count, goes_on = err.splitlines()
    assert mistakes
    assert all(line.startswith(str(place.config.parent)) for line in mistakes)
    assert "in the configuration" in count
    assert goes_on == "the daemon goes on with what it read before:"


@pytest.mark.parametrize(
    "text",
    ["state:\n  path: STATE\n bad\n", _STATE.replace("STATE", "[x]") + "ops: 5\n", "# nothing\n x: [\n", None],
)
def test_a_file_that_says_nothing_is_no_reason_to_ask_another_daemon(tmp_path: Path, text: str | None) -> None:
    place = Place(tmp_path)
    if text is None:
        place.config.unlink()
    else:
        _broken(place, text)
    done = place.run("status")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.splitlines()[-1].endswith("give --socket or --url to ask one all the same")


async def test_a_refused_configuration_is_told_beside_the_table() -> None:
    problems_of_it = ("exporter.yaml:3: drain: should be a number", "odd\x1b[2J")
    refused = ConfigStatus(False, None, problems_of_it, time.time() - 7500)
    code, out, err = await _asked("--url", "URL", config=refused)
    assert code == 0
    first, *problems = err.splitlines()
    assert re.fullmatch(r"the daemon refused the configuration at its last reload, 2h0\dm ago, and goes on .*", first)
    assert "the files may have changed since then (exporter check)" in first
    assert problems == ["  exporter.yaml:3: drain: should be a number", "  odd\\x1b[2J"]
    assert out.startswith("DESTINATION")


async def test_an_older_daemon_is_named_as_that() -> None:
    body = b'[{"destination": "crm"}]'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with serving(repeats(answer)) as server:
        code, _, err = await _asked("--url", server.url(""))
    assert code == 1
    assert err.endswith("the daemon there is older than this command\n")

"""``exporter receive`` as a real process, with real signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from records import read_record

COMMAND = (sys.executable, "-m", "exporter", "receive")


@contextmanager
def receiving(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command with ``--json`` on a free port, and its first line."""
    with subprocess.Popen(
        (*COMMAND, "--port", "0", "--json", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def post(url: str, body: bytes, **headers: str) -> int:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def stopped(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_prints_json_lines_and_stops_with_0(number: signal.Signals) -> None:
    with receiving() as (process, listening):
        assert listening["event"] == "listening"
        assert post(listening["url"] + "?a=1", b'{"x": [1]}', **{"Idempotency-Key": "d:1"}) == 200
        code, out, err = stopped(process, number)

    assert code == 0
    (line,) = out.splitlines()
    seen = json.loads(line)
    assert (seen["body"], seen["query"], seen["idempotency_key"]) == ({"x": [1]}, "a=1", "d:1")
    assert (seen["status"], seen["answered"]) == (200, True)
    assert "listening" in err


def test_prints_for_people() -> None:
    command = (*COMMAND, "--port", "0", "--status", "503", "--auth", "bearer", "--token", "s3cret")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            url = process.stderr.readline().split()[2]
            post(url, b'{"name": "Ada", "odd": "\\u001b[31m"}', Authorization="Bearer s3cret")
            post(url, b"not \xff json")
            code, out, err = stopped(process)
        finally:
            process.kill()

    assert (code, err) == (0, "")
    first, *body = out.splitlines()
    assert " POST / → 503 " in first
    assert "authorized" in first
    assert '      "name": "Ada",' in body
    assert "    not \\xff json" in body
    assert "\x1b" not in out
    assert "s3cret" not in out


def test_records_and_is_quiet(tmp_path: Path) -> None:
    record = tmp_path / "new" / "record.jsonl"
    for number in (1, 2):
        with receiving("--quiet", "--record", str(record)) as (process, listening):
            assert post(listening["url"], b'{"n": %d}' % number, Authorization="Bearer s3cret") == 200
            code, out, _ = stopped(process)
        assert (code, out) == (0, "")

    assert b"s3cret" not in record.read_bytes()
    assert record.stat().st_mode & 0o777 == 0o600, "it is personal data"
    with record.open("rb") as lines:
        first, second = read_record(lines)
    assert (first.body, second.body) == (b'{"n":1}', b'{"n":2}')
    assert first.ended < second.arrived


def test_the_record_is_in_the_file_while_it_runs(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    with receiving("--quiet", "--record", str(record)) as (process, listening):
        for number in range(3):
            post(listening["url"], b"%d" % number)
        post(listening["control_url"], b"")  # any later request: lines wait for some milliseconds
        while len(record.read_bytes().splitlines()) < 3:
            assert process.poll() is None


def test_demands_oauth2_with_the_documented_credentials() -> None:
    with receiving("--auth", "oauth2_client_credentials") as (process, listening):
        assert post(listening["url"], b"{}") == 401
        form = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo-secret"}
        with urllib.request.urlopen(listening["token_url"], urllib.parse.urlencode(form).encode(), 30) as answer:
            token = json.load(answer)["access_token"]
        assert post(listening["url"], b"{}", Authorization=f"Bearer {token}") == 200
        assert stopped(process)[0] == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--auth", "kerberos"], "kerberos"),
        (["--status", "99"], "--status"),
        (["--fail-rate", "2"], "--fail-rate"),
        (["--latency", "inf"], "latency"),
        (["--no-such-option"], "no-such-option"),
    ],
)
def test_a_wrong_option_is_a_usage_error(options: list[str], reason: str) -> None:
    done = subprocess.run((*COMMAND, *options), capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert reason in done.stderr


def test_a_port_in_use_is_a_failure_with_a_reason() -> None:
    with receiving() as (_, listening):
        taken = str(listening["port"])
        done = subprocess.run((*COMMAND, "--port", taken), capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert taken in done.stderr
    assert "Traceback" not in done.stderr


def test_a_record_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    done = subprocess.run((*COMMAND, "--record", str(tmp_path)), capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert str(tmp_path) in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_ends_it_with_a_reason() -> None:
    with receiving("--quiet", "--record", "/dev/full") as (process, listening):
        assert post(listening["url"], b"{}") == 200
        _, err = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "No space left" in err


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    with receiving() as (process, listening):
        assert process.stdout is not None
        process.stdout.close()
        assert post(listening["url"], b"{}") == 200
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_reader_that_does_not_read_holds_up_no_request(tmp_path: Path) -> None:
    """More than a pipe takes and than is held: what is recorded is whole, and what is not shown is counted."""
    requests, body = 200, json.dumps({"x": "y" * 10_000}).encode()
    with receiving("--record", str(tmp_path / "record")) as (process, listening):
        for _ in range(requests):
            assert post(listening["url"], body) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stdout is not None
        shown = [json.loads(line) for line in process.stdout.read().splitlines() if line.endswith("}")]
    with (tmp_path / "record").open("rb") as record:
        assert len(list(read_record(record))) == requests
    assert 0 < len(shown) < requests


def test_what_is_not_shown_is_counted_where_it_is_missing() -> None:
    body = json.dumps({"x": "y" * 10_000}).encode()
    with receiving() as (process, listening):
        for _ in range(200):
            assert post(listening["url"], body) == 200
        code, out, _ = stopped(process)
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    missing = [line["requests"] for line in lines if line.get("event") == "not shown"]
    assert len(lines) - len(missing) + sum(missing) == 200
    assert sum(missing) > 0

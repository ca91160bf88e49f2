"""``exporter send``, as a real process."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from nats_broker import Broker
from warm_command import warm_command

from exporter.queues.journal.queue import open_journal
from exporter.queues.port import Batch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    configure(tmp_path)
    return tmp_path


def configure(folder: Path, max_bytes: str = "1GiB") -> None:
    (folder / "exporter.yaml").write_text(
        f"queue: {{kind: journal, path: queue.db, max_bytes: {max_bytes}}}\n"
        "max_event_bytes: 10KiB\n"
        "destinations: [{name: partner, endpoint: 'http://127.0.0.1:9/'}]\n"
    )


def exporter(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*warm_command(), *arguments, "--config", "exporter.yaml"],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=120,
    )
    made = f"note: there was no queue yet, it is made at {folder}/queue.db\n"  # its own test: test_former_places.py
    errors = done.stderr.decode().removeprefix(made)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), errors)


def queued(folder: Path) -> list[bytes]:
    """All bodies on the queue."""

    async def read() -> list[bytes]:
        bodies: list[bytes] = []
        async with (
            open_journal(folder / "queue.db", max_bytes=10**9, groups=(), warn=pytest.fail) as queue,
            queue.subscribe("test", "earliest") as subscription,
        ):
            while subscription.lag().messages != len(bodies):
                got = await subscription.receive(1000)
                assert isinstance(got, Batch)
                bodies.extend(message.body for message in got.messages)
        return bodies

    return asyncio.run(read())


def event(number: int, **more: object) -> dict[str, object]:
    return {"id": f"e{number}", "profileId": f"p{number}", "profile": {}, **more}


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_files_are_queued_in_order(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(lines(event(1), event(2)))
    (folder / "b.jsonl").write_bytes(
        b"\xef\xbb\xbf\n" + lines(event(3)).replace(b"\n", b"\r\n") + b"  \n" + lines(event(4))[:-1]
    )
    done = exporter(folder, "send", "a.jsonl", "b.jsonl")
    assert (done.returncode, done.stdout, done.stderr) == (0, "4 events queued\n", "")
    assert [json.loads(body)["id"] for body in queued(folder)] == ["e1", "e2", "e3", "e4"]


def test_stdin_is_queued_as_it_is(folder: Path) -> None:
    body = b'{ "profileId" : "p",  "profile":{}, "n": 1.0 }'
    done = exporter(folder, "send", "--json", "-", stdin=body + b"\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"queued": 1}
    assert queued(folder) == [body]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"nope", "Expecting value at column 1"),
        (b'{"profileId": "p"', "Expecting ',' delimiter at column 18"),
        (b'{"profileId": "p"} {}', "Extra data at column 20"),
        (b'{"profileId": NaN}', "NaN is not a number in JSON"),
        (b'{"profileId": "\xff"}', "invalid UTF-8 at byte 15"),
    ],
)
def test_a_line_that_is_not_json_fails_after_the_good_ones_before_it(folder: Path, bad: bytes, reason: str) -> None:
    (folder / "good.jsonl").write_bytes(lines(event(1)))
    (folder / "bad.jsonl").write_bytes(lines(event(2)) + b"\n" + bad + b"\n" + lines(event(3)))
    done = exporter(folder, "send", "--json", "good.jsonl", "bad.jsonl", "good.jsonl")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"queued": 2}
    assert done.stderr == f"error: bad.jsonl:3 is not JSON: {reason}\n"
    assert [json.loads(body)["id"] for body in queued(folder)] == ["e1", "e2"]


@pytest.mark.skipif(sys.platform == "win32", reason="/dev/zero is POSIX")
@pytest.mark.parametrize(
    ("words", "code", "said"), [(("send",), 1, {"queued": 1}), (("send", "--check"), 1, None), (("preview",), 2, None)]
)
def test_a_file_without_an_end_is_named(folder: Path, words: tuple[str, ...], code: int, said: object) -> None:
    (folder / "good.jsonl").write_bytes(lines(event(1)))
    files = ["/dev/zero"] if words == ("preview",) else ["good.jsonl", "/dev/zero"]
    done = exporter(folder, *words, "--json", *files)
    assert done.returncode == code
    assert "/dev/zero:1: a line is longer than 64 MiB" in " ".join(done.stderr.replace("\u2502", "").split())
    if said is not None:
        assert json.loads(done.stdout) == said


LIST = json.dumps([event(1), event(2)], indent=2).encode()


@pytest.mark.parametrize(
    "content",
    [
        LIST,
        json.dumps([event(1), event(2)]).encode(),
        json.dumps(event(1), indent=2).encode() + b"\n" + lines(event(2)),
        b"\xef\xbb\xbf" + LIST.replace(b"\n", b"\r\n"),
    ],
)
def test_what_preview_reads_is_queued_as_the_same_events(folder: Path, content: bytes) -> None:
    (folder / "events.json").write_bytes(content)
    done = exporter(folder, "send", "--json", "events.json")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, {"queued": 2}, "")
    assert [json.loads(body) for body in queued(folder)] == [event(1), event(2)]


def test_an_error_within_an_event_of_several_lines_names_its_own_line(folder: Path) -> None:
    (folder / "a.json").write_bytes(lines(event(1)) + b'{\n  "profileId": "p",\n  "profile": nope\n}\n')
    done = exporter(folder, "send", "a.json")
    assert (done.returncode, done.stdout) == (1, "1 event queued\n")
    assert done.stderr == "error: a.json:4 is not JSON: Expecting value at column 14\n"


def test_a_check_queues_nothing_and_says_all_that_is_wrong(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(
        lines(event(1, atributes=1, changes={"atributes": ["x"]}), event(2, atributes=1))
        + b'nope\n{"a": 1}\n'
        + lines(event(3))
    )
    done = exporter(folder, "send", "--check", "a.jsonl", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"events": 5, "malformed": 2, "unknownKeys": 3}
    assert done.stderr.splitlines() == [
        "error: a.jsonl:3 is not JSON: Expecting value at column 1",
        "error: a.jsonl:4 would become a dead letter: profileId: is missing",
        "note: a.jsonl:1: atributes is not known and ignored (2 events have it)",
        "note: a.jsonl:1: changes.atributes is not known and ignored; did you mean attributes?",
        "note: a.jsonl:4: a is not known and ignored",
    ]
    assert not (folder / "queue.db").exists()


def test_a_check_of_good_events_ends_well_also_with_unknown_keys(folder: Path) -> None:
    done = exporter(folder, "send", "--check", "-", stdin=lines(event(1, team="x"), event(2)))
    assert (done.returncode, done.stdout) == (0, "2 events, 0 of them malformed, 1 unknown key; nothing queued\n")
    assert done.stderr == "note: stdin:1: team is not known and ignored\n"
    assert not (folder / "queue.db").exists()


def test_json_that_is_no_event_is_queued_with_a_note(folder: Path) -> None:
    deep = b"[" * 5000 + b"]" * 5000
    too_large = lines(event(1, more="x" * 11_000))
    done = exporter(folder, "send", "-", stdin=b'{"a": 1}\n7\n' + deep + b"\n" + too_large + lines(event(2)))
    assert (done.returncode, done.stdout) == (0, "5 events queued\n")
    notes = done.stderr.splitlines()
    assert [note.split(" will become a dead letter: ")[0] for note in notes] == [
        f"note: stdin:{number}" for number in (1, 2, 3, 4)
    ]
    assert "profileId" in notes[0]
    assert len(queued(folder)) == 5


def test_only_some_notes_are_shown(folder: Path) -> None:
    done = exporter(folder, "send", "-", stdin=b"{}\n" * 25)
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 21
    assert done.stderr.splitlines()[-1] == "note: 5 more lines like these"


def test_many_lines(folder: Path) -> None:
    with (folder / "many.jsonl").open("wb") as file:
        file.writelines(lines(event(number)) for number in range(30_000))
    done = exporter(folder, "send", "many.jsonl", "--json")
    assert json.loads(done.stdout) == {"queued": 30_000}
    assert [json.loads(body)["id"] for body in queued(folder)] == [f"e{number}" for number in range(30_000)]


def test_a_full_queue_says_how_far_it_came(folder: Path) -> None:
    configure(folder, max_bytes="300KiB")
    (folder / "many.jsonl").write_bytes(lines(*(event(number, more="x" * 100) for number in range(5000))))
    done = exporter(folder, "send", "many.jsonl", "--json")
    assert done.returncode == 1
    count = json.loads(done.stdout)["queued"]
    assert 0 < count < 5000
    assert "the queue is full (the journal holds" in done.stderr
    assert f"many.jsonl:{count + 1} and what follows was not queued" in done.stderr
    assert len(queued(folder)) == count


def test_an_event_that_a_broker_does_not_take_is_named_by_its_line_and_alone(folder: Path) -> None:
    """The ones before and behind it are queued, those of the next batches too."""
    broker = Broker(folder, "max_payload: 4096\n")
    broker.start()
    try:
        asyncio.run(broker.answers())
        (folder / "exporter.yaml").write_text(
            f"queue: {{kind: nats, url: '{broker.url}', create: true}}\ndestinations: []\n"
        )
        large = event(0, profile={"note": "x" * 5000})
        values = [event(1), large, *(event(number) for number in range(2, 1500)), large, event(1500)]
        (folder / "events.jsonl").write_bytes(lines(*values))
        done = exporter(folder, "send", "events.jsonl")
        assert (done.returncode, done.stdout) == (1, "1500 events queued\n")
        said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert [line.split(" ")[1] for line in said] == ["events.jsonl:2", "events.jsonl:1501"]
        assert all("was not queued" in line and "max_payload" in line for line in said)
        done = exporter(folder, "send", "--json", "-", stdin=lines(large, event(1501)))
        assert (done.returncode, done.stdout) == (1, '{"queued": 1}\n')
    finally:
        broker.stop()


def test_nothing_to_send_is_nothing(folder: Path) -> None:
    done = exporter(folder, "send", "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 events queued\n", "")


def test_a_file_that_is_not_there_is_a_wrong_call_and_nothing_is_queued(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(lines(event(1)))
    done = exporter(folder, "send", "a.jsonl", "missing.jsonl")
    assert done.returncode == 2
    assert "missing.jsonl cannot be read: No such file or directory" in done.stderr
    assert not (folder / "queue.db").exists()


def test_a_damaged_queue_is_said_and_left_as_it_is(folder: Path) -> None:
    (folder / "queue.db").write_bytes(b"somebody's text")
    done = exporter(folder, "send", "-", stdin=lines(event(1)))
    assert done.returncode == 1
    assert "queue.db: it is not an SQLite database" in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "queue.db").read_bytes() == b"somebody's text"


def test_a_wrong_configuration_exits_with_78(folder: Path) -> None:
    (folder / "exporter.yaml").write_text("nonsense: 1\n")
    assert exporter(folder, "send", "-").returncode == 78


def test_a_terminal_gets_a_progress_bar(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(lines(*(event(number) for number in range(10))))
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-m", "exporter", "send", "a.jsonl", "--json", "--config", "exporter.yaml"]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=theirs, timeout=120)
        shown = os.read(ours, 100_000).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert json.loads(done.stdout) == {"queued": 10}
    assert "sending" in shown
    assert "100%" in shown


def test_notes_stand_in_lines_of_their_own_beside_the_progress(folder: Path) -> None:
    (folder / "queue.db").unlink(missing_ok=True)
    (folder / "a.jsonl").write_bytes(lines(*(event(number) for number in range(3))) + b'{"a": 1}\n' + lines(event(4)))
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-m", "exporter", "send", "a.jsonl", "--config", "exporter.yaml"]
        environ = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
        subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=theirs, timeout=120, env=environ)
        shown = os.read(ours, 100_000).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    # A line begins anew after a line break, or where the progress was taken away.
    for said in ("note: there was no queue yet", "note: a.jsonl:4 will become a dead letter"):
        assert re.search(rf"(^|\n|\r|\x1b\[2K){said}", shown), shown


@contextmanager
def sending_live(folder: Path, given: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """``exporter send -`` with ``given`` on its standard input, which stays open; Ctrl-C is heard."""
    # What was started in the background has SIGINT ignored, and its children, too.
    heard = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    heard += "runpy.run_module('exporter', run_name='__main__')"
    command = [sys.executable, "-c", heard, "send", "-", "--config", "exporter.yaml"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        try:
            process.stdin.write(given)
            process.stdin.flush()
            yield process
        finally:
            process.kill()


def in_journal(folder: Path) -> int:
    """The number of events in the journal by now, which another process is writing."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/queue.db?mode=ro", uri=True)) as database:
            [count] = database.execute("SELECT count(*) FROM events").fetchone()
            return int(count)
    except sqlite3.OperationalError:
        return 0  # not made as yet


def wait_for(folder: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many events are in the journal, while ``process`` lives."""
    deadline = time.monotonic() + 60
    while in_journal(folder) < count:
        assert process.poll() is None
        assert time.monotonic() < deadline, in_journal(folder)
        time.sleep(0.05)


def test_what_was_read_is_queued_while_the_stream_stays_open(folder: Path) -> None:
    with sending_live(folder, lines(*(event(number) for number in range(603)))) as process:
        wait_for(folder, 603, process)
        assert process.stdin is not None
        process.stdin.write(lines(event(603)))
        process.stdin.flush()
        wait_for(folder, 604, process)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"604 events queued\n"), errors


def test_the_first_interrupt_ends_the_input_and_what_was_read_is_queued(folder: Path) -> None:
    """The note on the event without a profileId shows that all before it are read."""
    with sending_live(folder, lines(*(event(number) for number in range(1000)), {"id": "x"})) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert any(b"stdin:1001 will become a dead letter" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stdout.read() == b"1001 events queued\n"
        assert process.stderr.read() == b""
    assert len(queued(folder)) == 1001

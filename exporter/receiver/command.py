"""The work of ``exporter receive``: run a receiver until a signal, print and record the requests."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path

import orjson

from exporter.daemon.process.event_loop import new_event_loop
from exporter.receiver.endpoint import Observer
from exporter.receiver.line_writer import LineWriter
from exporter.receiver.options import ReceiverOptions
from exporter.receiver.reception import Reception
from exporter.receiver.server import Receiver, open_receiver
from exporter.sections.printable import printable


@dataclass(frozen=True, slots=True)
class Output:
    """Where requests are noted: a file of JSON lines, and stdout unless ``quiet``, as JSON lines or for people."""

    record: Path | None
    quiet: bool
    json: bool


def run(options: ReceiverOptions, output: Output) -> int:
    """Run until SIGTERM or SIGINT. Return the exit code; notes go to stderr."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_run(options, output))


async def _run(options: ReceiverOptions, output: Output) -> int:
    stop = asyncio.Event()
    failures: list[str] = []

    def failed(error: OSError) -> None:
        # A reader of stdout that went away is how `| head` ends, and no failure.
        if not isinstance(error, BrokenPipeError):
            failures.append(str(error))
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with ExitStack() as files:
        observers: list[Observer] = []
        sys.stdout.flush()
        # Past Python's buffer, whose lock a thread that waits for a reader would keep.
        unread = _unread_as_json if output.json else _unread
        stdout = LineWriter(FileIO(sys.stdout.fileno(), "wb", closefd=False), failed, unread)
        files.callback(stdout.end)
        try:
            if output.record is not None:
                record = LineWriter(files.enter_context(_private(output.record)), failed, end_seconds=None)
                files.callback(record.end)
                observers.append(lambda reception: record.write(reception.line()))
            if not output.quiet:
                show = Reception.line if output.json else readable
                observers.append(lambda reception: stdout.write(show(reception)))

            def told(status: int, note: str) -> None:
                if not (output.quiet or output.json):
                    stdout.write(f"{_clock(time.time())} token request → {status} {note}\n".encode())

            async with open_receiver(options, observers, told) as receiver:
                _announce(receiver, stdout if output.json else None)
                await stop.wait()
        except OSError as error:
            failures.append(str(error))
    for failure in failures:
        print(f"exporter receive: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _private(file: Path) -> FileIO:
    """The file to append to. What is recorded is personal data, so a new file is for nobody else to read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    return FileIO(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab")


def _announce(receiver: Receiver, stdout: LineWriter | None) -> None:
    print(f"listening on {receiver.base} (tokens: {receiver.token_url})", file=sys.stderr, flush=True)
    if stdout is not None:
        document = {
            "event": "listening",
            "url": receiver.url,
            "token_url": receiver.token_url,
            "control_url": receiver.control_url,
            "port": receiver.port,
        }
        stdout.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))


def _unread(requests: int) -> bytes:
    return f"({requests} not shown: nobody read them)\n".encode()


def _unread_as_json(requests: int) -> bytes:
    return orjson.dumps({"event": "not shown", "requests": requests}, option=orjson.OPT_APPEND_NEWLINE)


def readable(reception: Reception) -> bytes:
    """A line for people, and the body below."""
    target = reception.path + (f"?{reception.query}" if reception.query else "")
    outcome = str(reception.status) if reception.answered else "no answer"
    milliseconds = (reception.until - reception.at) * 1000
    parts = [_clock(reception.at), reception.method, target, "→", outcome, f"{milliseconds:.1f} ms"]
    if reception.authorized is not None:
        parts.append("authorized" if reception.authorized else "not authorized")
    if reception.idempotency_key is not None:
        parts.append(f"key={reception.idempotency_key}")
    if reception.exporter_position is not None:
        parts.append(f"position={reception.exporter_position}")
    return printable(" ".join(parts)).encode() + b"\n" + _indented(reception.body)


def _clock(at: float) -> str:
    """The local time of day, to the millisecond."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]


def _indented(body: bytes) -> bytes:
    if not body:
        return b""
    try:
        text = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        text = printable(body)
    return b"".join(b"    " + printable(line).encode() + b"\n" for line in text.splitlines())

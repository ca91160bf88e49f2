"""Starts real processes of the command, listens to what they log, and ends each by its pid."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

from warm_command import WarmProcess

Found = TypeVar("Found")

#: No test expects anything to take this long; it only keeps a broken run from hanging.
PATIENCE_SECONDS = 90.0

#: The command under test: that of another environment where ``EXPORTER_TESTED`` names it (see .ci/as-installed).
_TESTED = tuple(shlex.split(os.environ.get("EXPORTER_TESTED", "")))
EXPORTER = _TESTED or (sys.executable, "-m", "exporter")
#: In the place of ``*EXPORTER``: a process that has all modules in memory becomes the command, at a twentieth of the
#: processor time, or a file of Python that stands in for it. Where starts, signals or memory are the matter, tests
#: start ``EXPORTER``.
WARM = "warm exporter"

_SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
_PAUSED = re.compile(r"^exporter_paused\{(?P<destination>[^,]+),(?P<reason>[a-z_0-9]+)\}$")
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def eventually(what: str, probe: Callable[[], Found | None], seconds: float = PATIENCE_SECONDS) -> Found:
    """Ask ``probe`` until it gives something true; raises AssertionError naming ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        asked = time.monotonic()
        if found := probe():
            return found
        now = time.monotonic()
        if now > end:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        # A question that is dear, such as a command of its own, leaves the cores to what it waits for.
        time.sleep(max(0.05, now - asked))


def fetch(url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """GET, or POST where there is a body; the status and the body of the answer. Raises URLError."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


class Process:
    """One process with its output in files; ``stop`` ends it by its pid, whatever state it is in."""

    def __init__(
        self,
        argv: Sequence[str],
        folder: Path,
        name: str,
        environ: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.out = folder / f"{name}.out"
        self.log = folder / f"{name}.log"
        with self.out.open("wb") as out, self.log.open("wb") as log:
            self._popen = _started(argv, (out, log), folder, {**os.environ, **(environ or {})}, before)
        self.pid = self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._popen.send_signal(number)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Its exit code, once it ended. Raises AssertionError with the end of its log where it does not."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {seconds:.0f} s: {self.tail()}") from None

    def terminate(self, seconds: float = PATIENCE_SECONDS) -> int:
        """SIGTERM; its exit code."""
        self.send(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """End it at once and wait for its end."""
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait(PATIENCE_SECONDS)

    def tail(self) -> str:
        """The last of what it wrote to stderr."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-1_500:]

    def alive(self) -> bool:
        """True; raises AssertionError with the end of its log once it ended."""
        if (code := self.exit_code) is not None:
            raise AssertionError(f"{self.name} ended with {code}: {self.tail()}")
        return True


class Daemon(Process):
    """``exporter run``, or anything with its contract; ``config`` is the file that it was started on."""

    config: Path
    port: int = 0

    def logs(self, event: str | None = None) -> list[dict[str, Any]]:
        """What it logged so far, all of it or the lines of one event."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        lines = []
        for line in text.splitlines(keepends=True):
            if line.endswith("\n") and line.startswith("{"):
                with contextlib.suppress(ValueError):
                    lines.append(json.loads(line))
        return [line for line in lines if event is None or line["event"] == event]

    def ready(self) -> Daemon:
        """Return when it logged ``ready``; learns the port of its operations server."""

        def found() -> dict[str, Any] | None:
            if lines := self.logs("ready"):
                return lines[-1]
            self.alive()
            return None

        line = eventually(f"{self.name} is ready", found)
        self.port = _port_of(line)
        return self

    def metrics(self) -> dict[str, float]:
        """All samples by a name such as ``exporter_paused{crm,unreachable}``: label values in the order of their names,
        destination first."""
        status, body = fetch(f"http://127.0.0.1:{self.port}/metrics")
        assert status == 200, body
        samples = {}
        for line in body.decode().splitlines():
            if line.startswith("#") or not (match := _SAMPLE.match(line)):
                continue
            labels = dict(_LABEL.findall(match["labels"] or ""))
            values = [labels.pop("destination")] if "destination" in labels else []
            values += [value for _, value in sorted(labels.items())]
            samples[f"{match['name']}{{{','.join(values)}}}"] = float(match["value"])
        return samples

    def metric(self, name: str, *labels: str) -> float:
        """One sample, 0 where there is none."""
        return self.metrics().get(f"{name}{{{','.join(labels)}}}", 0.0)

    def paused(self, destination: str) -> set[str]:
        """Why this dataflow is paused now."""
        return self.pauses().get(destination, set())

    def pauses(self) -> dict[str, set[str]]:
        """Why dataflows are paused now, by destination."""
        found: dict[str, set[str]] = {}
        for name, value in self.metrics().items():
            if value and (match := _PAUSED.match(name)):
                found.setdefault(match["destination"], set()).add(match["reason"])
        return found


def _started(
    argv: Sequence[str],
    streams: tuple[IO[bytes], IO[bytes]],
    folder: Path,
    environ: Mapping[str, str],
    before: Callable[[], None] | None,
) -> subprocess.Popen[bytes] | WarmProcess:
    if argv[0] == WARM:
        if before is None and not _TESTED:
            with Path(os.devnull).open("rb") as nothing:
                return WarmProcess(argv[1:], [each.fileno() for each in (nothing, *streams)], folder, environ)
        argv = (*EXPORTER, *argv[1:])
    out, log = streams
    return subprocess.Popen(
        [*argv],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=log,
        cwd=folder,
        env={**environ},
        start_new_session=True,
        preexec_fn=before,  # noqa: PLW1509 - the parent has no other threads that hold locks here
    )


def _port_of(line: Mapping[str, Any]) -> int:
    """The port in the ``ready`` line: a field ``port``, or the end of an address."""
    for value in (line.get("port"), line.get("ops")):
        if isinstance(value, int):
            return value
        if isinstance(value, str) and value.rpartition(":")[2].isdigit():
            return int(value.rpartition(":")[2])
    raise AssertionError(f"no port in {line}")

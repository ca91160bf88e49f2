"""The setting of a measurement: a folder with a configuration, a queue, receivers and daemons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from benchmarks.cores import pinned
from benchmarks.material import SMALL
from benchmarks.processes import Failed, Receiver, Used, end, until
from exporter.queues.kinds import QueueSettings, open_queue
from exporter.queues.port import Outgoing, Queue

REPOSITORY = Path(__file__).parents[1]
_PUBLISHED_TOGETHER = 1_000
#: Characters of a daemon's log in a failure.
_LAST_WORDS = 500


class Daemon:
    """A running ``exporter run``."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self.pid = process.pid
        self.used = Used(process.pid)

    def ready(self) -> int:
        """Wait until all dataflows read; the port for operators.

        Raises:
            Failed: the daemon does not start.
        """
        try:
            until("the daemon is ready", lambda: bool(self._ready()), every=0.02)
        except Failed as failed:
            raise Failed(f"{failed}: {self._said()}") from failed
        return int(self._ready()[0]["port"])

    def status(self) -> list[dict[str, Any]]:
        """The status of each dataflow, as told by the daemon."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ready()}/status", timeout=60) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())["destinations"]
            return found

    def runs(self) -> bool:
        """True while the daemon runs.

        Raises:
            Failed: the daemon has ended; the text holds the end of the log.
        """
        if self._process.poll() is not None:
            raise Failed(f"the daemon ended: {self._said()}")
        return True

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8")[-_LAST_WORDS:]

    def _ready(self) -> list[dict[str, Any]]:
        self.runs()
        whole = [line for line in self._log.read_text(encoding="utf-8").splitlines(keepends=True) if line[-1] == "\n"]
        return [found for line in whole if (found := json.loads(line))["event"] == "ready"]


class Setting:
    """The setting of a measurement; every started process is ended with ``processes``."""

    def __init__(self, folder: Path, processes: ExitStack, queue: Mapping[str, Any] | None, core: int | None) -> None:
        self._folder = folder
        self._processes = processes
        self._core = core
        self._daemons = 0
        self._config: dict[str, Any] = {
            "queue": queue or {"kind": "journal", "path": str(folder / "queue.db")},
            "state": {"kind": "sqlite", "path": str(folder / "state.db")},
            "ops": {"host": "127.0.0.1", "port": 0},
            "destinations": [],
        }

    def receiver(self, *options: str) -> Receiver:
        """Start a receiver with these options of ``lean_receiver.py``."""
        argv = [sys.executable, "-m", "benchmarks.lean_receiver", *options]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        self._processes.callback(end, process)
        return Receiver(process)

    def destination(self, name: str, port: int, transport: str = "auto", **more: Any) -> None:
        """Add a destination, of the small body unless ``more`` has another mapping.

        ``delivery`` in ``more`` is added to a rate that holds nothing back.
        """
        delivery = {"rate": 1_000_000, "transport": transport, **more.pop("delivery", {})}
        endpoint = f"http://127.0.0.1:{port}/profiles"
        section = {"name": name, "endpoint": endpoint, **SMALL.mapping, **more, "delivery": delivery}
        self._config["destinations"].append(section)

    def daemon(self, *options: str, cores: Sequence[int | None] | None = None, from_source: bool = False) -> Daemon:
        """Start a daemon, on the daemon's core unless other cores are named; see ``Drive`` for ``from_source``."""
        file = self._folder / "exporter.yaml"
        # JSON is YAML, too.
        file.write_text(json.dumps(self._config), encoding="utf-8")
        self._daemons += 1
        log = self._folder / f"daemon-{self._daemons}.log"
        argv = [sys.executable, "-m", "exporter", "run", "--config", str(file), "--log-format", "json", *options]
        argv = pinned(argv, *((self._core,) if cores is None else cores))
        environ = os.environ | ({"PYTHONPATH": str(REPOSITORY)} if from_source else {})
        with log.open("wb") as stderr:
            process = subprocess.Popen(argv, stderr=stderr, stdout=subprocess.DEVNULL, cwd=self._folder, env=environ)
        self._processes.callback(end, process)
        return Daemon(process, log)

    async def publish_at_once(self, events: Iterable[Outgoing]) -> None:
        """Put events on the queue in one call: a daemon that waits for events finds all."""
        async with self.queue() as queue:
            await queue.publish(list(events))

    async def publish(self, events: Iterable[Outgoing]) -> None:
        """Put events on the queue."""
        async with self.queue() as queue:
            rest = iter(events)
            while some := list(islice(rest, _PUBLISHED_TOGETHER)):
                await queue.publish(some)

    def queue(self) -> AbstractAsyncContextManager[Queue]:
        """The queue, opened to publish."""
        settings: QueueSettings = TypeAdapter(QueueSettings).validate_python(self._config["queue"])
        return open_queue(settings, (), lambda _: None)


@contextmanager
def setting(core: int | None, queue: Mapping[str, Any] | None = None) -> Iterator[Setting]:
    """A setting with a core for the daemon and the section ``queue`` of the configuration: None is a new journal."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        yield Setting(Path(folder), processes, queue, core)

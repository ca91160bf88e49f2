"""The far ends of acceptance tests: ``exporter receive`` as a process, and a socket that never answers."""

from __future__ import annotations

import json
import re
import socket
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from processes import WARM, Process, eventually, fetch
from records import read_record

from exporter.receiver.reception import Reception

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Receiver(Process):
    """``exporter receive``: its record, its counters and its faults, which can be changed while it runs."""

    def __init__(self, folder: Path, name: str, options: Sequence[str]) -> None:
        self.record = folder / f"{name}.jsonl"
        self.port = 0
        super().__init__(
            (WARM, "receive", "--port", "0", "--quiet", "--record", str(self.record), *options), folder, name
        )

    def listening(self) -> Self:
        """Return when it listens; learns its port."""

        def found() -> re.Match[str] | None:
            match = _ADDRESS.search(self.out.read_text() + self.log.read_text())
            if match is None:
                self.alive()
            return match

        self.port = int(eventually(f"{self.name} listens", found)[1])
        return self

    @property
    def base(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """An endpoint."""
        return f"{self.base}/profiles"

    @property
    def token_url(self) -> str:
        """Its token endpoint."""
        return f"{self.base}/token"

    def control(self, **change: object) -> None:
        """Change its faults, by the names of ``exporter.receiver.faults.FaultChange``."""
        request = urllib.request.Request(f"{self.base}/control", data=json.dumps(change).encode(), method="PUT")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def counters(self) -> dict[str, Any]:
        """What happened so far, by the names of ``exporter.receiver.server.Counters``."""
        status, body = fetch(f"{self.base}/control/counters")
        assert status == 200
        counters: dict[str, Any] = json.loads(body)
        return counters

    def delivered(self) -> int:
        """How many requests it answered with 2xx."""
        return int(self.counters()["accepted"])

    def received(self) -> list[Reception]:
        """Every request so far, as it recorded them; stops it first, so that the record is whole."""
        self.end()
        with self.record.open("rb") as lines:
            return list(read_record(lines))

    def end(self) -> None:
        """Stop it as a person would, so that it writes what it holds."""
        if self.exit_code is None:
            self.terminate()


class Mute:
    """Accepts every connection and never reads or answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """An endpoint."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/profiles"

    @property
    def connections(self) -> int:
        """How many it accepted so far."""
        return len(self._taken)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._taken.append(connection)

    def close(self) -> None:
        """Let go of the port and of every connection."""
        # Closing alone does not wake a thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._taken:
            connection.close()

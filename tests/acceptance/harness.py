"""A place of its own for one acceptance test: configuration, queue, state, and every process started in it."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from endpoints import Mute, Receiver
from events import ATTRIBUTES, SEGMENT, Sent
from processes import EXPORTER, PATIENCE_SECONDS, Daemon, Process

from exporter.queues.journal.settings import JournalSettings
from exporter.queues.port import Outgoing, Position


class SecretFile(str):
    """A path that the configuration names with ``!file``."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(SecretFile, lambda dumper, path: dumper.represent_scalar("!file", str(path)))


class Place:
    """A folder with a configuration; on leaving, every process started here is ended by its pid."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: dict[str, Any] = {
            "queue": {"kind": "journal", "path": str(folder / "queue.db")},
            "state": {"kind": "sqlite", "path": str(folder / "state.db")},
            "ops": {"host": "127.0.0.1", "port": 0},
            "destinations": [],
        }
        self._processes: list[Process] = []
        self._mutes: list[Mute] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            process.stop()
        for mute in self._mutes:
            mute.close()
        if error is not None:
            for process in self._processes[-4:]:
                error.add_note(f"--- {process.name}: {process.exit_code}\n{process.tail()}")

    @property
    def file(self) -> Path:
        """The configuration's file."""
        return self.folder / "exporter.yaml"

    def destination(self, name: str, endpoint: str, **more: Any) -> dict[str, Any]:
        """Add a destination that retries in fractions of a second; ``more`` wins over what stands here."""
        section: dict[str, Any] = {
            "name": name,
            "endpoint": endpoint,
            "segments": [SEGMENT],
            "attributes": list(ATTRIBUTES),
            **more,
        }
        section["delivery"] = {"timeout": 5, "retries": [0.1, 0.2], **more.get("delivery", {})}
        self.config["destinations"].append(section)
        return section

    def write(self) -> Path:
        """Write the configuration as it is now."""
        self.file.write_text(yaml.dump(self.config, Dumper=_Dumper, sort_keys=False), encoding="utf-8")
        return self.file

    def daemon(
        self,
        name: str = "daemon",
        argv: Sequence[str] = (*EXPORTER, "run"),
        environ: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> Daemon:
        """Start a daemon on the configuration as it was last written."""
        daemon = Daemon((*argv, "--config", str(self.file)), self.folder, self._unused(name), environ, before)
        self._processes.append(daemon)
        return daemon

    def receiver(self, *options: str, name: str = "receiver") -> Receiver:
        """Start ``exporter receive`` and wait until it listens."""
        receiver = Receiver(self.folder, self._unused(name), options)
        self._processes.append(receiver)
        return receiver.listening()

    def mute(self) -> Mute:
        """An endpoint that accepts connections and never answers."""
        mute = Mute()
        self._mutes.append(mute)
        return mute

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command on the same configuration, to its end."""
        return subprocess.run(
            [*EXPORTER, *words, "--config", str(self.file)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            cwd=self.folder,
            check=False,
        )

    def lines(self, *words: str) -> list[dict[str, Any]]:
        """The objects that a command prints, one a line. Raises AssertionError where it fails."""
        done = self.command(*words)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def dead_letters(self) -> list[dict[str, Any]]:
        """All of them, as the command lists them."""
        return self.lines("deadletters", "list", "--json")

    def send(self, events: Iterable[Sent | Mapping[str, Any]]) -> None:
        """Put events on the queue with ``exporter send``."""
        file = self.folder / "events.jsonl"
        documents = [event.document() if isinstance(event, Sent) else event for event in events]
        file.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
        done = self.command("send", str(file))
        assert done.returncode == 0, done.stderr

    def positions(self) -> dict[str, Position]:
        """Where every dataflow stands on the queue, by destination."""
        return {each.group.removeprefix("exporter."): each for each in asyncio.run(self._positions())}

    def settled(self, *destinations: str) -> bool:
        """Whether these dataflows have committed all that is on the queue."""
        positions = self.positions()
        return all(name in positions and positions[name].lag == 0 for name in destinations)

    async def _positions(self) -> Sequence[Position]:
        async with JournalSettings(**self.config["queue"]).open((), lambda _: None) as queue:
            return await queue.positions()

    def publish(self, bodies: Iterable[bytes | Sent]) -> None:
        """Put bytes on the queue as they are, as another program would."""
        outgoing = [
            Outgoing(body.profile, body.body) if isinstance(body, Sent) else Outgoing(None, body) for body in bodies
        ]
        asyncio.run(self._publish(outgoing))

    async def _publish(self, outgoing: list[Outgoing]) -> None:
        async with JournalSettings(**self.config["queue"]).open((), lambda _: None) as queue:
            for start in range(0, len(outgoing), 1000):
                await queue.publish(outgoing[start : start + 1000])

    def _unused(self, name: str) -> str:
        taken = {process.name for process in self._processes}
        names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
        return next(each for each in names if each not in taken)

"""A place of its own for one acceptance test: configuration, queue, state, and every process started in it.

A journal and one daemon, which is all that most tests need::

    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        source = Source(profiles=50)
        place.publish(source.make(1_000))
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.terminate() == 0
        assert judged("crm", source.made, receiver.received(), place.dead_letters()).sound

Any other kind of queue is its section of the configuration; ``brokers.py`` starts real servers and gives such sections,
each of a stream or topic that nobody used before: ``Place(tmp_path, broker.section())``. ``publish``, ``positions``,
``lag`` and ``settled`` then speak to that queue through the exporter's own port, and wait while it is away.

Several daemons on one place: each takes a free port for its operations, and whatever top-level sections are its own
stand in a configuration file of its own::

    first = place.daemon("first", own={"state": place.state("first")})
    second = place.daemon("second", own={"state": place.state("second"), "queue": {**section, "instance_id": "second"}})
    letters = place.dead_letters(first, second)
    place.command("status", config=second.config)
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asking
import yaml
from endpoints import Mute, Receiver
from events import ATTRIBUTES, SEGMENT, Sent
from processes import PATIENCE_SECONDS, WARM, Daemon, Process
from warm_command import warm_command

from exporter.queues.port import Outgoing, Position


class SecretFile(str):
    """A path that the configuration names with ``!file``."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(SecretFile, lambda dumper, path: dumper.represent_scalar("!file", str(path)))


class Place:
    """A folder with a configuration; on leaving, every process started here is ended by its pid.

    ``queue`` is the section of that name; without it there is a journal in the folder.
    """

    def __init__(self, folder: Path, queue: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        self.config: dict[str, Any] = {
            "queue": {"kind": "journal", "path": str(folder / "queue.db")} if queue is None else dict(queue),
            "state": self.state("state"),
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

    def state(self, name: str) -> dict[str, Any]:
        """A section ``state``: a file in this folder."""
        return {"kind": "sqlite", "path": str(self.folder / f"{name}.db")}

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
        return _written(self.file, self.config)

    def daemon(
        self,
        name: str = "daemon",
        argv: Sequence[str] = (WARM, "run"),
        environ: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
        own: Mapping[str, Any] | None = None,
    ) -> Daemon:
        """Start a daemon on the configuration as it was last written.

        ``own`` are top-level sections of this one alone: its configuration is the place's as it is now, with these
        in it, in a file of its own.
        """
        name = self._unused(name)
        config = self.file if own is None else _written(self.folder / f"{name}.yaml", {**self.config, **own})
        daemon = Daemon((*argv, "--config", str(config)), self.folder, name, environ, before)
        daemon.config = config
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

    def command(self, *words: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run another command on the same configuration, or on that of one daemon, to its end."""
        return subprocess.run(
            [*warm_command(), *words, "--config", str(config or self.file)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            cwd=self.folder,
            check=False,
        )

    def lines(self, *words: str, config: Path | None = None) -> list[dict[str, Any]]:
        """The objects that a command prints, one a line. Raises AssertionError where it fails."""
        done = self.command(*words, config=config)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def dead_letters(self, *daemons: Daemon) -> list[dict[str, Any]]:
        """All of them, as the command lists them: from the place's store, or from those of these daemons."""
        configs = [daemon.config for daemon in daemons] or [self.file]
        return [letter for config in configs for letter in self.lines("deadletters", "list", "--json", config=config)]

    def send(self, events: Iterable[Sent | Mapping[str, Any]]) -> None:
        """Put events on the queue with ``exporter send``."""
        file = self.folder / "events.jsonl"
        documents = [event.document() if isinstance(event, Sent) else event for event in events]
        file.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
        done = self.command("send", str(file))
        assert done.returncode == 0, done.stderr

    def positions(self) -> dict[str, list[Position]]:
        """Where every dataflow stands on the queue, by destination: one position for each lane."""
        found: dict[str, list[Position]] = {}
        for each in asking.positions(self.config["queue"]):
            found.setdefault(each.group.removeprefix("exporter."), []).append(each)
        return found

    def lag(self, destination: str) -> int | None:
        """How many events this dataflow has not committed, over all lanes; None where it has no position yet."""
        positions = self.positions().get(destination)
        return None if positions is None else sum(position.lag or 0 for position in positions)

    def settled(self, *destinations: str) -> bool:
        """Whether these dataflows have committed all that is on the queue."""
        positions = self.positions()
        return all(
            name in positions and all(position.lag == 0 for position in positions[name]) for name in destinations
        )

    def publish(self, bodies: Iterable[bytes | Sent]) -> None:
        """Put bytes on the queue as they are, as another program would.

        It waits for a queue that is away. What it was putting there just then may come to stand on it twice, in order.
        """
        outgoing = [
            Outgoing(body.profile, body.body) if isinstance(body, Sent) else Outgoing(None, body) for body in bodies
        ]
        asking.publish(self.config["queue"], outgoing)

    def _unused(self, name: str) -> str:
        taken = {process.name for process in self._processes}
        names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
        return next(each for each in names if each not in taken)


def _written(file: Path, config: Mapping[str, Any]) -> Path:
    file.write_text(yaml.dump(config, Dumper=_Dumper, sort_keys=False), encoding="utf-8")
    return file

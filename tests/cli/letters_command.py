"""Runs ``exporter deadletters`` and ``exporter status`` as processes over a configuration of their own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from warm_command import warm_command

from exporter.state.kinds import State, open_state
from exporter.state.letter import NewLetter
from exporter.state.sqlite.settings import SqliteSettings


def letter(position: int, **values: Any) -> NewLetter:
    """A rejected export of ``p-<position>`` for the destination ``crm``."""
    given: dict[str, Any] = {
        "group": "exporter.crm",
        "lane": "j",
        "position": position,
        "destination": "crm",
        "profile_id": f"p-{position}",
        "event_id": f"e-{position}",
        "body": json.dumps({"profileId": f"p-{position}", "profile": {"name": "Zoë"}}).encode(),
        "reason": "rejected",
        "detail": "the endpoint answered 422",
        "status": 422,
        "attempts": 1,
        "answer": b"bad\x1b[2J",
        "first_at": 1_700_000_000.0,
        "at": 1_700_000_000.0 + position,
    }
    return NewLetter(**{**given, **values})


class Place:
    """A folder with a configuration, whose state the test may fill."""

    def __init__(self, folder: Path, ops_port: int = 0) -> None:
        self.config = folder / "exporter.yaml"
        self.state = SqliteSettings(path=folder / "data" / "state.db")
        self.config.write_text(
            json.dumps(
                {
                    "queue": {"path": str(folder / "data" / "queue.db")},
                    "state": {"path": str(self.state.path)},
                    "ops": {"port": ops_port},
                    "destinations": [{"name": "crm", "endpoint": "http://127.0.0.1:1/"}],
                }
            )
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command with this configuration, without a terminal."""
        return subprocess.run(
            [*warm_command(), *arguments, "--config", str(self.config)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONUTF8": "1"},
            timeout=120,
        )

    def with_state(self, use: Callable[[State], Awaitable[None]]) -> None:
        """Let ``use`` work on the open state, as a daemon would."""

        async def opened() -> None:
            async with open_state(self.state) as state:
                await use(state)

        asyncio.run(opened())

    def put(self, *letters: NewLetter, delivered: tuple[tuple[str, str, int], ...] = ()) -> None:
        """Store letters of ``crm`` and whatever these deliveries supersede."""

        async def put(state: State) -> None:
            await state.letters.of("crm", "exporter.crm", 1 << 30).put(letters, delivered)

        self.with_state(put)

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """What ``list --json`` prints."""
        done = self.run("deadletters", "list", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

"""``exporter source reprocess`` as people and scripts run it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exporter.cli.commands import command_line
from exporter.daemon.serving.parts import GROUP
from exporter.queues.journal.queue import open_journal
from exporter.queues.port import Batch, Outgoing
from exporter.source.collection.wish import Wish, WishKind

WISHES = [Wish(WishKind.UNLINK, f"{at}:0:0", at, "key", "a").to_bytes() for at in (1_000, 1_700_000_000_000)]


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(command_line(["source"]), ["source", "reprocess", "--config", str(config), *words])


def written(folder: Path, intake: str) -> Path:
    config = folder / "exporter.yaml"
    config.write_text(f"state: {{path: state.db}}\nqueue: {{kind: journal, path: queue.db}}\nintake: {intake}\n")
    return config


async def _applied(path: Path) -> None:
    """Wishes that stand in the intake, and are applied."""
    async with open_journal(path, max_bytes=10**9, groups={GROUP}, warn=pytest.fail, retain_seconds=3600) as queue:
        await queue.publish([Outgoing(None, each) for each in WISHES])
        async with queue.subscribe(GROUP, "earliest") as subscription:
            batch = await subscription.receive(10)
            assert isinstance(batch, Batch)
            for message in batch.messages:
                subscription.settle(message)
            await subscription.commit()


def test_what_was_taken_since_stands_at_the_end_again(tmp_path: Path) -> None:
    config = written(tmp_path, "{kind: journal, path: intake.db, retain: 1h}")
    done = run(config, "--since", "2020-01-01T00:00:00Z", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"asked": 0, "older": 0, "unreadable": 0})
    assert not (tmp_path / "intake.db").exists(), "looking makes no intake"
    asyncio.run(_applied(tmp_path / "intake.db"))
    done = run(config, "--since", "2020-01-01T00:00:00Z", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"asked": 1, "older": 1, "unreadable": 0})
    done = run(config, "--since", "1970-01-01T00:00:00Z")
    assert (done.exit_code, done.stdout) == (0, "2 records of the intake will be applied anew\n")


@pytest.mark.parametrize(
    ("intake", "words", "code", "said"),
    [
        ("{kind: memory}", ("--since", "1h"), 1, "intake: only a journal can be reprocessed"),
        ("{kind: journal, path: intake.db}", ("--since", "yesterday"), 2, "yesterday"),
        ("{kind: journal, path: intake.db}", (), 2, "--since"),
        ("{kind: nothing}", ("--since", "1h"), 78, "intake"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, intake: str, words: tuple[str, ...], code: int, said: str) -> None:
    done = run(written(tmp_path, intake), *words)
    assert done.exit_code == code, done.output
    assert said in done.output

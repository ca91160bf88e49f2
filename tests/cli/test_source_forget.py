"""``exporter source forget`` on a store of profiles, as people and scripts run it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from exporter.cli.commands import command_line
from exporter.cli.source.forget import Forgetting, NoRoom
from exporter.queues.memory import open_memory
from exporter.source.processing.telling import Teller
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.records import Identity, Operation, Record

NOON = 1_700_000_000_000
CONFIG = """
state: {path: state.db}
queue: {kind: journal, path: queue.db}
intake: {kind: journal, path: intake.db}
profiles: {path: profiles.db}
schemas: [{id: s, groups: [person]}]
datasets: [{id: web, name: Website, schema: s}, {id: one, name: Same, schema: s}, {id: two, name: Same, schema: s}]
"""


def record(who: str, dataset: str, at: int, entity: dict[str, Any]) -> Record:
    identity = Identity("key", who)
    return Record(f"{NOON + at}:0:0", NOON + at, dataset, identity, (identity,), True, Operation.CREATE, entity)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "exporter.yaml").write_text(CONFIG)
    return tmp_path / "exporter.yaml"


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(command_line(["source"]), ["source", "forget", "--config", str(config), *words])


async def _filled(path: Path) -> None:
    async with open_sqlite(path, Rules()) as store:
        said = [
            ("a", "crm", 1, {"x": 1}),
            ("a", "web", 2, {"x": 2, "y": 2}),
            ("b", "web", 3, {"x": 3}),
            ("c", "crm", 4, {"x": 4}),
        ]
        await store.apply([record(*each) for each in said], 10**6)


async def _told(path: Path) -> list[dict[str, Any]]:
    async with open_sqlite(path, Rules()) as store:
        return [orjson.loads(each.body) for each in await store.told(4, 100, 10**6)]


@pytest.mark.parametrize("name", ["web", "Website"])
def test_what_a_dataset_has_said_is_taken_back_and_what_follows_is_told(config: Path, name: str) -> None:
    profiles = config.parent / "profiles.db"
    assert json.loads(run(config, name, "--yes", "--json").stdout) == {"dataset": "web", "changed": 0}
    assert not profiles.exists(), "looking makes no store"
    asyncio.run(_filled(profiles))
    done = run(config, name)
    assert done.exit_code == 2
    assert "give --yes" in done.output
    assert asyncio.run(_told(profiles)) == []
    done = run(config, name, "--yes", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"dataset": "web", "changed": 2})
    told = asyncio.run(_told(profiles))
    assert [each["changes"]["attributes"] for each in told] == [["x", "y"], ["x"]]
    assert told[0]["profile"]["x"] == 1
    assert run(config, name, "--yes").stdout == "0 profiles changed\n"
    assert len(asyncio.run(_told(profiles))) == 2


def test_a_name_that_several_have_is_refused(config: Path) -> None:
    done = run(config, "Same", "--yes")
    assert done.exit_code == 2
    assert "give an id" in done.output


def test_a_dataset_of_which_nobody_knows_is_told(config: Path) -> None:
    for filled in (False, True):
        if filled:
            asyncio.run(_filled(config.parent / "profiles.db"))
        done = run(config, "Websit", "--yes")
        assert done.exit_code == 1
        assert (
            "dataset Websit is not configured, and no profile has anything of it; did you mean Website?" in done.output
        )
    assert run(config, "crm", "--yes").exit_code == 0, "it need not be configured any more"


async def test_events_that_nobody_tells_stop_it(tmp_path: Path) -> None:
    await _filled(tmp_path / "profiles.db")
    async with open_sqlite(tmp_path / "profiles.db", Rules()) as store:
        with pytest.raises(NoRoom):
            await Forgetting("web", 10**6, 10, patience_seconds=0).run(store, lambda _: None)
        await store.delete_told(100)
        forgetting = Forgetting("web", 10**6, 10, patience_seconds=0)
        await forgetting.run(store, lambda _: None)
        assert forgetting.changed == 2


async def test_a_server_that_runs_meanwhile_tells_it(tmp_path: Path) -> None:
    await _filled(tmp_path / "profiles.db")
    async with (
        open_memory(max_bytes=10**9, groups={"g"}, warn=pytest.fail) as queue,
        open_sqlite(tmp_path / "profiles.db", Rules()) as serving,
        open_sqlite(tmp_path / "profiles.db", Rules()) as command,
    ):
        teller = Teller(serving, queue, lambda _: 0.01, lambda _: None, lambda _: None)
        telling = asyncio.create_task(teller.run())
        async with asyncio.timeout(30):
            while teller.told < 4:  # noqa: ASYNC110 (a plain value)
                await asyncio.sleep(0.01)
            await Forgetting("web", 10**6, 10**6).run(command, lambda _: None)
            while teller.told < 6:  # noqa: ASYNC110 (a plain value)
                await asyncio.sleep(0.01)
            # What is told is deleted a moment later.
            while (await serving.counts()).outbox_events:  # noqa: ASYNC110 (a plain value)
                await asyncio.sleep(0.01)
        telling.cancel()
        await asyncio.wait([telling])

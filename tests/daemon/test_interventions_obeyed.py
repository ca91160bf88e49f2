"""Pause, resume and probe by hand through a process, as its ops port takes them (contract.md#by-hand)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from exporter.daemon.interventions import ByHand, follow, held_back
from exporter.daemon.ops.actions import Done, NotDone
from exporter.settings.tree import Settings
from exporter.state.interventions import Intervention, Interventions, OperatorPause
from exporter.state.kinds import State, open_state
from exporter.state.letter import Filter
from exporter.state.port import StateUnavailable
from exporter.state.sqlite.settings import SqliteSettings

SETTINGS = Settings.model_validate(
    {"destinations": [{"name": name, "endpoint": "http://127.0.0.1:9/"} for name in ("crm", "web")]}
)
GROUP = "exporter.crm"


class Process:
    """What runs in a process: what it was told to obey, and for which reasons its destinations are paused."""

    def __init__(self) -> None:
        self.obeyed: list[Mapping[str, Intervention]] = []
        self.paused: dict[str, frozenset[str]] = {"crm": frozenset()}


@asynccontextmanager
async def acting(folder: Path, process: Process) -> AsyncIterator[tuple[ByHand, Interventions]]:
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:

        @asynccontextmanager
        async def opened() -> AsyncIterator[State]:
            yield state

        acts = ByHand(lambda: SETTINGS, opened, lambda: 7.0, "alice", process.obeyed.append, process.paused.get)
        yield acts, state.interventions


async def test_a_pause_is_obeyed_at_once_and_says_who_and_why(tmp_path: Path) -> None:
    process = Process()
    async with acting(tmp_path, process) as (acts, interventions):
        assert isinstance(await acts.pause("crm", "moving\x1b"), Done)
        pause = OperatorPause(7.0, "alice", "moving\\x1b")
        assert await interventions.all() == process.obeyed[-1] == {GROUP: Intervention(pause)}
        again = await acts.pause("crm", "")
        assert isinstance(again, Done)
        assert "already" in again.detail
        assert "moving" in again.detail
        assert await interventions.all() == {GROUP: Intervention(pause)}, "no note is no new note"
        noted = await acts.pause("crm", "still moving")
        assert isinstance(noted, Done)
        assert noted.detail.startswith(
            "crm is paused since 1970-01-01 00:00:07 UTC by alice: still moving "
            "(it was already, since 1970-01-01 00:00:07 UTC by alice: moving\\x1b): "
        )
        assert (await interventions.all())[GROUP].pause == OperatorPause(7.0, "alice", "still moving")
        process.paused["crm"] = frozenset({"operator", "unreachable"})
        resumed = await acts.resume("crm")
        assert isinstance(resumed, Done)
        assert "(unreachable goes on by itself)" in resumed.detail
        assert process.obeyed[-1] == {GROUP: Intervention()}
        unneeded = await acts.resume("crm")
        assert isinstance(unneeded, Done)
        assert "was not paused" in unneeded.detail


async def test_a_probe_says_what_there_is_to_probe(tmp_path: Path) -> None:
    process = Process()
    async with acting(tmp_path, process) as (acts, interventions):
        assert await acts.probe("crm") == Done(
            "crm is running and not paused: there is nothing to probe, and nothing was sent for it"
        )
        process.paused["crm"] = frozenset({"failing"})
        assert await acts.probe("crm") == Done("crm is probed now, paused (failing)")
        assert process.obeyed[-1] == {GROUP: Intervention(None, 2)}
        elsewhere = await acts.probe("web")
        assert isinstance(elsewhere, Done)
        assert "every process that runs web" in elsewhere.detail
        await acts.pause("crm", "")
        refused = await acts.probe("crm")
        assert isinstance(refused, NotDone)
        assert refused.reason == "not_now"
        assert (await interventions.all())[GROUP].probes == 2


async def test_a_name_that_is_none_and_a_state_that_is_away(tmp_path: Path) -> None:
    async with acting(tmp_path, Process()) as (acts, interventions):
        unknown = await acts.pause("crmm\n", "")
        assert unknown == NotDone("unknown", "no destination is called crmm\\n; did you mean crm?")
        assert await interventions.all() == {}

    @asynccontextmanager
    async def away() -> AsyncIterator[State]:
        raise StateUnavailable("it is gone")
        yield

    acts = ByHand(lambda: SETTINGS, away, lambda: 7.0, "alice")
    by_hand = (await acts.pause("crm", ""), await acts.resume("crm"), await acts.probe("crm"))
    for result in (*by_hand, await acts.replay(Filter(), superseded=False)):
        assert result == NotDone("unavailable", "the state cannot be used now: it is gone")


async def test_what_was_asked_last_stands_while_the_state_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.daemon.interventions.LOOK_SECONDS", 0.001)
    asked = {GROUP: Intervention(OperatorPause(7.0, "", ""))}
    answers = [asked, None, None, asked]
    obeyed: list[Mapping[str, Intervention]] = []

    class Asked:
        async def all(self) -> Mapping[str, Intervention]:
            if not answers:
                await asyncio.Event().wait()
            if (answer := answers.pop(0)) is None:
                raise StateUnavailable("for a while")
            return answer

    following = asyncio.ensure_future(follow(cast(Interventions, Asked()), obeyed.append))
    async with asyncio.timeout(60):
        while len(obeyed) < 2:  # noqa: ASYNC110 - two looks, with two that fail between
            await asyncio.sleep(0.001)
    following.cancel()
    assert obeyed == [asked, asked]


@pytest.mark.parametrize("kind", ["journal", "redis", "kafka", "nats", "memory"])
def test_every_kind_of_queue_says_what_becomes_of_what_waits(kind: str) -> None:
    assert held_back(kind, 0) is None
    one, many, unknown = held_back(kind, 1), held_back(kind, 1200), held_back(kind, None)
    assert one is not None
    assert many is not None
    assert unknown is not None
    assert "1 event " in one
    assert "1,200 events" in many
    assert "what it has not read" in unknown

"""What is said of stores as ``exporter serve`` opens them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from exporter.daemon.serving.parts import key_settled, open_parts
from exporter.daemon.serving.refusals import StoresDoNotFit
from exporter.queues.journal.queue import JournalQueue
from exporter.queues.port import QueueUnavailable
from exporter.settings.loading.load import Loaded, load
from exporter.source.profiles.sqlite import store
from exporter.state.kinds import open_state
from exporter.state.sqlite.settings import SqliteSettings
from exporter.telemetry.logs import configure


async def test_profiles_that_others_may_read_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_to_all(path: Path) -> Iterator[str]:
        yield f"{path.name} is open to everybody"

    monkeypatch.setattr(store, "kept_private", open_to_all)
    stream = io.StringIO()
    file = tmp_path / "config" / "exporter.yaml"
    file.parent.mkdir()
    file.write_text("{}")
    loaded = load(file, {})
    assert isinstance(loaded, Loaded)
    async with AsyncExitStack() as stack:
        await open_parts(stack, loaded, lambda _: None, configure(stream, tty=False))
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["detail"] for line in lines if line["event"] == "profiles"] == ["profiles.db is open to everybody"]


async def test_a_key_that_is_none_refuses_the_start_and_is_not_shown(tmp_path: Path) -> None:
    async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
        await state.made_ids.settled({"ims/key": "half a key"})
        with pytest.raises(StoresDoNotFit, match=r"^state: the key that signs tokens is none: put back a copy of it$"):
            await key_settled(state)


async def test_an_intake_that_cannot_be_read_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, subscribe = asyncio.Event(), JournalQueue.subscribe

    @asynccontextmanager
    async def fails_once(queue: JournalQueue, *words: Any) -> AsyncIterator[Any]:
        if not failed.is_set():
            failed.set()
            raise QueueUnavailable("the disk is full")
        async with subscribe(queue, *words) as subscription:
            yield subscription

    monkeypatch.setattr(JournalQueue, "subscribe", fails_once)
    file = tmp_path / "config" / "exporter.yaml"
    file.parent.mkdir()
    file.write_text("{}")
    loaded = load(file, {})
    assert isinstance(loaded, Loaded)
    waits: list[str] = []
    async with AsyncExitStack() as stack:
        await open_parts(stack, loaded, waits.append, configure(io.StringIO(), tty=False))
    assert "opening the intake, as a standby where another process reads it" in waits
    assert "the intake cannot be reached: the disk is full" in waits

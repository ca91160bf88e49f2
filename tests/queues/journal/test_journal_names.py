"""One journal by several names has one reader all the same."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from contract import events, numbers, soon, take

from exporter.database import DatabaseRefused
from exporter.queues.journal.queue import JournalQueue, open_journal
from exporter.queues.port import GroupInUse


def journal(path: Path) -> AbstractAsyncContextManager[JournalQueue]:
    return open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder / "queue.db"


def link_to_file(path: Path) -> Path:
    link = path.parent.with_name("link.db")
    link.symlink_to(path)
    return link


def link_beside(path: Path) -> Path:
    link = path.with_name("link.db")
    link.symlink_to(path.name)
    return link


def link_to_link(path: Path) -> Path:
    link = path.with_name("second.db")
    link.symlink_to(link_to_file(path))
    return link


def link_to_folder(path: Path) -> Path:
    link = path.parent.with_name("link")
    link.symlink_to(path.parent)
    return link / path.name


def relative(path: Path) -> Path:
    return Path(os.path.relpath(path))


def roundabout(path: Path) -> Path:
    return path.parent / ".." / path.parent.name / path.name


@pytest.mark.parametrize("other_name", [link_to_file, link_beside, link_to_link, link_to_folder, relative, roundabout])
async def test_another_name_of_the_file_is_the_same_journal(path: Path, other_name: Callable[[Path], Path]) -> None:
    other = other_name(path)
    async with journal(path) as queue, journal(other) as same:
        await queue.publish(events(2))
        entered = asyncio.Event()

        async def standby() -> list[int]:
            async with same.subscribe("g", "earliest") as subscription:
                entered.set()
                return numbers(await take(subscription, 1))

        async with asyncio.TaskGroup() as tasks:
            async with queue.subscribe("g", "earliest") as subscription:
                waiting = tasks.create_task(standby())
                await asyncio.sleep(0.6)
                assert not entered.is_set()
                with pytest.raises(GroupInUse):
                    await same.seek("g", "earliest")
                [place] = await same.positions()
                assert place.reader
                [message] = await take(subscription, 1)
                subscription.settle(message)
                await soon(subscription.commit())
            assert await soon(waiting) == [1]


async def test_a_link_that_leads_nowhere_yet_makes_the_file_there(path: Path) -> None:
    async with journal(link_to_file(path)) as queue:
        await queue.publish(events(1))
    async with journal(path) as queue, queue.subscribe("g", "earliest") as subscription:
        assert numbers(await take(subscription, 1)) == [0]


async def test_a_hard_link_is_refused(path: Path) -> None:
    async with journal(path):
        pass
    path.with_name("other.db").hardlink_to(path)
    for name in ("queue.db", "other.db"):
        with pytest.raises(DatabaseRefused, match="hard links"):
            async with journal(path.with_name(name)):
                pass

"""A process that applies records is killed, again and again: none is applied twice or skipped, told twice or lost."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import orjson
from applying_process import NOON, numbered
from profile_model import Model, leaves_of, statuses_of

from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.records import Identity

PROGRAM = Path(__file__).with_name("applying_process.py")
KILLS = 12


async def test_mark_profiles_counters_and_outbox_agree_after_every_kill(tmp_path: Path) -> None:
    path = tmp_path / "profiles.db"
    chance = random.Random(4)
    model = Model()
    applied = 0
    for _ in range(KILLS):
        promised = await _killed(path, chance.randint(1, 60))
        async with open_sqlite(path, Rules()) as store:
            mark = (await store.marks("intake"))["0"]
            assert mark >= promised
            assert mark > applied
            for number in range(applied + 1, mark + 1):
                model.apply(numbered(number))
            applied = mark
            assert await store.counters() == {"applied": mark}
            told = await store.told(0, 1_000_000, 1 << 30)
            # Each record makes one event, so the event of a record has its number.
            assert [each.number for each in told] == list(range(mark - len(told) + 1, mark + 1))
            assert [orjson.loads(each.body)["id"] for each in told] == [str(each.number) for each in told]
            last = {each.profile_id: orjson.loads(each.body)["profile"] for each in told}
            counts = await store.counts()
            assert counts.profiles == len(model.people)
            for person in model.people:
                found = await store.profile(Identity(*next(iter(person.identities))), NOON)
                assert found is not None
                assert leaves_of(dict(found.entity)) == person.view()
                assert statuses_of(dict(found.entity)) == person.segments()
                assert found.profile_id not in last or last[found.profile_id] == found.entity


async def _killed(path: Path, batches: int) -> int:
    """Let a process apply so many batches or a few more, and kill it; return the last mark that it said."""
    process = await asyncio.create_subprocess_exec(sys.executable, PROGRAM, path, stdout=PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        for _ in range(batches + 1):
            said = await process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        await process.wait()
        rest = (await process.stdout.read()).split()
    return int(rest[-1] if rest else said)

"""Bad records outlive kills and full disks: what was said to be kept is there, and nothing is half kept."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from bad_records_made import bad, name, refused, size, there
from redis_server import needs_redis, running

from exporter.state.bad_record import BadRecordFilter
from exporter.state.bad_records import BadRecords
from exporter.state.kinds import open_state
from exporter.state.letter import Outcome, Stored, Unavailable
from exporter.state.port import Totals
from exporter.state.redis.settings import RedisStateSettings
from exporter.state.sqlite.settings import SqliteSettings

HERE = Path(__file__).parent


async def test_what_was_kept_survives_a_kill_and_what_was_applied_stays_away(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    said: list[str] = []
    first = 0
    for _ in range(3):
        said += await asyncio.to_thread(_lines_until_killed, path, first, 150)
        first = 1 + max(int(line.split()[1]) for line in said)
    kept, applying, applied, refusals = (
        {int(line.split()[1]) for line in said if line.startswith(f"{what} ")}
        for what in ("kept", "applying", "applied", "refused")
    )
    assert len(kept) > 100, "the kills came while much was being kept"
    async with open_state(SqliteSettings(path=path)) as state:
        page = await state.bad_records.page(BadRecordFilter(), limit=10_000)
        found = {int(each.name.rpartition(":")[2]) for each in page}
        assert len(page) == len(found), "each once"
        assert found >= kept - applying
        assert not found & applied
        assert found >= {-number - 1 for number in refusals}
        sizes = {"xdm": Totals(), "batch_message": Totals()}
        for summary in page:
            number = int(summary.name.rpartition(":")[2])
            whole = await state.bad_records.record(summary.name)
            assert whole is not None
            expected = refused(number) if number < 0 else bad(number, message=b"x" * (number % 9000))
            assert whole.message == expected.message
            before = sizes[summary.reason]
            sizes[summary.reason] = Totals(before.letters + 1, before.bytes + size(expected))
        assert await state.bad_records.totals() == sizes


def _lines_until_killed(path: Path, first: int, many: int) -> list[str]:
    """What the process said, up to some lines more than ``many``."""
    command = [sys.executable, str(HERE / "keeping_until_killed.py"), str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while len(lines) < many and (line := process.stdout.readline()):
            lines.append(line)
        process.kill()
        lines += process.stdout.readlines()
    assert len(lines) >= many
    return [line for line in lines if line.endswith("\n")]


@needs_redis
async def test_what_was_kept_in_redis_survives_kills_under_load(tmp_path: Path) -> None:
    """A Redis that writes everything down before it answers; each record is kept until that is known to have worked."""
    kept: list[int] = []
    ended = asyncio.Event()

    async def keep(records: BadRecords) -> None:
        number = 0
        while not ended.is_set():
            outcome: Outcome = Unavailable("")
            while not isinstance(outcome, Stored):
                outcome = await records.keep([bad(number)], 1 << 30)
                await asyncio.sleep(0)
            kept.append(number)
            number += 1

    with running(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as server:
        settings = RedisStateSettings.model_validate({"kind": "redis", "url": server.url})
        async with open_state(settings) as state:
            async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
                tasks.create_task(keep(state.bad_records))
                for _ in range(3):
                    before = len(kept)
                    while len(kept) < before + 100:  # noqa: ASYNC110 - several things happen on the way
                        await asyncio.sleep(0.01)
                    await asyncio.to_thread(server.restart)
                ended.set()
            page = await state.bad_records.page(BadRecordFilter(), limit=10_000)
            assert [each.name for each in page] == [name(number) for number in kept], "each once"
            expected = Totals(len(kept), sum(size(bad(number)) for number in kept))
            assert await state.bad_records.totals() == {"xdm": expected}


async def test_a_disk_that_is_full_keeps_what_is_there(tmp_path: Path) -> None:
    """As ``ulimit -f``: needs no rights."""
    path = tmp_path / "state.db"
    script = HERE / "bad_records_filling_disk.py"
    command = [sys.executable, str(script), str(path), "330000"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["kept"] > 3
    assert "disk" in seen["reason"]
    assert seen["listed"] == [name(number) for number in range(seen["kept"])]
    assert seen["refused"] == "Unavailable"
    assert seen["after"] == "Stored"
    async with open_state(SqliteSettings(path=path)) as state:
        assert await state.bad_records.count(BadRecordFilter()) == seen["kept"] + 1
        assert there(await state.bad_records.totals())["xdm"].letters == seen["kept"] + 1

"""Keeps bad records in a process whose files may not grow past a limit.

Usage: bad_records_filling_disk.py PATH LIMIT_BYTES. Prints a JSON object of what was seen.
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sys
from pathlib import Path

from bad_records_made import bad, refused

from exporter.state.bad_record import BadRecordFilter
from exporter.state.kinds import open_state
from exporter.state.letter import Stored, Unavailable
from exporter.state.sqlite.settings import SqliteSettings


async def fill(path: Path, limit: int) -> dict[str, object]:
    async with open_state(SqliteSettings(path=path)) as state:
        records = state.bad_records
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        number = 0
        while isinstance(outcome := await records.keep([bad(number, message=b"x" * 20_000)], 1 << 30), Stored):
            number += 1
        assert isinstance(outcome, Unavailable)
        refusal = await records.remember_refused([refused(-1, message=b"x" * 20_000)])
        listed = [each.name for each in await records.page(BadRecordFilter(), limit=1000)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        after = type(await records.keep([bad(number)], 1 << 30)).__name__
        return {
            "kept": number,
            "reason": outcome.reason,
            "refused": type(refusal).__name__,
            "listed": listed,
            "after": after,
        }


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    print(json.dumps(asyncio.run(fill(Path(sys.argv[1]), int(sys.argv[2])))))

"""Runs in a process whose files may not grow past a limit: what a full disk does to the store, and what comes after.

Usage: filling_disk.py PATH LIMIT_BYTES. Prints a JSON object of what was seen.
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sys
from pathlib import Path

from letters_made import GROUP, letter

from exporter.database import Database
from exporter.state.dead_letters import DeadLetters
from exporter.state.letter import Stored, Unavailable
from exporter.state.sqlite.letter_store import SqliteLetterStore
from exporter.state.sqlite.schema import SCHEMA


async def fill(path: Path, limit: int) -> dict[str, object]:
    async with Database.open(path, SCHEMA) as database:
        store = DeadLetters(SqliteLetterStore(database))
        crm = store.of("crm", GROUP, 1 << 30)
        await crm.open()
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        stored, position = [], 0
        while isinstance(outcome := await crm.put([letter(position, body=b"x" * 20_000)]), Stored):
            stored.append(position)
            position += 1
        assert isinstance(outcome, Unavailable)
        # What there was no room for may have left room for less, also within what has been written already.
        full = max(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (full // 2, resource.RLIM_INFINITY))
        probed = [type(await crm.probe()).__name__]
        kept_while_full = await crm.kept("j", range(position + 1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        probed.append(type(await crm.probe()).__name__)
        after = type(await crm.put([letter(position)])).__name__
        return {
            "reason": outcome.reason,
            "stored": stored,
            "kept_while_full": sorted(kept_while_full),
            "probed": probed,
            "after": after,
            "count": crm.count(),
        }


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    print(json.dumps(asyncio.run(fill(Path(sys.argv[1]), int(sys.argv[2])))))

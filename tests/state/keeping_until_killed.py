"""Keeps bad records, replaces and applies some, and says of each when that is durable; until it is killed.

Usage: keeping_until_killed.py PATH FIRST. Prints ``kept N``, ``applied N`` or ``refused N``, a line each.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bad_records_made import bad, name, refused

from exporter.state.kinds import open_state
from exporter.state.letter import Stored
from exporter.state.sqlite.settings import SqliteSettings


async def keep(path: Path, number: int) -> None:
    async with open_state(SqliteSettings(path=path)) as state:
        records = state.bad_records
        await records.open()
        while True:
            assert await records.keep([bad(number, message=b"x" * (number % 9000))], 1 << 30) == Stored()
            print(f"kept {number}", flush=True)
            if number % 3 == 0:
                print(f"applying {number}", flush=True)
                assert await records.applied([name(number)]) == Stored()
                print(f"applied {number}", flush=True)
            if number % 5 == 0:
                assert await records.remember_refused([refused(-number - 1)]) == Stored()
                print(f"refused {number}", flush=True)
            number += 1


if __name__ == "__main__":
    asyncio.run(keep(Path(sys.argv[1]), int(sys.argv[2])))

"""A process that applies numbered records to a store, for tests: ``python applying_process.py PATH``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.steps import Outcome
from exporter.source.profiles.port import Mark
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.profiles.tally import Tally
from exporter.source.records import Identity, Membership, Operation, Record

NOON = 1_700_000_000_000
PEOPLE = 40


def who(number: int) -> str:
    return str(number * 7 % PEOPLE)


def said(number: int) -> dict[str, Any]:
    return {f"a{number % 5}": number, "filler": "x" * 500}


def numbered(number: int) -> Record:
    """The record at a position of the lane. Two profiles are joined now and then."""
    identities = [Identity("e", who(number), None, True)]
    if number % 50 == 49:
        identities.append(Identity("e", str((number * 7 + 1) % PEOPLE)))
    at = NOON + number
    status = "realized" if number % 2 else "exited"
    entry = (Membership("ups", "s", status, at, {"status": status}),)
    return Record(str(number), at, "crm", identities[0], tuple(identities), True, Operation.MERGE, said(number), entry)


def tally(outcomes: Sequence[Outcome]) -> Tally:
    return Tally({"applied": len(outcomes)})


async def main(path: Path) -> None:
    async with open_sqlite(path, Rules()) as store:
        mark = (await store.marks("intake")).get("0", 0)
        print(mark, flush=True)
        while True:
            to = mark + 1 + mark % 20
            batch = [numbered(number) for number in range(mark + 1, to + 1)]
            await store.apply(batch, 1 << 20, [Mark("intake", "0", mark, to)], tally)
            mark = to
            print(mark, flush=True)
            await store.delete_told(mark - 30)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

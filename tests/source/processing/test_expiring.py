"""What is kept for a time goes when that is over, and not before."""

from __future__ import annotations

import asyncio
from pathlib import Path

from exporter.source.processing.expiring import Expiring
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.profiles.tally import HOUR_MS, Part, Tally

NOW = 500_000 * HOUR_MS + 1


async def test_what_was_counted_is_kept_for_ninety_days(tmp_path: Path) -> None:
    hours = [NOW // HOUR_MS - 90 * 24 + at for at in (-700, -1, 0, 1)]
    parts = [Part(hour * HOUR_MS, "f", "d", "applied", 1, 1, 1, 1, 1, 1, 1, 1) for hour in hours]
    async with open_sqlite(tmp_path / "profiles.db", Rules()) as store:
        await store.apply([], 1, (), lambda _: Tally({}, parts))
        expiring = asyncio.create_task(Expiring(store, 0, lambda: NOW, lambda _: 0.0).run())
        async with asyncio.timeout(30):
            while len(left := await store.runs(0, None, 9)) > 1:  # noqa: ASYNC110 (a look at the store)
                await asyncio.sleep(0.01)
        expiring.cancel()
        assert [each.hour // HOUR_MS for each in left] == hours[-1:]

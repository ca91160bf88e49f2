"""What became of each flow's records in this hour and in 24 hours."""

from __future__ import annotations

from pathlib import Path

from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.profiles.tally import HOUR_MS, Part, Tally
from exporter.source.runs.lately import lately

NOW = 500_000 * HOUR_MS + 1


def part(hours_ago: int, flow: str, outcome: str, records: int) -> Part:
    at = NOW - 1 - hours_ago * HOUR_MS
    return Part(at, flow, "d", outcome, records, 1, at, at, 1, 1, 1, at)


async def test_of_each_flow_by_name(tmp_path: Path) -> None:
    parts = [
        *(part(ago, "1", "applied", 1) for ago in range(30)),
        *(part(0, "1", "xdm", 2), part(23, "1", "mapping", 3), part(24, "1", "bug", 100)),
        *(part(1, "2", "aside", 5), part(24, "3", "applied", 1), part(0, "", "applied", 1)),
    ]
    async with open_sqlite(tmp_path / "profiles.db", Rules()) as store:
        assert await lately(store, NOW, str) == []
        await store.apply([], 1, (), lambda _: Tally({}, parts))
        assert await lately(store, NOW, {"1": "web", "2": "crm"}.__getitem__) == [
            {
                "id": "2",
                "name": "crm",
                "hour": {"input": 0, "output": 0, "failed": 0},
                "day": {"input": 5, "output": 5, "failed": 0},
            },
            {
                "id": "1",
                "name": "web",
                "hour": {"input": 3, "output": 1, "failed": 2},
                "day": {"input": 29, "output": 24, "failed": 5},
            },
        ]

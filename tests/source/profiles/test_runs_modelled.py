"""Whatever records come to, and come again to: each is counted once, where it was last."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from contract_of_runs import count, counted, fate, part
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.profiles.tally import OUTPUT

OUTCOMES = st.sampled_from([*OUTPUT, "mapping", "xdm"])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), OUTCOMES), max_size=20))
def test_output_and_failed_are_the_records_and_where_each_was_last(moves: list[tuple[str, str]]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with open_sqlite(Path(folder) / "profiles.db", Rules()) as store:
                last: dict[str, str] = {}
                for name, outcome in moves:
                    now = fate(name, outcome)
                    if name in last:
                        await count(store, again=[now])
                    else:
                        await count(store, part(outcome), failed=[] if outcome in OUTPUT else [now])
                    last[name] = outcome
                    assert _told(await counted(store)) == _told(Counter(last.values()))

    asyncio.run(run())


def _told(counts: Counter[str]) -> Counter[str]:
    """Which of the outcomes that are output a record has is not followed once it is counted."""
    told: Counter[str] = Counter()
    for outcome, records in counts.items():
        told["output" if outcome in OUTPUT else outcome] += records
    return told

"""What happened to a profile is read by API as long as it is kept, and goes after its time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest

from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.entities import PATH, Entities
from exporter.source.control.request import Request
from exporter.source.processing.expiring import Expiring
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import ProfileStore
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.records import Identity, Operation, Record
from exporter.source.wishing import NotWished

NOON = 1_700_000_000_000
WHO = Identity("key", "a")


async def _unwished(*_: object) -> NotWished:
    return NotWished("nothing is wished here")


async def asked(
    store: ProfileStore, now: int, query: dict[str, str] | None = None, keep_ms: int = 1000
) -> tuple[int, Any]:
    entities = Entities(store, _unwished, frozenset(), "org", lambda: now, keep_ms)
    given = {"schema.name": "_xdm.context.experienceevent", "relatedEntityIdNS": "KEY", "relatedEntityId": "a"}
    answer = await entities.get(Request(RequestHead("GET", PATH), query=tuple({**given, **(query or {})}.items())))
    return answer.status, orjson.loads(answer.body)


async def test_what_happened_is_read_while_it_is_kept(tmp_path: Path) -> None:
    entities = [{"_id": f"v{at}", "timestamp": "2020-01-01T00:00:00Z"} for at in range(2)]
    records = [
        Record(f"{NOON}:0:{at}", NOON + at, "visits", WHO, (WHO,), True, Operation.CREATE, each, time_series=True)
        for at, each in enumerate(entities)
    ]
    async with open_sqlite(tmp_path / "profiles.db", Rules(keeps_time_series=True)) as store:
        await store.apply(records, 10**6)
        status, body = await asked(store, NOON + 5)
        assert (status, body["_page"]["count"]) == (200, 2)
        assert body["children"][0] == {
            "relatedEntityId": body["children"][1]["relatedEntityId"],
            "entityId": "v0",
            "sources": ["visits"],
            "timestamp": NOON,
            "entity": entities[0],
            "lastModifiedAt": "2023-11-14T22:13:20.000Z",
        }
        for now, query, ids in (
            (NOON + 5, {"limit": "1"}, ["v0"]),
            (NOON + 5, {"startTime": str(NOON + 1)}, ["v1"]),
            (NOON + 1001, {}, ["v1"]),
            (NOON + 5, {"relatedEntityId": "nobody"}, []),
        ):
            _, body = await asked(store, now, query)
            assert [each["entityId"] for each in body["children"]] == ids
        assert (await asked(store, NOON + 5, keep_ms=0))[1]["children"] == []
        for query in ({"limit": "0"}, {"limit": "x"}, {"relatedEntityId": ""}, {"startTime": "9" * 30}):
            assert (await asked(store, NOON + 5, query))[0] == 400

        for query in ({"start": "x"}, {"start": "1"}, {"start": "-1-0"}, {"start": f"{NOON}-9999999"}):
            assert (await asked(store, NOON + 5, query))[0] == 400

        expiring = asyncio.create_task(Expiring(store, 1000, lambda: NOON + 1001, lambda _: 0.01).run())
        async with asyncio.timeout(30):
            while len(await store.time_series(WHO, 0, NOON + 9, 9)) == 2:  # noqa: ASYNC110 (another task works)
                await asyncio.sleep(0.01)
        expiring.cancel()
        await asyncio.wait([expiring])
        assert [each.entity["_id"] for each in await store.time_series(WHO, 0, NOON + 9, 9)] == ["v1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_the_next_page_goes_on_where_one_ends(tmp_path: Path, limit: int) -> None:
    """Several records are of one millisecond, and more of it than a page has."""
    records = [
        Record(f"{NOON}:0:{n}", NOON + at, "v", WHO, (WHO,), True, Operation.CREATE, {"_id": f"v{n}"}, time_series=True)
        for n, at in enumerate((0, 1, 1, 1, 2, 3))
    ]
    async with open_sqlite(tmp_path / "profiles.db", Rules(keeps_time_series=True)) as store:
        await store.apply(records, 10**6)
        seen: list[str] = []
        query = {"limit": str(limit)}
        pages = 0
        while pages < 9:
            _, body = await asked(store, NOON + 5, query)
            pages += 1
            seen += [each["entityId"] for each in body["children"]]
            href = body["_links"]["next"]["href"]
            if not body["_page"]["next"]:
                break
            query = dict(parse_qsl(href.removeprefix(f"{PATH}?")))
            assert query["start"] == body["_page"]["next"]
        assert (seen, href) == ([f"v{n}" for n in range(6)], "")
        assert pages == -(-6 // limit)

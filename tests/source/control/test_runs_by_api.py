"""Runs and batches by API, over a real store: filtered, paged, read by id, and no more of them read than is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
import pytest

from exporter.source.collection.checks.request import RequestHead
from exporter.source.collection.taken import Form, TakenRecord
from exporter.source.control.catalog import batches as catalog
from exporter.source.control.catalog.batches import Batches
from exporter.source.control.gateway import Gateway
from exporter.source.control.plane import ControlPlane
from exporter.source.control.routes import Routes
from exporter.source.control.runs import PATH, Runs
from exporter.source.control.runs import routes_of as run_routes
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import ProfileStore, ProfilesUnavailable
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.profiles.tally import HOUR_MS, Part, Tally
from exporter.source.runs.batches import BatchReader
from exporter.source.runs.reading import RunReader
from exporter.state.bad_record import NewBadRecord
from exporter.state.bad_records import BadRecords
from exporter.state.sqlite.opening import open_sqlite as open_state

HOUR = 500_000 * HOUR_MS
HOURS = 30


def part(hour: int, flow: str, outcome: str = "applied", records: int = 1, dataset: str = "d") -> Part:
    at = HOUR + hour * HOUR_MS
    return Part(at, flow, dataset, outcome, records, records * 10, at, at + 1, 5, 1, 5, at + 9)


@dataclass
class Opened:
    """The control plane, and what it reads."""

    plane: ControlPlane
    store: ProfileStore
    records: BadRecords

    async def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> tuple[int, Any]:
        status, _, body = await self.raw(path, query)
        return status, orjson.loads(body)

    async def raw(self, path: str, query: Sequence[tuple[str, str]] = ()) -> tuple[int, Mapping[str, str], bytes]:
        async def no_body() -> bytes:
            return b""

        answer = await self.plane.answer(RequestHead("GET", path, urlencode(query)), no_body)
        return answer.status, dict(answer.headers), answer.body

    async def run_names(self, *properties: str, **query: str) -> str:
        """The page of a list of runs: hours and flows."""
        given = [*(("property", each) for each in properties), *query.items()]
        status, body = await self.get(PATH, given)
        assert status == 200, body
        return " ".join(f"{(each['createdAt'] - HOUR) // HOUR_MS}{each['flowId']}" for each in body["items"])


@asynccontextmanager
async def opened(folder: Path, *parts: Part) -> AsyncIterator[Opened]:
    async with open_sqlite(folder / "profiles.db", Rules()) as store, open_state(folder / "state.db") as state:
        await store.apply([], 1, (), lambda _: Tally({}, parts))
        reader = RunReader(store, lambda: HOUR + HOURS * HOUR_MS - 1, lambda flow: {"flowName": flow})
        batches = Batches(BatchReader(reader), state.bad_records, {"sandboxId": "s"})
        gateway = Gateway(None, (), (), ("prod",))
        routes = Routes((*run_routes(Runs(reader)), *catalog.routes_of(batches)))
        yield Opened(ControlPlane(gateway, routes), store, state.bad_records)


async def test_runs_are_listed_the_newest_first(tmp_path: Path) -> None:
    bad = [part(2, "f", "xdm"), part(3, "g", "xdm"), part(3, "g", "mapping")]
    parts = [*(part(hour, flow) for hour in range(4) for flow in "fg" if (hour, flow) != (3, "g")), *bad]
    async with opened(tmp_path, *parts, part(1, ""), part(29, "f")) as there:
        assert await there.run_names() == "29f 3g 3f 2g 2f 1g 1f 0g 0f"
        assert await there.run_names("flowId==f", limit="2") == "29f 3f"
        assert await there.run_names('flowId=="g"') == "3g 2g 1g 0g"
        assert await there.run_names("flowId==f,g", limit="3") == "29f 3g 3f"
        assert await there.run_names("flowId!=f") == "3g 2g 1g 0g"
        assert await there.run_names(f"metrics.durationSummary.startedAtUTC>{HOUR + 2 * HOUR_MS}") == "29f 3g 3f"
        assert await there.run_names(f"metrics.durationSummary.startedAtUTC>={HOUR + 3 * HOUR_MS}") == "29f 3g 3f"
        assert await there.run_names(f"metrics.durationSummary.startedAtUTC<{HOUR + HOUR_MS}") == "0g 0f"
        assert await there.run_names("metrics.statusSummary.status==Failed") == "3g"
        assert await there.run_names("metrics.statusSummary.status==failed,partialSuccess") == "3g 2f"
        assert await there.run_names("metrics.statusSummary.status==partialSuccess") == "2f"
        assert await there.run_names("metrics.statusSummary.status==processing") == "29f"
        assert await there.run_names("flowId==f", orderby="createdAt") == "0f 1f 2f 3f 29f"
        assert await there.run_names("flowId==f", orderby="-createdAt", limit="1") == "29f"
        assert await there.run_names("flowId==nobody") == ""
        assert await there.get(PATH, [("count", "True"), ("property", "flowId==f")]) == (200, {"count": 5})
        for query, code in ((("limit", "0"), "1400-400"), (("property", "flowId~f"), "1440-400")):
            assert (await there.get(PATH, [query]))[1]["errorCode"] == code


async def test_all_pages_have_all_runs_and_no_page_reads_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.source.runs.reading._PAGE", 5)
    async with opened(tmp_path, *(part(hour, "f") for hour in range(HOURS))) as there:
        reads, runs = [0], type(there.store).runs

        async def counted(*words: Any, **named: Any) -> Sequence[Part]:
            reads[0] += 1
            return await runs(*words, **named)

        monkeypatch.setattr(type(there.store), "runs", counted)
        seen: list[int] = []
        href = f"{PATH}?limit=4"
        while href:
            path, _, query = href.partition("?")
            status, body = await there.get(path, parse_qsl(query))
            assert status == 200
            seen += [(each["createdAt"] - HOUR) // HOUR_MS for each in body["items"]]
            if len(seen) == 4:
                assert reads == [1]
            following = body["_links"].get("next")
            href = f"/data/foundation/flowservice{following['href']}" if following else ""
        assert seen == list(range(HOURS))[::-1]


async def test_too_many_runs_are_not_put_in_another_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.source.control.runs._MOST_ORDERED", 5)
    async with opened(tmp_path, *(part(hour, "f") for hour in range(6))) as there:
        status, body = await there.get(PATH, [("orderby", "createdAt")])
        assert (status, body["errorCode"]) == (400, "1432-400")
        since = f"metrics.durationSummary.startedAtUTC>{HOUR}"
        assert await there.run_names(since, orderby="createdAt") == "1f 2f 3f 4f 5f"


async def test_a_run_is_read_by_its_id(tmp_path: Path) -> None:
    async with opened(tmp_path, part(0, "f"), part(0, "g"), part(0, ""), part(1, "f")) as there:
        [*_, oldest] = (await there.get(PATH))[1]["items"]
        assert (oldest["flowId"], oldest["flowName"]) == ("f", "f")
        assert await there.get(f"{PATH}/{oldest['id']}/") == (200, {"items": [oldest]})
        for name in (oldest["activities"][0]["id"], "nobody", "0" * 32):
            assert (await there.get(f"{PATH}/{name}"))[0] == 404


async def test_batches_are_those_in_which_records_failed(tmp_path: Path) -> None:
    bad = [part(hour, "f", "xdm", 2) for hour in range(1, 9)] + [part(4, "", "dataset"), part(4, "f", "xdm", 1, "e")]
    async with opened(tmp_path, *(part(hour, "f") for hour in range(10)), part(9, "f", "aside"), *bad) as there:

        async def listed(**query: str) -> list[tuple[int, str, int]]:
            status, body = await there.get(catalog.CATALOG, list(query.items()))
            assert status == 200
            for name, each in body.items():
                assert await there.get(f"{catalog.CATALOG}/{name}") == (200, {name: each})
            return [
                (
                    (each["created"] - HOUR) // HOUR_MS,
                    each["relatedObjects"][0]["id"],
                    each["metrics"]["failedRecordCount"],
                )
                for each in body.values()
            ]

        everything = await listed(limit="100", status="failed", orderBy="desc:created")
        assert sorted(everything) == sorted([(4, "d", 1), (4, "e", 1), *((hour, "d", 2) for hour in range(1, 9))])
        assert [hour for hour, *_ in everything] == [8, 7, 6, 5, 4, 4, 4, 3, 2, 1]
        assert await listed(limit="3") + await listed(limit="3", start="3") == everything[:6]
        assert await listed(limit="3", start="9") == everything[9:]
        assert await listed(limit="3", start="20") == []
        assert await listed(limit="2", orderBy="asc:created") == everything[::-1][:2]
        assert await listed(status="success") == []
        assert await listed(dataSet="e") == [(4, "e", 1)]
        assert await listed(createdAfter=str(HOUR + 6 * HOUR_MS)) == everything[:2]
        assert await listed(createdBefore=str(HOUR + 4 * HOUR_MS), limit="2") == [(3, "d", 2), (2, "d", 2)]

        async def last(**query: str) -> list[tuple[int, str]]:
            status, body = await there.get(catalog.LAST, list(query.items()))
            assert status == 200
            return [(each["created"], each["relatedObjects"][0]["id"]) for each in body.values()]

        assert await last() == [(HOUR + 8 * HOUR_MS, "d"), (HOUR + 4 * HOUR_MS, "e")]
        assert await last(limit="1") == [(HOUR + 8 * HOUR_MS, "d")]
        assert await last(limit="20", dataSetId="e") == [(HOUR + 4 * HOUR_MS, "e")]
        assert await last(dataSetId="lost") == []
        assert (await there.get(catalog.LAST, [("limit", "0")]))[0] == 400
        for query in ({"limit": "101"}, {"start": "-1"}, {"orderBy": "asc:name"}, {"createdAfter": "yesterday"}):
            assert (await there.get(catalog.CATALOG, list(query.items())))[0] == 400
        [run] = (await there.get(PATH, [("limit", "1")]))[1]["items"]
        for name in (run["id"].replace("-", ""), "nobody"):
            assert (await there.get(f"{catalog.CATALOG}/{name}"))[0] == 404
            assert (await there.get(f"{catalog.EXPORT}/{name}/failed"))[0] == 404


async def test_the_records_that_failed_are_read_file_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.source.runs.failed_records.FILE_RECORDS", 2)
    bodies = [b'{"n": %d}' % number for number in range(5)]
    letters = [
        NewBadRecord(
            name=f"n:{number}", inlet="", source="", flow="f", dataset="d", reason="xdm", detail="", taken=HOUR, kept=1,
            violations=b'[{"keyword":"type"}]',
            message=TakenRecord(f"n:{number}", HOUR, "", "f", "d", Form.RAW, body).to_bytes(),
        )
        for number, body in enumerate(bodies)
    ]  # fmt: skip
    async with opened(tmp_path, part(0, "f", "xdm", 5)) as there:
        await there.records.keep(letters, 1 << 20)
        [name] = (await there.get(catalog.CATALOG))[1]
        href = f"{catalog.EXPORT}/{name}/failed?limit=2"
        seen: list[bytes] = []
        while href:
            path, _, query = href.partition("?")
            status, body = await there.get(path, parse_qsl(query))
            assert (status, body["_page"]["limit"]) == (200, 2)
            for each in body["data"]:
                path, _, query = each["_links"]["self"]["href"].partition("?")
                status, headers, content = await there.raw(path, parse_qsl(query))
                assert (status, headers, len(content)) == (
                    200,
                    {"Content-Type": "application/x-ndjson"},
                    int(each["length"]),
                )
                seen += content.splitlines()
            href = body["_links"].get("next", {}).get("href", "")
        errors = b',"_errors":{"_streamingValidation":[{"keyword":"type"}]}}'
        assert seen == [body[:-1] + errors for body in bodies]
        status, body = await there.get(f"{catalog.EXPORT}/{name}/failed", [("path", "../state.db")])
        assert (status, body["errorCode"]) == (404, "1439-404")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/{'0' * 32}", catalog.CATALOG, f"{catalog.EXPORT}/{'0' * 32}/failed"])
async def test_a_store_that_is_away_is_no_fault_of_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def away(*_: object, **__: object) -> object:
        raise ProfilesUnavailable("the disk is full")

    async with opened(tmp_path) as there:
        monkeypatch.setattr(type(there.store), "runs", away)
        status, headers, body = await there.raw(path)
        assert (status, headers) == (503, {"Retry-After": "1"})
        assert b"the disk is full" in body

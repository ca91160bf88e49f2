"""Batches by API: those in which records failed, and the records that failed, as files of JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.catalog.shapes import BATCHES, FAILED_RECORDS
from exporter.source.control.request import Request
from exporter.source.control.routes import Reply, Route
from exporter.source.profiles.port import ProfilesUnavailable
from exporter.source.runs.batches import Batch, BatchReader
from exporter.source.runs.failed_records import FailedRecords
from exporter.state.bad_records import BadRecords
from exporter.state.port import StateUnavailable

CATALOG: Final = "/data/foundation/catalog/batches"
LAST: Final = "/data/foundation/catalog/lastBatches"
EXPORT: Final = "/data/foundation/export/batches"
#: As many batches as a page has, where the query says nothing, and at most; the same of files.
_BATCHES: Final = (20, 100)
_FILES: Final = (10, 100)
#: No page begins later.
_FARTHEST: Final = 1_000_000
#: Ids of letters and times have so many bits.
_LAST: Final = (1 << 63) - 1
#: The media type of JSON lines.
_LINES: Final = "application/x-ndjson"
_ORDERS: Final = ("desc:created", "asc:created")


@dataclass(frozen=True, slots=True)
class Batches:
    """The paths of batches.

    Attributes:
        batches: reads what was counted.
        records: the bad records of the state.
        common: what all objects say of whose they are.
    """

    batches: BatchReader
    records: BadRecords
    common: Mapping[str, Any]

    async def list_all(self, request: Request) -> Answer:
        """A page of batches. There are none but those in which records failed."""
        limit = request.number("limit", _BATCHES[0], 1, _BATCHES[1])
        if isinstance(limit, Answer):
            return limit
        start = request.number("start", 0, 0, _FARTHEST)
        if isinstance(start, Answer):
            return start
        after = request.number("createdAfter", 0, 0, _LAST - 1)
        if isinstance(after, Answer):
            return after
        before = request.number("createdBefore", _LAST, 0, _LAST)
        if isinstance(before, Answer):
            return before
        dataset = request.one("dataSet")
        order = request.one("orderBy", _ORDERS[0])
        if order not in _ORDERS:
            return failed(400, "1400-400", f"orderBy should be {' or '.join(_ORDERS)}")
        if request.one("status", "failed").lower() != "failed":
            return found({})
        end = start + limit if order == _ORDERS[0] else None
        listed: list[Batch] = []
        async with aclosing(self.batches.batches(after + 1)) as batches:
            async for batch in batches:
                if end is not None and len(listed) == end:
                    break
                if batch.hour < before and dataset in ("", batch.dataset):
                    listed.append(batch)
        ordered = listed if end is not None else listed[::-1]
        return found({each.id: each.document(self.common) for each in ordered[start : start + limit]})

    async def last_ones(self, request: Request) -> Answer:
        """The last batch of each dataset, or of the one that is asked for."""
        limit = request.number("limit", _BATCHES[0], 1, _BATCHES[1])
        if isinstance(limit, Answer):
            return limit
        dataset = request.one("dataSetId") or request.one("dataSet")
        last: dict[str, Batch] = {}
        async with aclosing(self.batches.batches()) as batches:
            async for batch in batches:
                if dataset in ("", batch.dataset):
                    last.setdefault(batch.dataset, batch)
                if len(last) == (1 if dataset else limit):
                    break
        return found({each.id: each.document(self.common) for each in last.values()})

    async def get(self, request: Request) -> Answer:
        """One batch."""
        batch = await self.batches.batch(request.ids["id"])
        return _no_batch() if batch is None else found({batch.id: batch.document(self.common)})

    async def failed_records(self, request: Request) -> Answer:
        """The files with the records of a batch that failed, or the lines of one of them."""
        batch = await self.batches.batch(request.ids["id"])
        if batch is None:
            return _no_batch()
        records = FailedRecords(self.records, batch.hour, batch.flow, batch.dataset)
        if path := request.one("path"):
            content = await records.content(path)
            if content is None:
                return failed(404, "1439-404", "The batch has no file of this name")
            return Answer(200, content, (("Content-Type", _LINES),))
        limit = request.number("limit", _FILES[0], 1, _FILES[1])
        if isinstance(limit, Answer):
            return limit
        start = request.number("start", 0, 0, _LAST)
        if isinstance(start, Answer):
            return start
        files = await records.files(start, limit)
        here = f"{EXPORT}/{batch.id}/failed"
        links: dict[str, Any] = {}
        if len(files) == limit:
            links = {"next": {"href": f"{here}?{urlencode({'start': files[-1].last, 'limit': limit})}"}}
        data = [
            {
                "name": each.name,
                "length": str(each.length),
                "_links": {"self": {"href": f"{here}?{urlencode({'path': each.name})}"}},
            }
            for each in files
        ]
        return found({"data": data, "_page": {"limit": limit, "count": len(data)}, "_links": links})


def routes_of(batches: Batches) -> Iterator[Route]:
    """The rows of the table."""
    query = {
        "limit": f"As many batches as a page has: {_BATCHES[1]} at most.",
        "start": "How many are passed over.",
        "status": "failed, since there are no others.",
        "dataSet": "The id of a dataset, if only its batches are meant.",
        "createdAfter": "Epoch milliseconds; only batches of later hours.",
        "createdBefore": "Epoch milliseconds; only batches of earlier hours.",
        "orderBy": " or ".join(_ORDERS),
    }
    yield Route(
        "GET",
        CATALOG,
        "listBatches",
        "List the batches in which records failed: one of each flow, dataset and hour.",
        _told(batches.list_all),
        answers={200: BATCHES},
        query=query,
    )
    yield Route(
        "GET",
        LAST,
        "listLastBatches",
        "List the last batch of each dataset in which records failed.",
        _told(batches.last_ones),
        answers={200: BATCHES},
        query={"limit": query["limit"], "dataSetId": query["dataSet"]},
    )
    summary, shown = "Read a batch in which records failed.", {200: BATCHES}
    yield Route("GET", f"{CATALOG}/{{id}}", "getBatch", summary, _told(batches.get), answers=shown)
    yield Route(
        "GET",
        f"{EXPORT}/{{id}}/failed",
        "getFailedRecords",
        "List the files with the records of a batch that failed, or read one as JSON lines.",
        _told(batches.failed_records),
        answers={200: FAILED_RECORDS},
        other_types=(_LINES,),
        query={
            "path": "The name of the file whose lines are wanted, as it is listed.",
            "limit": f"As many files as a page has: {_FILES[1]} at most.",
            "start": "Where the page begins, from the link to it.",
        },
    )


def _told(reply: Reply) -> Reply:
    """``reply``, and 503 where a store cannot be read now."""

    async def answer(request: Request) -> Answer:
        try:
            return await reply(request)
        except (ProfilesUnavailable, StateUnavailable) as error:
            details = f"The batches cannot be read now: {error.reason}"
            return failed(503, "1503-503", details, headers=(("Retry-After", "1"),))

    return answer


def _no_batch() -> Answer:
    return failed(404, "1439-404", "There is no batch of this id in which records failed")

"""Runs by API: what became of the records of each flow and hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.flow_service.shapes import RUN, many, one
from exporter.source.control.listing import QUERY, Listing, listing_of
from exporter.source.control.request import Request
from exporter.source.control.routes import Route
from exporter.source.profiles.port import ProfilesUnavailable
from exporter.source.runs.reading import RunReader, Which

PATH: Final = "/data/foundation/flowservice/runs"
#: More are put in another order only by who says which are meant.
_MOST_ORDERED: Final = 10_000
_FLOW: Final = ("flowId",)
_STARTED: Final = ("metrics", "durationSummary", "startedAtUTC")
_STATUS: Final = ("metrics", "statusSummary", "status")
#: The orders in which runs are read.
_READ: Final = (_STARTED, ("createdAt",))


@dataclass(frozen=True, slots=True)
class Runs:
    """The paths of runs."""

    reader: RunReader

    async def list_all(self, request: Request) -> Answer:
        """A page of runs, the newest first unless the query says otherwise."""
        listing = listing_of(request, RUN)
        if isinstance(listing, Answer):
            return listing
        try:
            return await self._listed(listing)
        except ProfilesUnavailable as error:
            return _away(error)

    async def get(self, request: Request) -> Answer:
        """One run."""
        name = request.ids["id"]
        try:
            document = await self.reader.document(name)
        except ProfilesUnavailable as error:
            return _away(error)
        if document is None:
            return failed(404, "1439-404", f"runs not found with id = [{name[:64]}]")
        return found({"items": [document]})

    async def _listed(self, listing: Listing) -> Answer:
        """The page, of which no more runs are read than the page needs, or than its order does."""
        as_read = all(each.descending and each.path in _READ for each in listing.orders)
        last = None if listing.after is None else listing.after[1]
        passed: list[Mapping[str, Any]] = []
        count, left = 0, listing.limit + 1
        async with aclosing(self.reader.documents(which_of(listing))) as documents:
            async for document in documents:
                if not all(each.lets(document) for each in listing.filters):
                    continue
                count += 1
                if listing.count:
                    continue
                passed.append(document)
                if as_read:
                    # One more than the page has says that there is another page.
                    left -= last is None
                    last = None if document["id"] == last else last
                    if not left:
                        break
                elif count > _MOST_ORDERED:
                    details = "There are too many runs to order them: filter them by flowId, or by when they started"
                    return failed(400, "1432-400", details)
        return found({"count": count}) if listing.count else listing.answer(passed, "/runs")


def which_of(listing: Listing) -> Which:
    """What bounds the reading of a list: all that pass its filters are among what is read."""
    which = Which()
    for each in listing.filters:
        value = each.values[0]
        if each.path == _FLOW and each.sign == "==" and "," not in value:
            which = Which(which.since, value.strip('"'), which.failed)
        elif each.path == _STARTED and each.sign in (">", ">=", "==") and value.isascii() and value.isdecimal():
            since = int(value) if len(value) < 19 else 0
            which = Which(max(which.since, since), which.flow, which.failed)
        elif each.path == _STATUS and each.sign == "==" and value.lower() in ("failed", "partialsuccess"):
            which = Which(which.since, which.flow, failed=True)
    return which


def routes_of(runs: Runs) -> Iterator[Route]:
    """The rows of the table."""
    summary = "List the runs, the newest first: one of each flow and hour in which records were taken."
    yield Route("GET", PATH, "listRuns", summary, runs.list_all, answers=many(RUN), query=QUERY)
    yield Route("GET", f"{PATH}/{{id}}", "getRun", "Read a run.", runs.get, answers=one(RUN))


def _away(error: ProfilesUnavailable) -> Answer:
    details = f"The runs cannot be read now: {error.reason}"
    return failed(503, "1503-503", details, headers=(("Retry-After", "1"),))

"""Lists of the control plane: filtered, ordered, counted, a page at a time."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.filtering import Filter, Step, filter_of, path_of, values_at
from exporter.source.control.ordering import sort_key, unknown_field
from exporter.source.control.request import Request
from exporter.source.control.shapes import Shape

_LIMIT: Final = 20
_MOST: Final = 100
_FOLLOWING: Final = "continuationToken"
_SHOWN: Final = 64
_FIELD: Final = re.compile(r"[\w$@][\w$@:.-]*")
#: As other services write it; here the sign stands before the name.
_WORDED: Final = re.compile(r"(?i)(.+[ :](asc|desc)|(asc|desc):.+)")

QUERY: Final[Mapping[str, str]] = {
    "property": "A filter, such as state==enabled; given several times, all have to hold.",
    "orderby": "Fields to order by, with commas between; a minus before one turns it round.",
    "limit": f"As many items as a page has at most: 1 to {_MOST}, {_LIMIT} if nothing is said.",
    _FOLLOWING: "Where the page begins, from the link to it.",
    "count": "true: say how many there are, and nothing else.",
}


@dataclass(frozen=True, slots=True)
class Order:
    """One field to order by."""

    path: tuple[Step, ...]
    descending: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What a request asks of a list.

    Attributes:
        filters: all of them have to let a document pass.
        orders: the first counts most.
        limit: as many items as the page has at most.
        after: how many items were shown before, and the id of the last of them; None: the first page.
        count: only how many there are.
        query: what the links to further pages repeat.
    """

    filters: tuple[Filter, ...]
    orders: tuple[Order, ...]
    limit: int
    after: tuple[int, str] | None
    count: bool
    query: tuple[tuple[str, str], ...]

    def answer(self, documents: Sequence[Mapping[str, Any]], path: str) -> Answer:
        """The page of ``documents``, which have an ``id``; ``path`` is the list's, relative to its service."""
        passed = documents
        if self.filters:
            passed = [each for each in passed if all(one.lets(each) for one in self.filters)]
        if self.count:
            return found({"count": len(passed)})
        for order in reversed(self.orders):
            key = partial(_sort_key, path=order.path)
            passed = sorted(passed, key=key, reverse=order.descending)
        begin = self._begin(passed)
        items = [passed[place] for place in range(begin, min(begin + self.limit, len(passed)))]
        links: dict[str, Any] = {}
        if begin + self.limit < len(passed):
            token = _token_of(begin + self.limit, str(items[-1].get("id", "")))
            # Clients take what stands between the first two signs of equality for the token.
            rest = f"&{urlencode(self.query)}" if self.query else ""
            links = {"next": {"href": f"{path}?{_FOLLOWING}={quote(token)}{rest}", "templated": False}}
        return found({"items": items, "_links": links})

    def _begin(self, ordered: Sequence[Mapping[str, Any]]) -> int:
        """Where the page begins: after the item that was shown last, wherever that stands now.

        Where that item is gone, its successors have moved up by one.
        """
        if self.after is None:
            return 0
        shown, last = self.after
        if 0 < shown <= len(ordered) and ordered[shown - 1].get("id") == last:
            return shown
        places = (place + 1 for place, each in enumerate(ordered) if each.get("id") == last)
        return next(places, max(shown - 1, 0))


def listing_of(request: Request, shape: Shape) -> Listing | Answer:
    """What a request asks of a list of what looks like ``shape``; 400 where that cannot be understood."""
    filters = []
    for text in request.all("property"):
        one = filter_of(text)
        if isinstance(one, Answer):
            return one
        filters.append(one)
    orders = _orders_of([each for text in request.all("orderby") for each in text.split(",")], shape)
    if isinstance(orders, Answer):
        return orders
    limit, count = request.number("limit", _LIMIT, 1, _MOST), request.flag("count")
    if isinstance(limit, Answer):
        return limit
    if isinstance(count, Answer):
        return count
    if count and any(request.all("limit")):
        details = "The limit and count parameters cannot be given together in the same request."
        return failed(400, "1401-400", details)
    after = _shown_before(request.one(_FOLLOWING))
    if isinstance(after, Answer):
        return after
    query = tuple((name, value) for name, value in request.query if name in QUERY and name != _FOLLOWING)
    return Listing(tuple(filters), orders, limit, after, count, query)


def listed(request: Request, documents: Sequence[Mapping[str, Any]], path: str, shape: Shape) -> Answer:
    """The page of ``documents``, which look like ``shape``, that a request asks for; or what is wrong with that."""
    listing = listing_of(request, shape)
    return listing if isinstance(listing, Answer) else listing.answer(documents, path)


def _orders_of(texts: Sequence[str], shape: Shape) -> tuple[Order, ...] | Answer:
    orders = []
    for text in texts:
        # A plus that nobody encoded is a blank by now.
        name = text.strip().removeprefix("+").strip()
        descending = name.startswith("-")
        name = name.removeprefix("-")
        path = path_of(name) if _FIELD.fullmatch(name) else None
        if _WORDED.fullmatch(name):
            details = "Sort order specified is not correct, prepend + for ascending order and - for descending order"
            return failed(400, "1432-400", details)
        if path is None:
            shown = name[:_SHOWN]
            details = f"Incorrect field= {shown} passed in orderBy, example are +name, -name, name."
            return failed(400, "1433-400", details)
        if (refusal := unknown_field(str(path[0]), shape)) is not None:
            return refusal
        orders.append(Order(path, descending))
    return tuple(orders)


def _sort_key(document: Mapping[str, Any], path: tuple[Step, ...]) -> tuple[int, Any]:
    return sort_key(next(values_at(document, path), None))


def _token_of(shown: int, last: str) -> str:
    """The token of the page after ``shown`` items, the last of which has the id ``last``; no ``=`` is in it."""
    return urlsafe_b64encode(f"{shown} {last}".encode()).decode().rstrip("=")


def _shown_before(token: str) -> tuple[int, str] | Answer | None:
    """What a token says; None where there is none."""
    # One client hands back the token with the name of the parameter after it.
    token = token.partition("&")[0]
    if not token:
        return None
    try:
        shown, blank, last = urlsafe_b64decode(f"{token}{'=' * (-len(token) % 4)}".encode()).decode().partition(" ")
    except ValueError:
        shown = blank = last = ""
    if not blank or not (shown.isascii() and shown.isdecimal() and len(shown) < 10):
        return failed(400, "1451-400", f"Invalid params {_FOLLOWING} provided in query params.")
    return int(shown), last

"""``GET mappingSets``: a page of the sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.data_prep.documents import Document
from exporter.source.control.data_prep.versions import latest
from exporter.source.control.filtering import Filter, filter_of
from exporter.source.control.objects.resource import Resource
from exporter.source.control.ordering import sort_key
from exporter.source.control.request import Request

_LIMIT: Final = 10
_MOST: Final = 1_000
_MOST_START: Final = 1_000_000_000
#: A page with more bytes ends early, and links to the rest.
_PAGE_BYTES: Final = 4 * 1024**2
#: What a list is ordered by, by the names that clients have for it.
_FIELDS: Final[Mapping[str, Callable[[Resource], Any]]] = {
    **dict.fromkeys(("lastUpdateDate", "updatedDate", "modifiedDate"), lambda each: each.updated.at),
    "createdDate": lambda each: each.created.at,
    "name": lambda each: latest(each).get("name"),
}
QUERY: Final[Mapping[str, str]] = {
    "limit": f"As many sets as a page has at most: 1 to {_MOST}, {_LIMIT} if nothing is said.",
    "start": "How many sets come before the page.",
    "name": "Only sets of this name.",
    "property": "A filter, such as xdmSchema==…; given several times, all have to hold.",
    "orderBy": f"A field to order by, with a minus before it to turn it round: {', '.join(_FIELDS)}.",
    "expandSchema": "true: with the target schemas.",
}


def page(request: Request, sets: Sequence[Resource], show: Callable[[Resource], Document], path: str) -> Answer:
    """The page of ``sets`` that a request asks for; ``path`` is the list's, relative to its service."""
    limit = request.number("limit", _LIMIT, 1, _MOST)
    start = request.number("start", 0, 0, _MOST_START)
    if isinstance(limit, Answer):
        return limit
    if isinstance(start, Answer):
        return start
    # A plus that nobody encoded is a blank by now.
    order = request.one("orderBy", "lastUpdateDate").strip().removeprefix("+")
    field = _FIELDS.get(order.removeprefix("-"))
    if field is None:
        return failed(400, "1433-400", f"orderBy should be one of {', '.join(_FIELDS)}, with or without a minus")
    filters: list[Filter] = []
    for text in request.all("property"):
        one = filter_of(text)
        if isinstance(one, Answer):
            return one
        filters.append(one)
    names = set(request.all("name"))
    passed = [each for each in sets if not names or latest(each).get("name") in names]
    if filters:
        passed = [each for each in passed if all(one.lets(document) for document in [show(each)] for one in filters)]
    passed.sort(key=lambda each: sort_key(field(each)), reverse=order.startswith("-"))
    shown = _within(map(show, passed[start : start + limit]))
    links: Document = {}
    if start + len(shown) < len(passed):
        query = [(name, value) for name, value in request.query if name in QUERY and name != "start"]
        following = urlencode([*query, ("start", start + len(shown))])
        links = {"next": {"href": f"{path}?{following}", "templated": False}}
    return found({"data": shown, "_page": {"count": len(shown), "limit": limit}, "_links": links})


def _within(sets: Iterable[Document]) -> list[orjson.Fragment]:
    """As many of the first sets as a page has room for, at least one where there is any."""
    shown: list[orjson.Fragment] = []
    size = 0
    for each in sets:
        text = orjson.dumps(each)
        size += len(text)
        if shown and size > _PAGE_BYTES:
            break
        shown.append(orjson.Fragment(text))
    return shown

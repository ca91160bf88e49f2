"""Lists of the schema registry: ``property=`` with commas for "and", ordered, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import found
from exporter.source.control.filtering import filter_of
from exporter.source.control.ordering import sort_key, unknown_field
from exporter.source.control.request import Request
from exporter.source.control.shapes import Shape

MOST: Final = 300
_START: Final = 10**9
#: The order in which things were made, by the name that clients have for it.
_MADE: Final = "created"
#: A comma ends a filter where another one follows; elsewhere it is part of a value.
_BETWEEN: Final = re.compile(",(?=[^,=!<>~]+[=!<>~])")
_SIGNS: Final = re.compile("[=!<>~]")

QUERY: Final[Mapping[str, str]] = {
    "property": "A filter such as title==People, or the name of a property; with commas between, all have to hold.",
    "orderby": f"The property to order by, {_MADE} if nothing is said; a minus before it turns it round.",
    "limit": f"As many results as a page has at most: 1 to {MOST}.",
    "start": "Where the page begins: what _page.next of the page before says.",
}

Item = TypeVar("Item")


def listed(
    request: Request,
    items: Sequence[Item],
    document: Callable[[Item], Mapping[str, Any]],
    shown: Callable[[Item], Any],
    shape: Shape,
    limit: int = MOST,
) -> Answer:
    """The page that a request asks for.

    Args:
        request: its query says which items, how many of them, and in which order.
        items: all that there are.
        document: what filters and the order look at.
        shown: what the answer says of an item.
        shape: of the documents, which are ordered by its fields, or as they were made.
        limit: as many results as a page has where the request does not say.
    """
    passed = filtered(request, items, document)
    if isinstance(passed, Answer):
        return passed
    most, start = request.number("limit", limit, 1, max(MOST, limit)), request.number("start", 0, 0, _START)
    if isinstance(most, Answer):
        return most
    if isinstance(start, Answer):
        return start
    order = request.one("orderby") or _MADE
    name = order.removeprefix("-")
    if name != _MADE:
        if (refusal := unknown_field(name, shape)) is not None:
            return refusal
        passed = sorted(passed, key=lambda each: sort_key(document(each).get(name)), reverse=order.startswith("-"))
    elif order != _MADE:
        passed = passed[::-1]
    page = passed[start : start + most]
    following = str(start + most) if start + most < len(passed) else None
    results = [shown(each) for each in page]
    paging = {"orderby": order, "next": following, "count": len(results)}
    return found({"results": results, "_page": paging, "_links": {}})


def filtered(
    request: Request, items: Sequence[Item], document: Callable[[Item], Mapping[str, Any]]
) -> Sequence[Item] | Answer:
    """The items that pass all filters of a request; 400 where one cannot be understood."""
    texts = list(_filters(request))
    if not texts:
        return items
    passed = [(each, document(each)) for each in items]
    for text in texts:
        if not _SIGNS.search(text):
            passed = [pair for pair in passed if text in pair[1]]
            continue
        one = filter_of(text)
        if isinstance(one, Answer):
            return one
        passed = [pair for pair in passed if one.lets(pair[1])]
    return [each for each, _ in passed]


def _filters(request: Request) -> Iterator[str]:
    for text in request.all("property"):
        parts = _BETWEEN.split(text) if _SIGNS.search(text) else text.split(",")
        yield from (part.strip() for part in parts if part.strip())

"""The credentials that a destination presents; an answer may carry none into a dead letter or a log."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote_plus, urlsplit

from exporter.sections.masking import SHORTEST_VALUE, in_header, password_in
from exporter.settings.destination import Destination
from exporter.transport.requests.prepare import Prepared


def prepare(destination: Destination) -> Prepared:
    """The part that all requests to a destination share."""
    return Prepared(
        destination.url,
        destination.headers,
        position_header=destination.position_header,
        secrets=presented_to(destination),
    )


def presented_to(destination: Destination) -> Iterator[str]:
    """Every secret of a destination that its endpoint, token server or proxy gets to see, but for fetched tokens."""
    for value in destination.headers.values():
        yield from in_header(value, SHORTEST_VALUE)
    for pair in urlsplit(destination.url).query.split("&"):
        name, equals, value = pair.partition("=")
        text = unquote_plus(value if equals else name)
        if len(text) >= SHORTEST_VALUE:
            yield text
    if destination.proxy is not None:
        yield from password_in(destination.proxy)
    yield from destination.auth.secrets()

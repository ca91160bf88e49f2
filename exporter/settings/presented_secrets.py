"""The credentials that a destination presents; an answer may carry none into a dead letter or a log."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote_plus, urlsplit

from exporter.sections.section import Secret
from exporter.settings.destination import Destination
from exporter.transport.requests.echoes import SHORTEST_VALUE, basic, credentials, in_header
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
        yield from credentials(unquote_plus(urlsplit(str(destination.proxy)).password or ""))
    auth = destination.auth
    for field in type(auth).model_fields:
        value = getattr(auth, field)
        if isinstance(value, Secret):
            yield from credentials(value.reveal())
    client_secret = getattr(auth, "client_secret", None)
    if isinstance(client_secret, Secret):
        yield from basic(getattr(auth, "client_id", ""), client_secret.reveal())

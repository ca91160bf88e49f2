"""Puts a request together: a destination's URL and headers, joined once, and what belongs to one export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.delivery.echoes import Echoes, presented_to
from exporter.delivery.own_headers import own_headers
from exporter.delivery.request import Header, Request

if TYPE_CHECKING:
    from exporter.settings.destination import Destination


class Prepared:
    """What all requests of one destination share. Holds the headers for the authorization that was used last."""

    def __init__(self, destination: Destination) -> None:
        configured = {name.lower() for name in destination.headers}
        self._url = destination.url
        ours = own_headers("application/json", but=configured)
        self._headers = (*ours, *destination.headers.items())
        self._with_position = destination.position_header
        self._authorization: str | None = None
        self._fixed: tuple[Header, ...] = self._headers
        self._echoes = Echoes(presented_to(destination))

    def request(self, authorization: str | None, key: str, position: str, body: bytes) -> Request:
        """The request for one export (DESIGN 2.3).

        Args:
            authorization: the value of the ``Authorization`` header, or None for none. As long as it stays the
                same, every request has the same ``fixed`` tuple.
            key: the value of ``Idempotency-Key``.
            position: the value of ``Exporter-Position``; left out where the destination wants none.
            body: the document as UTF-8 JSON.
        """
        if authorization != self._authorization:
            self._authorization = authorization
            self._fixed = self._headers
            if authorization is not None:
                self._fixed = (*self._headers, ("Authorization", authorization))
                self._echoes.present(authorization)
        own: tuple[Header, ...] = (("Idempotency-Key", key),)
        if self._with_position:
            own = (("Idempotency-Key", key), ("Exporter-Position", position))
        return Request(self._url, self._fixed, own, body)

    def without_secrets(self, answer: bytes) -> bytes:
        """The beginning of an answer in which what the requests presented is masked; see ``Echoes``."""
        return self._echoes.masked(answer)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

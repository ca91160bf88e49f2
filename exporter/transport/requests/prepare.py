"""Puts a request together: a destination's URL and headers, joined once, and the headers and body of one export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from exporter.messages.exchange import Header, Request
from exporter.transport.requests.echoes import Echoes
from exporter.transport.requests.headers import own_headers


class Prepared:
    """The part that all requests of a destination share, with the headers for the authorization that was used last.

    Args:
        url: the endpoint, its query included.
        headers: from the configuration; a header here replaces the exporter's own header of that name.
        position_header: whether requests carry ``Exporter-Position``.
        secrets: values that the endpoint, its token server or its proxy gets to see and an answer may echo.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], *, position_header: bool, secrets: Iterable[str] = ()
    ) -> None:
        configured = {name.lower() for name in headers}
        self._url = url
        ours = own_headers("application/json", but=configured)
        self._headers = (*ours, *headers.items())
        self._with_position = position_header
        self._authorization: str | None = None
        self._fixed: tuple[Header, ...] = self._headers
        self._echoes = Echoes(secrets)

    def request(self, authorization: str | None, key: str, position: str, body: bytes) -> Request:
        """The request for one export (contract.md#the-request).

        Args:
            authorization: the value of the ``Authorization`` header, or None for none. As long as the value stays
                the same, every request has the same ``fixed`` tuple.
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
        """The beginning of an answer, with the secrets that requests presented masked; see ``Echoes``."""
        return self._echoes.masked(answer)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

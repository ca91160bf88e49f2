"""Puts a request together: a destination's URL and headers, joined once, and the headers and body of one export.

Some endpoints echo secrets of a request in errors, written anew: the answer is masked here too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

from exporter.messages.exchange import Header, Request
from exporter.sections.masking import SHORTEST_SECRET, SecretSearch, in_header
from exporter.sections.section import MASK
from exporter.transport.requests.headers import own_headers

#: How much of an answer is shown at most; more than a dead letter keeps.
_SHOWN_BYTES: Final = 2048
#: How many authorizations are remembered: answers to requests with an earlier token may still come.
_AUTHORIZATIONS: Final = 3


class Echoes:
    """The secrets of a destination's requests; the search for the secrets is made when an answer needs masking."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = frozenset(secrets)
        self._authorizations: deque[str] = deque(maxlen=_AUTHORIZATIONS)
        self._search: SecretSearch | None = None

    def present(self, authorization: str) -> None:
        """Take in the value of ``Authorization`` that requests present from now on."""
        self._authorizations.append(authorization)
        self._search = None

    def masked(self, answer: bytes) -> bytes:
        """The beginning of an answer, as much as is ever shown, with every secret as asterisks."""
        if not answer:
            return answer
        if self._search is None:
            presented = (in_header(authorization, SHORTEST_SECRET) for authorization in self._authorizations)
            self._search = SecretSearch(self._secrets.union(*presented))
        # So a secret that begins in the shown part is found whole.
        looked_at = answer[: _SHOWN_BYTES + self._search.longest_bytes]
        return self._search.pattern.sub(MASK.encode(), looked_at)[:_SHOWN_BYTES]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


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

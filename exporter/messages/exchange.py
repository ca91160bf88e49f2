"""A request, and the three ways in which an attempt at it can end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Header = tuple[str, str]


class Request(msgspec.Struct, frozen=True, gc=False):
    """A POST.

    ``fixed`` is the same tuple object for every request of a destination under the same token, so that a transport may
    prepare the headers once; ``own`` belongs to a single request. ``needs_body``: the answer's status alone is worth
    nothing, so its body is waited for as long as the exchange may last. The repr shows neither headers nor body: both
    carry secrets and personal data.
    """

    url: str
    fixed: tuple[Header, ...]
    own: tuple[Header, ...]
    body: bytes
    needs_body: bool = False

    def __repr__(self) -> str:
        return f"Request({len(self.body)} bytes)"


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A status line came. ``headers`` has lower-case names; ``body`` is cut at ``transport.bounds.BODY_LIMIT``."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


class NoAnswer(msgspec.Struct, frozen=True, gc=False):
    """The request went out, wholly or in part, and may have arrived; no answer that can be read came back."""

    reason: str


class Unreachable(msgspec.Struct, frozen=True, gc=False):
    """The request never went out: DNS, connection refused, connect time-out, TLS, or the proxy refused."""

    reason: str
    cause: Literal["endpoint", "proxy"] = "endpoint"


Outcome = Answer | NoAnswer | Unreachable

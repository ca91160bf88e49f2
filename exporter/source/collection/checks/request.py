"""The head of a request, as the checks read it, whichever listener took it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request without its body. The repr shows neither path nor headers, which hold secrets.

    Attributes:
        method: as it was written.
        path: as it was written, without the query.
        query: as it was written, without ``?``.
        headers: by name in lower case; values of a repeated name are joined by ", ".
        length: bytes of the body, or None where they are known at its end only (chunked).
    """

    method: str
    path: str = field(repr=False)
    query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    length: int | None = 0

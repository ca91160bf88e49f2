"""A receiver's note of a request, and the line of a record that holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import orjson

#: Headers that are secrets, which a record never holds.
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


@dataclass(slots=True, eq=False)
class Reception:
    """A request to the endpoint (not to the token endpoint), noted when it is over.

    ``at`` and ``until`` are epoch seconds: when its head came, and just before its answer's head went out, or when the
    sender was gone. ``arrived`` and ``ended`` are the same two moments as numbers of one count, so that requests can be
    compared exactly, also across restarts of the receiver. ``status`` was, or would have been, answered; None if the
    request broke off. ``answered`` is whether an answer went out, as far as the receiver knows. ``authorized`` is None
    where nothing is demanded. ``headers`` has lower-case names and no secrets.
    """

    at: float
    until: float
    arrived: int
    ended: int
    method: str
    path: str
    query: str
    idempotency_key: str | None
    exporter_position: str | None
    headers: Mapping[str, str] = field(repr=False)
    authorized: bool | None
    status: int | None
    answered: bool
    body: bytes = field(repr=False)

    @property
    def accepted(self) -> bool:
        """Whether the sender was told that the export is delivered."""
        return self.answered and self.status is not None and 200 <= self.status < 300

    def line(self) -> bytes:
        """A line of a record: a JSON object with all fields; a body that is no JSON stands as ``body_text``."""
        document = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "body"}
        try:
            document["body"] = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            document["body_text"] = self.body.decode("utf-8", "replace")
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)

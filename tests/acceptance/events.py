"""Makes the events that acceptance tests send: each profile counts its own states, and every body shows its state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: The one segment that every test destination maps and every test profile is in.
SEGMENT = "a-segment"

#: What every test destination maps, so that a body says whose state it is and which.
ATTRIBUTES = ("crm.profile", "crm.state")


@dataclass(frozen=True, slots=True)
class Sent:
    """One event: which profile, and the how many-th state of it."""

    id: str
    profile: str
    state: int

    @property
    def body(self) -> bytes:
        """The event as it goes on the queue."""
        return json.dumps(self.document()).encode()

    def document(self) -> dict[str, Any]:
        """The event as an object: the profile is in the segment, and one mapped attribute was written."""
        now = datetime.now(UTC).isoformat()
        return {
            "id": self.id,
            "profileId": self.profile,
            "occurredAt": now,
            "changes": {"attributes": ["crm.state"]},
            "profile": {
                "crm": {"profile": self.profile, "state": self.state},
                "segmentMembership": {"ups": {SEGMENT: {"lastQualificationTime": now, "status": "realized"}}},
            },
        }


class Source:
    """Makes events of ``profiles`` profiles in turn; states of a profile go up by one."""

    def __init__(self, profiles: int, prefix: str = "") -> None:
        self._profiles = profiles
        self._prefix = prefix
        self.made: list[Sent] = []

    def make(self, count: int) -> list[Sent]:
        """The next ``count`` events."""
        new = list(self._next(count))
        self.made += new
        return new

    def _next(self, count: int) -> Iterator[Sent]:
        for number in range(len(self.made), len(self.made) + count):
            state, profile = divmod(number, self._profiles)
            yield Sent(f"{self._prefix}e{number}", f"{self._prefix}p{profile}", state)

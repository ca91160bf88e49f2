"""Ids that were made once for what the configuration leaves out, and are kept for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class MadeIds(Protocol):
    """Ids by the name of what they stand for.

    Raises:
        StateUnavailable: by every call.
    """

    async def settled(self, wanted: Mapping[str, str]) -> Mapping[str, str]:
        """The ids of the names ``wanted``: what was made for a name before, else the id given there, now durable."""
        ...

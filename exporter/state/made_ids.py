"""What was made once, and is kept for good: ids of what the configuration leaves out, and the key that signs tokens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol


class MadeIds(Protocol):
    """Texts by the name of what they stand for. The key is a secret, and so are inlets' ids.

    Raises:
        StateUnavailable: by every call.
    """

    async def settled(self, wanted: Mapping[str, str]) -> Mapping[str, str]:
        """The texts of the names ``wanted``: what was made for a name before, else what is given there, now durable."""
        ...

    async def known(self, names: Collection[str]) -> Mapping[str, str]:
        """The texts that were made for ``names`` before; nothing of a name for which none was. Writes nothing."""
        ...

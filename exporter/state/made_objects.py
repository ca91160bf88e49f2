"""Objects that were made through the control plane, as documents: what they mean is for the control plane to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class MadeObject(NamedTuple):
    """An object: its kind, its id within the kind, and its document."""

    kind: str
    id: str
    document: bytes


class MadeObjects(Protocol):
    """The objects of one store.

    Raises:
        StateUnavailable: by every call.
    """

    async def all(self) -> Sequence[MadeObject]:
        """All of them, in no order that means anything."""
        ...

    async def write(self, put: Sequence[MadeObject], deleted: Sequence[tuple[str, str]]) -> None:
        """Put objects, in the place of those with their kind and id, and delete some by kind and id.

        All of it is durable on return, or nothing was written, as far as can be known.
        """
        ...

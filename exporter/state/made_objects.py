"""Objects that were made through the control plane, as documents: what they mean is for the control plane to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

#: The revision before the first change.
UNCHANGED: Final = ""


class MadeObject(NamedTuple):
    """An object: its kind, its id within the kind, and its document."""

    kind: str
    id: str
    document: bytes


class Revision(NamedTuple):
    """All objects at one moment, in no order that means anything, and the name of that moment.

    The name is new with every change, whichever process makes it, and no two stores have one in common.
    """

    name: str
    objects: Sequence[MadeObject]


class MadeObjects(Protocol):
    """The objects of one store, which several processes may change.

    Raises:
        StateUnavailable: by every call.
    """

    async def revision(self) -> str:
        """The name of the revision that stands there now; ``UNCHANGED`` before the first change."""
        ...

    async def all(self) -> Revision:
        """All of them."""
        ...

    async def write(self, put: Sequence[MadeObject], deleted: Sequence[tuple[str, str]], revision: str) -> str | None:
        """Put objects, in the place of those with their kind and id, and delete some by kind and id.

        Returns:
            The name of the revision that this makes, durable; None: nothing was written, since ``revision`` is not the
            one that stands there, so somebody else has changed the objects.

        Raises:
            StateUnavailable: nothing was written, as far as can be known.
        """
        ...

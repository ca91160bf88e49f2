"""A profile as it is kept: its identities, what datasets said of them, and how it stands to segments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.naming import Named, profile_id
from exporter.source.profiles.merge.stamps import Stamp


class Known(msgspec.Struct, array_like=True, gc=False):
    """An identity of a profile; ``since`` is the write of its ``authenticatedState``."""

    namespace: str
    id: str
    primary: bool
    state: str | None
    since: Stamp | None


class Member(msgspec.Struct, array_like=True, gc=False):
    """How a profile stands to a segment.

    ``since`` is the ``lastQualificationTime`` in epoch milliseconds, at most the time of ``stamp``, the write;
    ``entry`` is all that came. ``lapsed`` is an exit for want of news, of which no sender has told.
    """

    status: str
    since: int
    stamp: Stamp
    entry: dict[str, Any]
    lapsed: bool = False

    @property
    def inside(self) -> bool:
        """Whether the profile is in the segment."""
        return self.status != EXITED


EXITED = "exited"

#: Members by namespace and id of the segment.
Members: TypeAlias = dict[str, dict[str, Member]]


class Profile(msgspec.Struct, array_like=True, gc=False):
    """A profile. Never changed: what happens to it makes another one.

    Attributes:
        identities: in the order in which the profile gained them; the first gives the profile its id.
        fragments: what was said, empty ones too.
        members: by namespace and id of the segment.
        modified: epoch milliseconds of the last record that changed something.
        exits_dropped: the latest time at which a record was taken that told an exit which is no longer kept; nothing
            that was taken up to then makes a membership that is not there.
    """

    identities: list[Known]
    fragments: list[Fragment]
    members: Members
    modified: int = 0
    exits_dropped: int = 0

    @property
    def named(self) -> Named:
        """The identity that gives the profile its id."""
        first = self.identities[0]
        return first.namespace, first.id

    @property
    def profile_id(self) -> str:
        """The id in events and for people."""
        return profile_id(*self.named)


#: The row of a profile, MessagePack, and back.
encoded: Callable[[Profile], bytes] = msgspec.msgpack.Encoder().encode
decoded: Callable[[bytes], Profile] = msgspec.msgpack.Decoder(Profile).decode

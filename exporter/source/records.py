"""A record that has been mapped and found valid: what the profile store applies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec


class Operation(Enum):
    """What a record does to what its dataset said of its primary identity before."""

    CREATE = "create"
    MERGE = "merge"
    DELETE = "delete"


class Identity(msgspec.Struct, frozen=True, gc=False):
    """An id in a namespace, whose code is in lower case; ``state`` is its ``authenticatedState``."""

    namespace: str
    id: str
    state: str | None = None
    primary: bool = False


class Membership(msgspec.Struct, frozen=True, gc=False):
    """What a record says of a segment: ``status`` is realized, existing or exited.

    ``since`` is the ``lastQualificationTime`` in epoch milliseconds, and ``entry`` all that came, as it came.
    """

    namespace: str
    id: str
    status: str
    since: int
    entry: dict[str, Any]


class UpsertKind(Enum):
    """What a merge does with the array that is there."""

    APPEND = "append"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class ArrayUpsert:
    """An array in a record's entity that says what a merge does with the array that is there.

    ``items`` follow what is there, or take its place. Where nothing is there, and where the record creates, ``items``
    are the array.
    """

    kind: UpsertKind
    items: tuple[Any, ...]


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record for the profile store.

    Attributes:
        xaction_id: the record's name, as the sender was told it.
        taken: epoch milliseconds at which the record was taken.
        dataset: the id of the dataset that says so.
        primary: the identity whose fragment is written.
        identities: all, ``primary`` among them, each once.
        links: whether ``identities`` belong to one person; else only ``primary`` counts.
        operation: what is done to the fragment.
        entity: the attributes, without ``identityMap`` and ``segmentMembership``; a null leaf removes where it merges,
            and an array may be an ``ArrayUpsert``.
        memberships: the entries of ``segmentMembership``.
        time_series: whether the record is an event in time, of which only identities are kept.
        told_as: the id of the event that the record makes; empty: ``xaction_id``.
    """

    xaction_id: str
    taken: int
    dataset: str
    primary: Identity
    identities: tuple[Identity, ...]
    links: bool
    operation: Operation
    entity: dict[str, Any]
    memberships: tuple[Membership, ...] = ()
    time_series: bool = False
    told_as: str = ""

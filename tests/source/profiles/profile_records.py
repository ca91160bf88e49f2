"""Records for tests of profiles."""

from __future__ import annotations

from typing import Any

from exporter.source.records import Identity, Membership, Operation, Record

#: A time at which a record may have been taken, in epoch milliseconds.
NOON = 1_700_000_000_000

ROOM = 1 << 20


def named(text: str, state: str | None = None) -> Identity:
    """The identity ``namespace:id``."""
    namespace, _, id_ = text.partition(":")
    return Identity(namespace, id_, state)


def membership(segment: str, status: str, since: int, namespace: str = "ups") -> Membership:
    return Membership(namespace, segment, status, since, {"status": status})


def record(
    *identities: str | Identity,
    at: int = 0,
    entity: dict[str, Any] | None = None,
    operation: Operation = Operation.CREATE,
    dataset: str = "crm",
    links: bool = True,
    memberships: tuple[Membership, ...] = (),
    time_series: bool = False,
    xaction_id: str | None = None,
) -> Record:
    """A record of ``identities``, the first of them primary, taken ``at`` milliseconds after noon."""
    who = tuple(each if isinstance(each, Identity) else named(each) for each in identities)
    return Record(
        xaction_id=xaction_id or f"{NOON + at}:1:{at}",
        taken=NOON + at,
        dataset=dataset,
        primary=who[0],
        identities=who,
        links=links,
        operation=operation,
        entity={} if entity is None else entity,
        memberships=memberships,
        time_series=time_series,
    )

"""Which profiles a record brings together: joins that the rules allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from exporter.source.profiles.merge.naming import Named
from exporter.source.profiles.merge.profile import Known, Profile
from exporter.source.profiles.merge.rules import Rules
from exporter.source.records import Identity, Record


class Meeting:
    """What meets in a record.

    Attributes:
        profiles: numbers of the profiles, the oldest first; empty where the record is the first to name anybody.
        named: the identities that the record names of the profile, the primary first.
        refused: how many identities were not linked, since the rules forbid it.
    """

    __slots__ = ("named", "profiles", "refused")

    def __init__(self, profiles: Sequence[int], named: Sequence[Identity], refused: int = 0) -> None:
        self.profiles = profiles
        self.named = named
        self.refused = refused


def is_ignored(identity: Identity, rules: Rules) -> bool:
    """Whether the identity's id is nobody's."""
    return bool(rules.ignore) and identity.id.strip().casefold() in rules.ignore


def is_erased(identity: Identity, taken: int, erased: Mapping[Named, int]) -> bool:
    """Whether the profile of ``identity`` was deleted after ``taken``, or in the same millisecond."""
    return erased.get((identity.namespace, identity.id), taken - 1) >= taken


def met(
    record: Record,
    rules: Rules,
    number_of: Callable[[Identity], int | None],
    profile_of: Callable[[int], Profile],
    erased: Mapping[Named, int],
) -> Meeting:
    """What ``record``, whose primary identity counts, brings together. Identities ``erased`` since do not count.

    One identity after the other is linked, in the record's order, as far as the rules allow: a profile keeps within
    ``max_identities``, and has one id of each namespace that is ``unique``.
    """
    primary = record.primary
    first = number_of(primary)
    found = [] if first is None else [first]
    named = [primary]
    if not (record.links and rules.linked) or len(record.identities) < 2:
        return Meeting(found, named)
    together: _Together | None = None
    refused = 0
    for identity in record.identities:
        if (identity.id == primary.id and identity.namespace == primary.namespace) or is_ignored(identity, rules):
            continue
        if erased and is_erased(identity, record.taken, erased):
            continue
        number = number_of(identity)
        if number is None or number not in found:
            if together is None:
                together = _Together(rules, [primary] if first is None else profile_of(first).identities)
            if not together.takes([identity] if number is None else profile_of(number).identities):
                refused += 1
                continue
            if number is not None:
                found.append(number)
        named.append(identity)
    return Meeting(sorted(found), named, refused)


class _Together:
    """The identities of a profile to be."""

    def __init__(self, rules: Rules, identities: Sequence[Identity] | Sequence[Known]) -> None:
        self._rules = rules
        self._ids = {(each.namespace, each.id) for each in identities}

    def takes(self, identities: Sequence[Identity] | Sequence[Known]) -> bool:
        """Add ``identities``, all or none; whether they were added."""
        more = self._ids | {(each.namespace, each.id) for each in identities}
        if len(more) > self._rules.max_identities:
            return False
        for namespace in self._rules.unique:
            if sum(each[0] == namespace for each in more) > 1:
                return False
        self._ids = more
        return True

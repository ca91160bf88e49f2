"""Applies steps to the profiles of a workspace: a record is merged, a profile is deleted or taken apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias, assert_never

from exporter.source.profiles.merge import memberships
from exporter.source.profiles.merge.change import Change
from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.joining import joined, seen
from exporter.source.profiles.merge.leaves import Flattened
from exporter.source.profiles.merge.linking import Meeting, is_erased, is_ignored, met
from exporter.source.profiles.merge.profile import Known, Profile
from exporter.source.profiles.merge.stamps import Stamp
from exporter.source.profiles.merge.steps import Bad, Deletion, Outcome, Step, Unlinking
from exporter.source.profiles.merge.taking_apart import delete, unlink
from exporter.source.profiles.merge.view import differing, vanished, view_of
from exporter.source.profiles.merge.workspace import Workspace
from exporter.source.profiles.merge.writing import written
from exporter.source.records import Identity, Operation, Record


def apply(step: Step, workspace: Workspace) -> Outcome | Bad:
    """Apply ``step``; a bad one changes nothing."""
    match step:
        case Record():
            return _apply_record(step, workspace)
        case Deletion():
            return delete(step, workspace)
        case Unlinking():
            return unlink(step, workspace)
        case _:
            assert_never(step)


def _apply_record(record: Record, workspace: Workspace) -> Outcome | Bad:
    primary = record.primary
    if is_ignored(primary, workspace.rules):
        return Bad("no_primary_identity", "its primary identity is one of identities.ignore")
    if workspace.erased and is_erased(primary, record.taken, workspace.erased):
        return Outcome.UNCHANGED
    meeting = met(record, workspace.rules, workspace.number_of, workspace.profile, workspace.erased)
    if record.operation is Operation.DELETE and workspace.number_of(primary) is None and not record.time_series:
        return Outcome.UNCHANGED  # a deletion makes nobody known
    survivor = workspace.profile(meeting.profiles[0]) if meeting.profiles else _NOBODY
    absorbed = [workspace.profile(number) for number in meeting.profiles[1:]] if len(meeting.profiles) > 1 else []
    said = workspace.paths.flattened(record.entity)
    if said is None:
        return Bad("too_large", "it is nested deeper than an event may be")
    whole = joined(survivor, absorbed) if absorbed else survivor
    after, wrote = _after(whole, record, meeting.named, said)
    if after is survivor:
        workspace.refused_links += meeting.refused
        _keep(record, workspace)
        return Outcome.UNCHANGED
    change = _change(survivor, absorbed, after, said, wrote, workspace)
    tells = change.tells
    if tells:
        telling = workspace.telling(record.told_as or record.xaction_id, record.taken, change, after, said)
        if isinstance(telling, str):
            return Bad("too_large", telling)
        workspace.tell(telling)
    _settle(meeting, survivor, absorbed, after, workspace)
    _keep(record, workspace)
    if not tells:
        return Outcome.UNCHANGED
    return Outcome.TOLD if meeting.profiles else Outcome.CREATED


def _keep(record: Record, workspace: Workspace) -> None:
    if record.time_series and workspace.rules.keeps_time_series and record.operation is not Operation.DELETE:
        workspace.happened.append(record)


_NOBODY = Profile([], [], {})


#: The dataset of a record, and the paths of the values that it wrote.
_Wrote: TypeAlias = tuple[str, Collection[str]]


def _after(profile: Profile, record: Record, named: Sequence[Identity], said: Flattened) -> tuple[Profile, _Wrote]:
    """The profile after ``record``, which ``said`` so; the same object where the record changes nothing."""
    stamp = (record.taken, record.xaction_id)
    identities = _identities(profile.identities, record.primary, named, stamp)
    fragments, members = profile.fragments, profile.members
    wrote: Collection[str] = ()
    if not record.time_series:
        fragments, wrote = _fragments(profile, record, stamp, said)
        members = memberships.heeded(profile, record.memberships, stamp)
    members, exits_dropped = memberships.dropped(members, profile.exits_dropped, record.taken)
    if identities is profile.identities and fragments is profile.fragments and members is profile.members:
        return profile, (record.dataset, ())
    after = Profile(identities, fragments, members, max(profile.modified, record.taken), exits_dropped)
    return after, (record.dataset, wrote)


def _identities(known: list[Known], primary: Identity, named: Sequence[Identity], stamp: Stamp) -> list[Known]:
    for each in named:
        known = seen(known, each, each is primary, stamp)
    return known


def _fragments(
    profile: Profile, record: Record, stamp: Stamp, said: Flattened
) -> tuple[list[Fragment], Collection[str]]:
    fragments = profile.fragments
    primary = (record.primary.namespace, record.primary.id)
    for at, before in enumerate(fragments):
        if before.dataset == record.dataset and before.primary == primary:
            after, wrote = written(before, record.dataset, primary, stamp, record.operation, said)
            if record.taken <= profile.modified:
                wrote = _afresh(before, after, stamp, wrote)
            return (fragments if after is before else [*fragments[:at], after, *fragments[at + 1 :]]), wrote
    after, wrote = written(None, record.dataset, primary, stamp, record.operation, said)
    return [*fragments, after], wrote


def _afresh(before: Fragment, after: Fragment, stamp: Stamp, wrote: Collection[str]) -> Collection[str]:
    """Those of the paths that were written whose value the same record has not written before."""
    return [path for path in wrote if not (before.stamp_of(path) == stamp and _same(before, after, path))]


def _same(before: Fragment, after: Fragment, path: str) -> bool:
    if path not in before.leaves or path not in after.leaves:
        return False
    old, value = before.leaves[path], after.leaves[path]
    return old == value and type(old) is type(value)


def _change(
    survivor: Profile,
    absorbed: Sequence[Profile],
    after: Profile,
    said: Flattened,
    wrote: _Wrote,
    workspace: Workspace,
) -> Change:
    """What is told: the difference from what the survivor was, and what the record wrote."""
    precedence = workspace.rules.precedence
    attributes: list[str] = []
    if after.fragments is not survivor.fragments:
        dataset, paths = wrote
        if precedence is not None and dataset not in precedence:
            paths = ()
        before, now = view_of(survivor.fragments, precedence), view_of(after.fragments, precedence)
        # Where the record wrote all that is seen, nothing else can be another value.
        others = vanished if now is said.leaves and len(paths) == len(now) else differing
        attributes = list(paths) + others(before, now, paths)
    return Change(
        () if after.members is survivor.members else list(memberships.changed(survivor.members, after.members)),
        _namespaces(survivor, absorbed, after),
        attributes,
        [each.profile_id for each in absorbed] if absorbed else (),
    )


def _namespaces(survivor: Profile, absorbed: Sequence[Profile], after: Profile) -> list[str]:
    """The namespaces in which an identity was gained, or is otherwise now; of a join, those of all who met."""
    if after.identities is survivor.identities:
        return []
    before = {(each.namespace, each.id): (each.primary, each.state) for each in survivor.identities}
    found = [
        each.namespace
        for each in after.identities
        if absorbed or before.get((each.namespace, each.id)) != (each.primary, each.state)
    ]
    return list(dict.fromkeys(found))


def _settle(
    meeting: Meeting, survivor: Profile, absorbed: Sequence[Profile], after: Profile, workspace: Workspace
) -> None:
    """Let ``after`` stand in place of all who met."""
    number = meeting.profiles[0] if meeting.profiles else workspace.new_number()
    if absorbed:
        for gone, profile in zip(meeting.profiles[1:], absorbed, strict=True):
            workspace.move(profile.identities, number)
            workspace.remove(gone, profile)
    for each in meeting.named:
        if workspace.number_of(each) != number:
            workspace.move((each,), number)
    workspace.put(number, after, survivor)
    workspace.joins += len(absorbed)
    workspace.refused_links += meeting.refused

"""What takes from a profile: its deletion, the loss of a dataset, memberships that lapse, an identity unlinked."""

from __future__ import annotations

from exporter.source.profiles.merge import memberships
from exporter.source.profiles.merge.change import Change
from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.leaves import Flattened
from exporter.source.profiles.merge.memberships import exited
from exporter.source.profiles.merge.profile import Known, Members, Profile
from exporter.source.profiles.merge.stamps import Stamp, newer
from exporter.source.profiles.merge.steps import Bad, Deletion, Outcome, Unlinking
from exporter.source.profiles.merge.view import differing, view_of
from exporter.source.profiles.merge.workspace import Telling, Workspace
from exporter.source.profiles.merge.writing import written
from exporter.source.records import Operation

_NOTHING = Flattened({}, set(), {})


def delete(step: Deletion, workspace: Workspace) -> Outcome | Bad:
    """Delete the profile, but for what was written later; tell that it left its segments."""
    named = step.identity
    number = workspace.number_of(named)
    if number is None:
        workspace.erase([Known(named.namespace, named.id, False, None, None)], step.taken)
        return Outcome.UNCHANGED
    before = workspace.profile(number)
    stamp = (step.taken, step.xaction_id)
    # What was removed later than that is kept, too: older records must not bring it back.
    fragments = [_emptied(each, stamp) for each in before.fragments if newer(each.newest(), stamp)]
    stays = bool(fragments) or any(
        newer(each.stamp, stamp) for mine in before.members.values() for each in mine.values()
    )
    after = Profile(before.identities, fragments, _left(before.members, stamp), max(before.modified, step.taken))
    change = Change(
        list(memberships.changed(before.members, after.members)) if workspace.rules.delete_tells else (),
        attributes=_differences(before, after, workspace) if stays else (),
    )
    if change.tells:
        telling = workspace.telling(step.told_as or step.xaction_id, step.taken, change, after)
        if isinstance(telling, str):
            return Bad("too_large", telling)
        workspace.tell(telling)
    workspace.erase(before.identities, step.taken)
    if stays:
        workspace.put(number, after, before)
    else:
        workspace.move(before.identities, None)
        workspace.remove(number, before)
    return Outcome.TOLD if change.tells else Outcome.UNCHANGED


def _emptied(fragment: Fragment, stamp: Stamp) -> Fragment:
    return written(fragment, fragment.dataset, fragment.primary, stamp, Operation.DELETE, _NOTHING)[0]


def _left(members: Members, stamp: Stamp) -> Members:
    """The members that were written later, or by the same deletion; of those before, the exits."""
    kept: Members = {}
    for namespace, mine in members.items():
        for segment, member in mine.items():
            if not newer(stamp, member.stamp):
                kept.setdefault(namespace, {})[segment] = member
            elif member.inside:
                kept.setdefault(namespace, {})[segment] = memberships.left(stamp[0], stamp)
    return kept


def unlink(step: Unlinking, workspace: Workspace) -> Outcome | Bad:
    """Make the identity a profile of its own.

    A profile's first identity gives it its id: unlinked, that identity takes the id along, and what is left is a new
    profile. Memberships stay with what is left.
    """
    named = (step.identity.namespace, step.identity.id)
    number = workspace.number_of(step.identity)
    if number is None or len((before := workspace.profile(number)).identities) == 1:
        return Outcome.UNCHANGED
    stamp = (step.taken, step.xaction_id)
    is_first = (before.identities[0].namespace, before.identities[0].id) == named
    alone = Profile(
        [each for each in before.identities if (each.namespace, each.id) == named],
        [each for each in before.fragments if each.primary == named],
        exited(before.members, step.taken, stamp) if is_first else {},
        step.taken,
    )
    rest = Profile(
        [each for each in before.identities if (each.namespace, each.id) != named],
        [each for each in before.fragments if each.primary != named],
        before.members,
        step.taken,
        before.exits_dropped,
    )
    stays, leaves = (alone, rest) if is_first else (rest, alone)
    event_id = step.told_as or step.xaction_id
    first = workspace.telling(event_id, step.taken, _parted(before, stays, workspace), stays)
    second = workspace.telling(f"{event_id}:1", step.taken, _parted(_NOBODY, leaves, workspace), leaves)
    if isinstance(first, str):
        return Bad("too_large", first)
    if isinstance(second, str):
        return Bad("too_large", second)
    workspace.tell(first)
    workspace.tell(second)
    workspace.put(number, stays, before)
    other = workspace.new_number()
    workspace.put(other, leaves)
    workspace.move(leaves.identities, other)
    return Outcome.TOLD


_NOBODY = Profile([], [], {})


def _parted(before: Profile, after: Profile, workspace: Workspace) -> Change:
    known = before.identities or after.identities
    gone = [each.namespace for each in known if not before.identities or each not in after.identities]
    return Change(
        list(memberships.changed(before.members, after.members)),
        list(dict.fromkeys(gone)),
        _differences(before, after, workspace),
    )


def _differences(before: Profile, after: Profile, workspace: Workspace) -> list[str]:
    precedence = workspace.rules.precedence
    return differing(view_of(before.fragments, precedence), view_of(after.fragments, precedence))


def forget(number: int, dataset: str, event_id: str, taken: int, workspace: Workspace) -> bool:
    """Take away what ``dataset`` said of a profile; a profile of which nothing is left is gone. Whether it said any."""
    before = workspace.profile(number)
    fragments = [each for each in before.fragments if each.dataset != dataset]
    if len(fragments) == len(before.fragments):
        return False
    after = Profile(before.identities, fragments, before.members, max(before.modified, taken), before.exits_dropped)
    _replace(number, before, after, event_id, taken, workspace)
    if not fragments and not before.members:
        workspace.move(before.identities, None)
        workspace.remove(number, before)
    return True


def lapse(number: int, ttl_ms: int, event_id: str, taken: int, workspace: Workspace) -> bool:
    """Let a profile leave the segments of which it had no news for ``ttl_ms`` before ``taken``; whether it left any."""
    before = workspace.profile(number)
    members = memberships.lapsed(before.members, ttl_ms, taken, (taken, event_id))
    if members is before.members:
        return False
    after = Profile(before.identities, before.fragments, members, max(before.modified, taken), before.exits_dropped)
    _replace(number, before, after, event_id, taken, workspace)
    return True


def _replace(number: int, before: Profile, after: Profile, event_id: str, taken: int, workspace: Workspace) -> None:
    """Put ``after`` in place of ``before``, and tell the difference, unless no dataflow would read the event."""
    change = Change(
        list(memberships.changed(before.members, after.members)), attributes=_differences(before, after, workspace)
    )
    telling = workspace.telling(event_id, taken, change, after) if change.tells else None
    if isinstance(telling, Telling):
        workspace.tell(telling)
    workspace.put(number, after, before)

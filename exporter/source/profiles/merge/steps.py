"""What is done to profiles, in order, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, TypeAlias

import msgspec

from exporter.source.profiles.merge.naming import Named
from exporter.source.records import Identity, Record


@dataclass(frozen=True, slots=True)
class Deletion:
    """Forget the profile of ``identity``: all that was taken up to ``taken``, in epoch milliseconds.

    What was written later stays, and the profile with it. No record of an identity of the profile that was taken up to
    then is applied any more. ``told_as`` is the id of the event; empty: ``xaction_id``.
    """

    xaction_id: str
    taken: int
    identity: Identity
    told_as: str = ""


@dataclass(frozen=True, slots=True)
class Unlinking:
    """Make ``identity``, with what was said of it, a profile of its own. A later record may link it again.

    ``told_as`` is the id of the first event; empty: ``xaction_id``.
    """

    xaction_id: str
    taken: int
    identity: Identity
    told_as: str = ""


Step: TypeAlias = Record | Deletion | Unlinking

BadReason: TypeAlias = Literal["no_primary_identity", "too_large"]


class Outcome(Enum):
    """What came of a step that was applied: an event or several, of a profile that is new or was there; or none."""

    CREATED = "created"
    TOLD = "told"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Bad:
    """The step is no good and changed nothing. ``detail`` says why in a sentence, without data."""

    reason: BadReason
    detail: str = field(default="", compare=False)


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event for the queue, with the profile's id as its key."""

    profile_id: str
    body: bytes


def named_in(steps: Sequence[Step]) -> Iterator[Named]:
    """All identities that ``steps`` name; some may come twice."""
    for step in steps:
        if isinstance(step, Record):
            yield (step.primary.namespace, step.primary.id)
            if len(step.identities) > 1:
                for each in step.identities:
                    yield (each.namespace, each.id)
        else:
            yield (step.identity.namespace, step.identity.id)

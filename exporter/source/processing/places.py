"""The messages of the intake on their way, each with what it came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from exporter.messages.message import Message
from exporter.source.collection.taken import TakenRecord, UnreadableRecord
from exporter.source.collection.wish import Wish, WishKind
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.examined import Bad, Chances, Examined, Good
from exporter.source.processing.examining import examine
from exporter.source.processing.letters import Taken
from exporter.source.profiles.merge.steps import Deletion, Step, Unlinking
from exporter.source.records import Identity


class Place:
    """A message on its way, and what it came to.

    Attributes:
        message: as the intake has it.
        taken: what the message holds; None where it is none of ours.
        examined: what the record came to; None for a wish.
        step: what is to be applied, if anything is.
        by: the catalogue by which that was found out.
    """

    __slots__ = ("by", "examined", "message", "step", "taken")

    def __init__(
        self, message: Message, taken: Taken | None, examined: Examined | None, step: Step | None, by: Catalogue
    ) -> None:
        self.message = message
        self.taken = taken
        self.examined = examined
        self.step = step
        self.by = by

    @property
    def flow(self) -> str:
        """The id of the record's flow; empty for what is of none."""
        return self.taken.flow if isinstance(self.taken, TakenRecord) else ""

    @property
    def bad(self) -> Bad | None:
        """Why the record is bad, if that is so."""
        return self.examined if isinstance(self.examined, Bad) else None

    def fail(self, bad: Bad) -> None:
        """Let the record be bad, and nothing of it be applied."""
        self.examined = bad
        self.step = None

    def again(self, other: Place) -> None:
        """Let the message have come to what it came to as ``other``, by another catalogue."""
        self.taken, self.examined, self.step, self.by = other.taken, other.examined, other.step, other.by


def place_of(message: Message, catalogue: Catalogue, chances: Chances, bug: Callable[[Exception], None]) -> Place:
    """What ``message`` comes to; an error of ours, which ``bug`` is told, makes it a bad record."""
    taken: Taken | None = None
    found: Examined
    try:
        if (wish := Wish.in_message(message.body)) is not None:
            return Place(message, wish, None, _step_of(wish, message), catalogue)
        taken = TakenRecord.from_bytes(message.body)
        found = examine(taken, catalogue, chances)
        if isinstance(found, Good):
            record = replace(found.record, told_as=_anew(message, taken)) if taken.again else found.record
            return Place(message, taken, found, record, catalogue)
    except UnreadableRecord as error:
        found = Bad("bug", str(error))
    except Exception as error:
        bug(error)
        found = Bad("bug", "an error of the exporter's own")
    return Place(message, taken, found, None, catalogue)


def runs(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    """The places, cut so that each wish is alone: it concerns what stands before it, bad records included."""
    begin = 0
    for at, place in enumerate(places):
        if isinstance(place.taken, Wish):
            if begin < at:
                yield places[begin:at]
            yield places[at : at + 1]
            begin = at + 1
    if begin < len(places):
        yield places[begin:]


def _step_of(wish: Wish, message: Message) -> Step:
    made = Deletion if wish.kind is WishKind.DELETE else Unlinking
    told_as = _anew(message, wish) if wish.again else ""
    return made(wish.xaction_id, wish.taken, Identity(wish.namespace, wish.id), told_as)


def _anew(message: Message, taken: Taken) -> str:
    """The id of what is told of a message that stands in the intake again.

    What it changes now is another change than the one that was told under its name, and who has had that one would take
    the second for a repetition. The place is the same whenever the message is read.
    """
    return f"{taken.xaction_id}:again:{message.lane}-{message.position}"

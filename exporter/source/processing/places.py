"""The messages of the intake on their way, each with what it came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from exporter.messages.message import Message
from exporter.source.collection.taken import TakenRecord, UnreadableRecord
from exporter.source.collection.wish import Wish, WishKind
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.examined import Bad, Chances, Examined, Good
from exporter.source.processing.examining import examine
from exporter.source.processing.letters import Taken
from exporter.source.profiles.merge.steps import Deletion, Outcome, Step, Unlinking
from exporter.source.records import Identity

_TOLD = Outcome.TOLD


class Place:
    """A message on its way, and what it came to.

    Attributes:
        message: as the intake has it.
        taken: what the message holds; None where it is none of ours.
        examined: what the record came to; None for a wish.
        step: what is to be applied, if anything is.
    """

    __slots__ = ("examined", "message", "step", "taken")

    def __init__(self, message: Message, taken: Taken | None, examined: Examined | None, step: Step | None) -> None:
        self.message = message
        self.taken = taken
        self.examined = examined
        self.step = step

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


def place_of(message: Message, catalogue: Catalogue, chances: Chances, bug: Callable[[Exception], None]) -> Place:
    """What ``message`` comes to; an error of ours, which ``bug`` is told, makes it a bad record."""
    taken: Taken | None = None
    found: Examined
    try:
        if (wish := Wish.in_message(message.body)) is not None:
            return Place(message, wish, None, _step_of(wish))
        taken = TakenRecord.from_bytes(message.body)
        found = examine(taken, catalogue, chances)
        if isinstance(found, Good):
            return Place(message, taken, found, found.record)
    except UnreadableRecord as error:
        found = Bad("bug", str(error))
    except Exception as error:
        bug(error)
        found = Bad("bug", "an error of the exporter's own")
    return Place(message, taken, found, None)


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


def counted(places: Sequence[Place], outcomes: Sequence[Outcome]) -> Mapping[tuple[str, str], int]:
    """How many records of which flow came to what, given the outcomes of the steps among ``places``."""
    counts: dict[tuple[str, str], int] = {}
    at = 0
    for place in places:
        if place.step is None:
            outcome = "aside" if place.bad is None else "bad"
        else:
            outcome = "applied" if outcomes[at] is _TOLD else "unchanged"
            at += 1
            if isinstance(place.taken, Wish):
                continue  # no record, and of no flow
        key = place.flow, outcome
        counts[key] = counts.get(key, 0) + 1
    return counts


def _step_of(wish: Wish) -> Step:
    made = Deletion if wish.kind is WishKind.DELETE else Unlinking
    return made(wish.xaction_id, wish.taken, Identity(wish.namespace, wish.id))

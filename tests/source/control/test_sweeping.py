"""A deleted flow goes for good once nothing can name it."""

from __future__ import annotations

from collections.abc import Sequence

from objects_made import InMemory

from exporter.queues.port import Position
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Install, Register
from exporter.source.control.objects.resource import Kind, Origin, Resource, document_of
from exporter.source.control.objects.sweeping import IN_HAND_MS, Sweeping
from exporter.state.made_objects import MadeObject


async def _compiled(_: Objects) -> Install:
    return lambda: None


def lane(name: str, settled_to: int, lag: int, end: int | None) -> Position:
    return Position("group", name, settled_to, 0, lag, True, None, end)


class Intake:
    """An intake that stands as ``lanes`` say, and is sought by a sweeping at ``now``."""

    def __init__(self, *deleted: int) -> None:
        flows = [Resource(Kind.DELETED_FLOW, str(at), {}, Origin(0), Origin(at), "") for at in deleted]
        flow = Resource(Kind.FLOW, "0", {}, Origin(0), Origin(0), "")
        self.made = InMemory()
        self.made.kept = {
            (each.kind, each.id): MadeObject(each.kind, each.id, document_of(each)) for each in (*flows, flow)
        }
        self.register = Register(Objects([*flows, flow]), self.made, _compiled)
        self.now = 0
        self.lanes: Sequence[Position] = ()
        self.sweeping = Sweeping(self.register, self.positions, lambda: self.now)

    async def positions(self) -> Sequence[Position]:
        return self.lanes

    async def left(self, now: int, *lanes: Position) -> list[str]:
        """The deleted flows that are left after a sweeping."""
        self.now, self.lanes = now, lanes
        await self.sweeping.sweep()
        return [each.id for each in self.register.objects.all(Kind.DELETED_FLOW)]


async def test_a_deleted_flow_goes_when_the_intake_is_empty_after_its_last_request() -> None:
    intake = Intake(0, 1000)
    # Of a stream whose ids are times nobody can tell the end.
    assert await intake.left(IN_HAND_MS, lane("0", 5, 0, None)) == ["0", "1000"]
    assert await intake.left(IN_HAND_MS + 1, lane("0", 4, 1, None)) == ["0", "1000"]
    assert await intake.left(IN_HAND_MS + 1) == ["0", "1000"]
    assert await intake.left(IN_HAND_MS + 1, lane("0", 5, 0, None)) == ["1000"]
    assert await intake.left(IN_HAND_MS + 1001, lane("0", 5, 0, None)) == []
    assert intake.register.objects.get(Kind.FLOW, "0") is not None
    assert list(intake.made.kept) == [(Kind.FLOW, "0")]


async def test_and_when_the_intake_is_never_empty_once_it_is_applied_beyond_that_request() -> None:
    intake = Intake(0, 1000)
    late = IN_HAND_MS + 1001
    # What was taken before counts until then, and what is taken later does not.
    assert await intake.left(IN_HAND_MS + 1, lane("0", 5, 5, 10), lane("1", 7, 3, 10)) == ["0", "1000"]
    assert await intake.left(late, lane("0", 10, 10, 20), lane("1", 9, 11, 20)) == ["0", "1000"]
    # A lane that came later holds nothing of the flow.
    assert await intake.left(late, lane("0", 11, 19, 30), lane("1", 10, 20, 30), lane("2", 0, 9, 9)) == ["1000"]
    assert await intake.left(late, lane("0", 20, 10, 30), lane("1", 20, 10, 30)) == []

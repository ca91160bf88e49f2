"""A deleted flow goes for good once nothing can name it."""

from __future__ import annotations

from collections.abc import Sequence

from objects_made import InMemory

from exporter.queues.port import Position
from exporter.source.control.answers import found
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, Install, Register, made_before
from exporter.source.control.objects.resource import Kind, Origin, Resource, document_of
from exporter.source.control.objects.sweeping import FORGET_MS, IN_HAND_MS, SAY_MS, Sweeping
from exporter.state.made_objects import MadeObject


async def _compiled(_: Objects) -> Install:
    return lambda: None


def lane(name: str, settled_to: int, lag: int, end: int | None) -> Position:
    return Position("group", name, settled_to, 0, lag, True, None, end)


NAME = "intake"


def deleted_flow(at: int) -> Resource:
    return Resource(Kind.DELETED_FLOW, str(at), {}, Origin(0), Origin(at), "")


class Intake:
    """An intake that stands as ``lanes`` say, and is sought by a sweeping at ``now``."""

    def __init__(self, made: InMemory, name: str, objects: Sequence[Resource]) -> None:
        self.register = Register(Objects(objects), made, _compiled)
        self.now = 0
        self.lanes: Sequence[Position] = ()
        self.sweeping = Sweeping(self.register, name, self.positions, lambda: self.now)

    async def positions(self) -> Sequence[Position]:
        return self.lanes

    async def left(self, now: int, *lanes: Position) -> list[str]:
        """The deleted flows that are left after a sweeping."""
        self.now, self.lanes = now, lanes
        await self.register.follow()
        await self.sweeping.sweep()
        return [each.id for each in self.register.objects.all(Kind.DELETED_FLOW)]


def intake_of(*deleted: int, made: InMemory | None = None, name: str = NAME) -> Intake:
    """An intake of a process that begins with flows that were deleted, and one that was not."""
    state = InMemory() if made is None else made
    flow = Resource(Kind.FLOW, "0", {}, Origin(0), Origin(0), "")
    there = [*map(deleted_flow, deleted), flow]
    state.kept = {(each.kind, each.id): MadeObject(each.kind, each.id, document_of(each)) for each in there}
    return Intake(state, name, there)


async def test_a_deleted_flow_goes_when_the_intake_is_empty_after_its_last_request() -> None:
    state = InMemory()
    intake = intake_of(0, 1000, made=state)
    # Of a stream whose ids are times nobody can tell the end.
    assert await intake.left(IN_HAND_MS, lane("0", 5, 0, None)) == ["0", "1000"]
    assert await intake.left(IN_HAND_MS + 1, lane("0", 4, 1, None)) == ["0", "1000"]
    assert await intake.left(IN_HAND_MS + 1) == ["0", "1000"]
    assert await intake.left(IN_HAND_MS + 1, lane("0", 5, 0, None)) == ["1000"]
    assert await intake.left(IN_HAND_MS + 1001, lane("0", 5, 0, None)) == []
    assert intake.register.objects.get(Kind.FLOW, "0") is not None
    assert list(state.kept) == [(Kind.FLOW, "0"), (Kind.INTAKE, NAME)]


async def test_and_when_the_intake_is_never_empty_once_it_is_applied_beyond_that_request() -> None:
    intake = intake_of(0, 1000)
    late = IN_HAND_MS + 1001
    # What was taken before counts until then, and what is taken later does not.
    assert await intake.left(IN_HAND_MS + 1, lane("0", 5, 5, 10), lane("1", 7, 3, 10)) == ["0", "1000"]
    assert await intake.left(late, lane("0", 10, 10, 20), lane("1", 9, 11, 20)) == ["0", "1000"]
    # A lane that came later holds nothing of the flow.
    assert await intake.left(late, lane("0", 11, 19, 30), lane("1", 10, 20, 30), lane("2", 0, 9, 9)) == ["1000"]
    assert await intake.left(late, lane("0", 20, 10, 30), lane("1", 20, 10, 30)) == []


async def deleted(intake: Intake, at: int) -> None:
    """A flow is deleted by the process with this intake."""
    await intake.register.change(lambda objects: Change(objects.put(deleted_flow(at)), found({})))


async def test_of_several_intakes_the_last_one_lets_it_go() -> None:
    state, nothing = InMemory(), lane("0", 5, 0, None)
    first, second = (Intake(state, name, []) for name in ("first", "second"))
    for each in (first, second):
        assert await each.left(0, nothing) == []
    await deleted(first, 0)
    assert await second.left(1, lane("0", 4, 1, None)) == ["0"]
    late = IN_HAND_MS + 2
    assert await first.left(1, nothing) == ["0"]
    assert await first.left(late, nothing) == ["0"]
    # One that was away takes up what is left, and is not asked again.
    assert await first.left(late, lane("0", 5, 9, None)) == ["0"]
    assert await second.left(late, lane("0", 4, 1, None)) == ["0"]
    again = Intake(state, "second", await made_before(state))
    assert await again.left(late, lane("0", 4, 1, None)) == ["0"]
    assert await again.left(late, nothing) == []
    assert await first.left(late, nothing) == []
    assert [kind for kind, _ in state.kept] == [Kind.INTAKE, Kind.INTAKE]


async def test_a_process_counts_from_when_it_heard_that_a_flow_is_deleted() -> None:
    state, nothing = InMemory(), lane("0", 5, 0, None)
    first, second = (Intake(state, name, []) for name in ("first", "second"))
    await second.left(0, nothing)
    await deleted(first, 0)
    late = 10 * IN_HAND_MS
    assert await second.left(late, nothing) == ["0"]
    assert await first.left(late, nothing) == ["0"]
    assert await second.left(late + IN_HAND_MS, nothing) == ["0"]
    assert await second.left(late + IN_HAND_MS + 1, nothing) == ["0"]
    assert await first.left(late + IN_HAND_MS + 1, nothing) == []


async def test_an_intake_that_nobody_has_any_more_is_waited_for_no_longer() -> None:
    state, nothing = InMemory(), lane("0", 5, 0, None)
    first, second = (Intake(state, name, []) for name in ("first", "second"))
    for each in (first, second):
        await each.left(0, nothing)
    await deleted(first, 0)
    await first.left(0, nothing)
    assert await first.left(FORGET_MS, nothing) == ["0"]
    assert await first.left(FORGET_MS + SAY_MS + 1, nothing) == []
    assert list(state.kept) == [(Kind.INTAKE, "first")]

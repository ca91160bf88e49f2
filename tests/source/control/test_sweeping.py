"""A deleted flow goes for good once nothing can name it."""

from __future__ import annotations

from objects_made import InMemory

from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Install, Register
from exporter.source.control.objects.resource import Kind, Origin, Resource, document_of
from exporter.source.control.objects.sweeping import IN_HAND_MS, Sweeping
from exporter.state.made_objects import MadeObject


async def _compiled(_: Objects) -> Install:
    return lambda: None


async def test_a_deleted_flow_goes_when_the_intake_is_empty_after_its_last_request() -> None:
    deleted = [Resource(Kind.DELETED_FLOW, str(at), {}, Origin(0), Origin(at), "") for at in (0, 1000)]
    flow = Resource(Kind.FLOW, "0", {}, Origin(0), Origin(0), "")
    made = InMemory()
    await made.write([MadeObject(each.kind, each.id, document_of(each)) for each in (*deleted, flow)], [])
    register = Register(Objects([*deleted, flow]), made, _compiled)
    for now, waiting, left in (
        (IN_HAND_MS, 0, ["0", "1000"]),
        (IN_HAND_MS + 1, 1, ["0", "1000"]),
        (IN_HAND_MS + 1, None, ["0", "1000"]),
        (IN_HAND_MS + 1, 0, ["1000"]),
        (IN_HAND_MS + 1001, 0, []),
    ):
        await Sweeping(register, lambda: waiting, lambda: now).sweep()  # noqa: B023 (called in this turn)
        assert [each.id for each in register.objects.all(Kind.DELETED_FLOW)] == left
    assert register.objects.get(Kind.FLOW, "0") == flow
    assert list(made.kept) == [(Kind.FLOW, "0")]

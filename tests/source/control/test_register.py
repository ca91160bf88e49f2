"""Objects change one change at a time: compiled, durable and in force before the answer, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from objects_made import InMemory

from exporter.sections.mistakes import Mistake
from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, Edit, Install, Register, made_before
from exporter.source.control.objects.resource import Kind, Origin, Resource


def flow(name: str, etag: str = "1", declared: str | None = None) -> Resource:
    return Resource(Kind.FLOW, name, {"name": name, "etag": etag}, Origin(1), Origin(1), etag, declared)


def put(resource: Resource) -> Edit:
    return lambda objects: Change(objects.put(resource), found({}, 201))


class Compiling:
    """Takes a turn of the loop; refuses flows that are named "bad"; remembers what is in force."""

    def __init__(self) -> None:
        self.in_force: list[list[str]] = []

    async def __call__(self, objects: Objects) -> Install | Sequence[Mistake]:
        await asyncio.sleep(0)
        names = [each.id for each in objects.all(Kind.FLOW)]
        if "bad" in names:
            return [Mistake(("flows", "bad"), "is bad")]
        return lambda: self.in_force.append(names)


async def test_a_change_is_durable_and_in_force_at_its_answer() -> None:
    made, compiling = InMemory(), Compiling()
    register = Register(Objects([flow("declared", declared="a.yaml")]), made, compiling)
    assert (await register.change(put(flow("new")))).status == 201
    assert compiling.in_force == [["declared", "new"]]
    assert await made_before(made) == [flow("new")]
    assert (await register.change(lambda objects: Change(objects.without(Kind.FLOW, "new"), found({})))).status == 200
    assert await made_before(made) == []
    assert [each.id for each in register.objects] == ["declared"]


async def test_what_is_refused_changes_nothing() -> None:
    made, compiling = InMemory(), Compiling()
    register = Register(Objects(), made, compiling)
    assert (await register.change(lambda _: failed(412, "1404-412", ""))).status == 412
    refused = await register.change(put(flow("bad")))
    assert (refused.status, b"flows.bad: is bad" in refused.body) == (400, True)
    worded: Edit = lambda objects: Change(objects.put(flow("bad")), found({}), lambda _: failed(400, "1419-400", ""))  # noqa: E731
    assert b"1419-400" in (await register.change(worded)).body
    made.away = True
    assert (await register.change(put(flow("new")))).status == 503
    assert (compiling.in_force, made.kept, list(register.objects)) == ([], {}, [])


async def test_of_two_writers_with_one_etag_one_wins() -> None:
    register = Register(Objects([flow("x")]), InMemory(), Compiling())

    def writer(etag: str) -> Callable[[Objects], Change | Answer]:
        def edit(objects: Objects) -> Change | Answer:
            now = objects.get(Kind.FLOW, "x")
            if now is None or now.etag != "1":
                return failed(412, "1404-412", "")
            return Change(objects.put(flow("x", etag)), found({}))

        return edit

    answers = await asyncio.gather(*(register.change(writer(str(number))) for number in range(2, 12)))
    assert sorted(answer.status for answer in answers) == [200, *[412] * 9]
    [kept] = register.objects
    assert kept.etag == "2"


async def test_what_is_declared_anew_takes_the_place_of_what_was() -> None:
    made, compiling = InMemory(), Compiling()
    register = Register(Objects([flow("old", declared="a.yaml")]), made, compiling)
    await register.change(put(flow("made")))
    beside: list[int] = []
    assert await register.redeclare([flow("new", declared="a.yaml")], compiling, lambda: beside.append(1)) == ()
    assert ([each.id for each in register.objects], beside) == (["new", "made"], [1])
    both = await register.redeclare([flow("made", declared="a.yaml")], compiling, lambda: beside.append(2))
    assert [mistake.at for mistake in both] == [("flows", "made")]
    assert await register.redeclare([flow("bad", declared="a.yaml")], compiling, lambda: beside.append(3))
    assert ([each.id for each in register.objects], beside) == (["new", "made"], [1])
    assert compiling.in_force[-1] == ["new", "made"]


def described(name: str, etag: str, new: str) -> Edit:
    """A change of one flow, if it has that etag."""

    def edit(objects: Objects) -> Change | Answer:
        found_ = objects.get(Kind.FLOW, name)
        if found_ is None:
            return failed(404, "1439-404", "")
        return Change(objects.put(flow(name, new)), found({})) if found_.etag == etag else failed(412, "1404-412", "")

    return edit


async def test_a_change_is_judged_by_what_other_processes_made() -> None:
    made = InMemory()
    first, second = (Register(Objects([flow("declared", declared="a.yaml")]), made, Compiling()) for _ in range(2))
    assert (await first.change(put(flow("x")))).status == 201
    # Whoever does not know of it writes nothing over it.
    assert (await second.change(put(flow("y")))).status == 201
    assert [each.id for each in second.objects] == ["declared", "x", "y"]
    assert (await first.change(described("y", "1", "2"))).status == 404
    await first.follow()
    assert (await first.change(described("x", "1", "2"))).status == 200
    assert (await second.change(described("x", "1", "3"))).status == 412
    assert (await second.change(described("x", "2", "4"))).status == 200
    assert {each.id: each.etag for each in await made_before(made)} == {"x": "4", "y": "1"}
    await first.follow()
    assert list(first.objects) == list(second.objects)


async def test_what_others_made_is_put_in_force_once() -> None:
    made, compiling = InMemory(), Compiling()
    first, second = Register(Objects(), made, Compiling()), Register(Objects(), made, compiling)
    await first.change(put(flow("x")))
    await asyncio.gather(*(second.follow() for _ in range(5)))
    assert compiling.in_force == [["x"]]
    await second.change(lambda objects: Change(objects.without(Kind.FLOW, "x"), found({})))
    await second.follow()
    assert compiling.in_force == [["x"], []]
    await first.follow()
    assert list(first.objects) == []


async def test_what_cannot_be_in_force_here_is_said_and_stops_changes_only() -> None:
    async def anything(_: Objects) -> Install:
        return lambda: None

    made, compiling = InMemory(), Compiling()
    first, second = Register(Objects(), made, anything), Register(Objects(), made, compiling)
    await second.change(put(flow("x")))
    await first.change(put(flow("bad")))
    await second.follow()
    assert second.failure is not None
    assert "flows.bad: is bad" in second.failure
    refused = await second.change(put(flow("y")))
    assert (refused.status, b"flows.bad: is bad" in refused.body) == (503, True)
    assert ([each.id for each in second.objects], compiling.in_force) == (["x"], [["x"]])
    # A reload by which it can be.
    assert await second.redeclare([], anything, lambda: None) == ()
    assert {each.id for each in second.objects} == {"x", "bad"}
    assert (await second.change(put(flow("y")))).status == 201


async def test_a_state_that_lost_everything_takes_nothing_out_of_force() -> None:
    made, compiling = InMemory(), Compiling()
    register = Register(Objects(), made, compiling)
    await register.change(put(flow("x")))
    made.lose()
    await register.follow()
    assert "has lost what was made" in str(register.failure)
    assert (await register.change(put(flow("y")))).status == 503
    assert ([each.id for each in register.objects], compiling.in_force, made.kept) == (["x"], [["x"]], {})


async def test_a_namespace_that_is_declared_later_keeps_its_number() -> None:
    def namespace(code: str, number: int, declared: str | None = None) -> Resource:
        fields = {"code": code, "id": number}
        return Resource(Kind.NAMESPACE, code.lower(), fields, Origin(number), Origin(number), "", declared)

    made, compiling = InMemory(), Compiling()
    register = Register(Objects(), made, compiling)
    await register.change(put(namespace("MyNs", 10_001)))
    assert await register.redeclare([namespace("myns", 1_000_000_007, "a.yaml")], compiling, lambda: None) == ()
    [one] = register.objects.all(Kind.NAMESPACE)
    assert (one.fields, one.declared, one.created.at) == ({"code": "myns", "id": 10_001}, "a.yaml", 10_001)
    await register.change(put(flow("x")))
    # And is what was made again, once nobody declares it.
    assert await register.redeclare([], compiling, lambda: None) == ()
    assert register.objects.all(Kind.NAMESPACE) == (namespace("MyNs", 10_001),)

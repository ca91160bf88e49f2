"""Ids and objects that were made stand in the state for good, until they are deleted."""

from __future__ import annotations

import asyncio

from state_kinds import Kind

from exporter.state.kinds import open_state
from exporter.state.made_objects import UNCHANGED, MadeObject


async def test_an_id_is_made_once(kind: Kind) -> None:
    async with open_state(kind.settings) as state:
        assert await state.made_ids.settled({}) == {}
        assert await state.made_ids.settled({"inlet/crm": "a"}) == {"inlet/crm": "a"}
    async with open_state(kind.settings) as state:
        assert await state.made_ids.settled({"inlet/crm": "b", "inlet/web": "c"}) == {
            "inlet/crm": "a",
            "inlet/web": "c",
        }


async def test_objects_are_put_in_the_place_of_others_and_deleted(kind: Kind) -> None:
    first, second = (
        MadeObject("flows", "1", b"{}"),
        MadeObject("schemas", "https://example/schemas/1", b'{"a": "\xc3\xa4"}'),
    )
    async with open_state(kind.settings) as state:
        objects = state.made_objects
        assert await objects.all() == (UNCHANGED, [])
        revision = await objects.write([first, second], [], UNCHANGED)
        assert revision is not None
        assert sorted((await objects.all()).objects) == [first, second]
    async with open_state(kind.settings) as state:
        objects = state.made_objects
        assert await objects.revision() == revision
        assert sorted((await objects.all()).objects) == [first, second]
        changed = first._replace(document=b"[]")
        after = await objects.write([changed], [("schemas", second.id), ("flows", "lost")], revision)
        assert await objects.all() == (after, [changed])


async def test_of_two_that_change_one_revision_one_writes(kind: Kind) -> None:
    flows = [MadeObject("flows", str(number), b"{}") for number in range(2)]
    async with open_state(kind.settings) as one, open_state(kind.settings) as other:
        for round_ in range(20):
            before = await one.made_objects.revision()
            deleted = [("flows", flows[round_ % 2].id)]
            writing = [state.made_objects.write([flows[0]], deleted, before) for state in (one, other)]
            written = [each for each in await asyncio.gather(*writing) if each is not None]
            assert len(written) == 1
            assert await other.made_objects.revision() == written[0] != before
        # What is no change of the one that stands there leaves all as it was.
        stands = await one.made_objects.all()
        assert await other.made_objects.write(flows, [("flows", "0")], before) is None
        assert await one.made_objects.all() == stands

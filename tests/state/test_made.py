"""Ids and objects that were made stand in the state for good, until they are deleted."""

from __future__ import annotations

from state_kinds import Kind

from exporter.state.kinds import open_state
from exporter.state.made_objects import MadeObject


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
        assert await objects.all() == []
        await objects.write([], [])
        await objects.write([first, second], [])
        assert sorted(await objects.all()) == [first, second]
    async with open_state(kind.settings) as state:
        objects = state.made_objects
        assert sorted(await objects.all()) == [first, second]
        changed = first._replace(document=b"[]")
        await objects.write([changed], [("schemas", second.id), ("flows", "lost")])
        assert await objects.all() == [changed]

"""What is made once is the same for every process and start, in every kind of state."""

from __future__ import annotations

import asyncio

from state_kinds import Kind

from exporter.daemon.serving.parts import key_settled
from exporter.state.kinds import open_state


async def test_who_comes_first_settles_it_for_good(kind: Kind) -> None:
    async with open_state(kind.settings) as one, open_state(kind.settings) as two:
        wanted = [{"inlet/crm": text, "ims/key": f"key {text}"} for text in ("a", "b")]
        settled, same = await asyncio.gather(one.made_ids.settled(wanted[0]), two.made_ids.settled(wanted[1]))
        assert settled == same
        assert dict(settled) in wanted
        assert await one.made_ids.settled({}) == {}
        assert await one.made_ids.known(["inlet/web", "inlet/crm"]) == {"inlet/crm": settled["inlet/crm"]}
        assert await one.made_ids.known([]) == {}
    async with open_state(kind.settings) as again:
        assert await again.made_ids.settled({"ims/key": "c"}) == {"ims/key": settled["ims/key"]}


async def test_all_sign_with_one_key(kind: Kind) -> None:
    async with open_state(kind.settings) as one, open_state(kind.settings) as two:
        keys = await asyncio.gather(key_settled(one), key_settled(two))
    async with open_state(kind.settings) as again:
        assert {key.issuer for key in keys} == {(await key_settled(again)).issuer}

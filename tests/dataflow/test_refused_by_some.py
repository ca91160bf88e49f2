"""An event whose credentials the endpoint refuses while it takes others: its own fault in the end."""

from __future__ import annotations

from pathlib import Path

import orjson
from flowing import OK, Endpoint, event, flowing

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.memory import open_memory
from exporter.state.kinds import open_state
from exporter.state.letter import Filter
from exporter.state.sqlite.settings import SqliteSettings


class AlwaysAnother:
    """An authorizer that has another token whenever one is refused."""

    refresh_on = frozenset({401})

    def __init__(self) -> None:
        self._number = 0
        self._current = Authorization("Bearer 0")

    def at_hand(self) -> Authorization | None:
        return self._current

    async def authorize(self) -> Authorization | Unauthorized:
        return self._current

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        if refused is self._current:
            self._number += 1
            self._current = Authorization(f"Bearer {self._number}")
        return self._current


async def test_it_is_dead_lettered_and_the_others_go_on(tmp_path: Path) -> None:
    async def refuse_one(request: Request) -> Outcome:
        return Answer(401, {}, b"") if orjson.loads(request.body)["person"]["version"] == 1 else OK

    async with (
        open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue,
        flowing(queue, tmp_path, Endpoint(refuse_one), authorizer=AlwaysAnother()) as flow,
    ):
        await flow.publish(*(event(n, f"p{n}") for n in range(1, 20)))
        await flow.settled()

        assert set(flow.endpoint.versions) == set(range(1, 20))
        assert [line["reason"] for line in flow.logs if line["event"] == "paused"] == ["credentials"]
        async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
            [letter] = await state.letters.page(Filter(), after=0, limit=10)
        assert (letter.event_id, letter.reason, letter.status) == ("e1", "retries_exhausted", 401)

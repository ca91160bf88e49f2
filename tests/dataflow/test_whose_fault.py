"""Whose fault a failure is, from the token to the pause, and bugs that are not in a row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flowing import OK, Endpoint, event, flowing, until

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow.dependencies import Dependencies
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


class Failing:
    """An authorizer whose token endpoint fails while ``failing``, from the start or when a token is refused."""

    refresh_on = frozenset({401})

    def __init__(self, *, at_first: bool) -> None:
        self.failing = True
        self._at_first = at_first
        self._new = Authorization("Bearer new")
        self._current = Authorization("Bearer old")

    def at_hand(self) -> Authorization | None:
        return None if self.failing and self._at_first else self._current

    async def authorize(self) -> Authorization | Unauthorized:
        return Unauthorized("token_endpoint", "HTTP 500") if self.failing and self._at_first else self._current

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        if self.failing:
            return Unauthorized("token_endpoint", "HTTP 500")
        self._current = self._new
        return self._current


async def only_new(request: Request) -> Outcome:
    return OK if ("Authorization", "Bearer new") in request.fixed else Answer(401, {}, b"")


@pytest.mark.parametrize("at_first", [True, False], ids=["at first", "when a token was refused"])
async def test_a_failing_token_endpoint_pauses_and_is_no_events_fault(
    queue: Queue, tmp_path: Path, at_first: bool
) -> None:
    authorizer = Failing(at_first=at_first)
    async with flowing(queue, tmp_path, Endpoint(only_new), authorizer=authorizer) as flow:
        outbox = flow.flow.dependencies.outbox
        await flow.publish(*(event(n, f"p{n}") for n in range(5)))
        await until(lambda: outbox.pause is not None and outbox.pause.probes > 2)
        assert outbox.reasons == {"token_endpoint"}
        assert outbox.pause is not None
        assert not outbox.pause.refused

        authorizer.failing = False
        await flow.settled()
        assert flow.letters.count() == 0
        assert flow.count("exporter_retries_total") == 0


async def test_bugs_in_building_that_are_not_in_a_row_do_not_pause(queue: Queue, tmp_path: Path) -> None:
    def breaking(dependencies: Dependencies) -> Dependencies:
        real = dependencies.build

        def build(change: Any) -> Any:
            if int(change.id[1:]) % 5 != 4:
                raise KeyError
            return real(change)

        return replace(dependencies, build=build)

    async with flowing(queue, tmp_path, dependencies=breaking) as flow:
        await flow.publish(*(event(n, f"p{n}") for n in range(20)))
        await flow.settled()

        assert sorted(flow.endpoint.versions) == [4, 9, 14, 19]
        assert flow.letters.count() == 16

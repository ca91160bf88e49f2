"""Which requests of a dataflow pass through its tracing, and that none does where it is off."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from flowing import OK, Endpoint, event, flowing

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow.dependencies import Dependencies
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.messages.export import Export
from exporter.queues.kinds import open_queue
from exporter.queues.memory import MemorySettings
from exporter.transport.port import Transport


@dataclass
class Tracing:
    """Notes the attempt and the event of each request that it passes on."""

    attempts: list[tuple[str, int]] = field(default_factory=list)

    async def send(self, request: Request, export: Export, transport: Transport) -> Outcome:
        self.attempts.append((export.event_id, export.attempts))
        return await transport.send(request)

    def on(self, dependencies: Dependencies) -> Dependencies:
        return replace(dependencies, tracing=self)


class Renewable:
    """Has an old token, and a new one once asked."""

    refresh_on = frozenset({401})

    def __init__(self) -> None:
        self.token = "Bearer old"

    def at_hand(self) -> Authorization | None:
        return Authorization(self.token)

    async def authorize(self) -> Authorization | Unauthorized:
        return Authorization(self.token)

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        self.token = "Bearer new"
        return Authorization(self.token)


async def test_every_request_passes_through_it_the_second_under_a_new_token_too(tmp_path: Path) -> None:
    async def answer(request: Request) -> Outcome:
        if ("Authorization", "Bearer new") not in request.fixed:
            return Answer(401, {}, b"")
        return OK if len(endpoint.requests) > 2 else Answer(503, {}, b"")

    endpoint, tracing = Endpoint(answer), Tracing()
    async with (
        open_queue(MemorySettings(), (), lambda _: None) as queue,
        flowing(queue, tmp_path, endpoint, authorizer=Renewable(), dependencies=tracing.on) as flow,
    ):
        await flow.publish(event(1))
        await flow.settled()
    assert len(endpoint.requests) == 3
    assert tracing.attempts == [("e1", 1), ("e1", 1), ("e1", 2)]


async def test_where_no_token_is_to_be_had_nothing_is_sent_and_nothing_traced(tmp_path: Path) -> None:
    class Without(Renewable):
        asked = 0

        def at_hand(self) -> Authorization | None:
            return None

        async def authorize(self) -> Authorization | Unauthorized:
            self.asked += 1
            return Unauthorized("token_endpoint", "away")

    tracing, without = Tracing(), Without()
    async with (
        open_queue(MemorySettings(), (), lambda _: None) as queue,
        flowing(queue, tmp_path, authorizer=without, dependencies=tracing.on) as flow,
    ):
        await flow.publish(event(1))
        async with asyncio.timeout(30):
            while not without.asked:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.005)
    assert tracing.attempts == []


async def test_off_leaves_requests_as_they_were(tmp_path: Path) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with (
        open_queue(MemorySettings(), (), lambda _: None) as queue,
        flowing(queue, tmp_path) as flow,
    ):
        body = event(1).replace(b'"id":"e1"', b'"id":"e1","traceparent":"%s"' % parent.encode())
        assert body != event(1)
        await flow.publish(body)
        await flow.settled()
    [request] = flow.endpoint.requests
    assert [name for name, _ in request.own] == ["Idempotency-Key", "Exporter-Position"]

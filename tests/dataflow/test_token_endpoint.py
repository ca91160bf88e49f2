"""A dataflow and its token endpoint: when that is asked again, and what pauses."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from flowing import OK, Endpoint, event, flowing, until
from pydantic import TypeAdapter

from exporter.auth.authorizer import Authorizer, Surroundings
from exporter.auth.kinds import AuthSettings
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue

REFUSED = Answer(401, {}, b"")


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


def granted(number: int, **fields: object) -> Answer:
    return Answer(200, {}, json.dumps({"access_token": f"t{number}", "token_type": "Bearer", **fields}).encode())


class TokenServer:
    """A transport of token requests; ``answers`` are the first, then it grants tokens by their number."""

    def __init__(self, *answers: Outcome, clock: Callable[[], float] = time.monotonic, **fields: object) -> None:
        self._answers = list(answers)
        self._fields = fields
        self._clock = clock
        self.asked: list[Request] = []
        self.at: list[float] = []

    async def send(self, request: Request) -> Outcome:
        self.asked.append(request)
        self.at.append(time.monotonic())
        return self._answers.pop(0) if self._answers else granted(len(self.asked), **self._fields)

    def authorizer(self) -> Authorizer:
        keys = {"kind": "oauth2_client_credentials", "client_id": "id", "client_secret": "s"}
        section = TypeAdapter[Any](AuthSettings).validate_python({"token_url": "http://localhost/", **keys})
        made: Authorizer = section.authorizer(self, Surroundings(clock=self._clock))
        return made


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_of_the_token_endpoint_is_kept(queue: Queue, tmp_path: Path, status: int) -> None:
    tokens = TokenServer(Answer(status, {"retry-after": "2"}, b""))
    async with flowing(queue, tmp_path, authorizer=tokens.authorizer()) as flow:
        outbox = flow.flow.dependencies.outbox
        await flow.publish(*(event(n, f"p{n}") for n in range(5)))
        await until(lambda: outbox.pause is not None)
        assert outbox.reasons == {"token_endpoint"}
        await flow.settled()
        assert flow.letters.count() == 0

    # Probes of this dataflow are due after 0.05, 0.1 ... seconds.
    assert len(tokens.asked) == 2
    assert tokens.at[1] - tokens.at[0] >= 2.0


async def test_retry_after_is_kept_when_a_token_was_refused(queue: Queue, tmp_path: Path) -> None:
    tokens = TokenServer(granted(1), Answer(503, {"retry-after": "2"}, b""))

    async def only_third(request: Request) -> Outcome:
        return OK if ("Authorization", "Bearer t3") in request.fixed else REFUSED

    async with flowing(queue, tmp_path, Endpoint(only_third), authorizer=tokens.authorizer()) as flow:
        await flow.publish(*(event(n, f"p{n}") for n in range(5)))
        await flow.settled()
        assert flow.letters.count() == 0

    assert len(tokens.asked) == 3
    assert tokens.at[2] - tokens.at[1] >= 2.0


async def test_tokens_that_live_for_a_moment_pause_nothing(queue: Queue, tmp_path: Path) -> None:
    """Eight seconds each on a clock that runs ahead: many a minute, and none was refused."""
    now = [0.0]
    tokens = TokenServer(clock=lambda: now[0], expires_in=8)
    async with flowing(queue, tmp_path, authorizer=tokens.authorizer()) as flow:
        for number in range(20):
            await flow.publish(event(number))
            await flow.settled()
            assert flow.flow.dependencies.outbox.pause is None
            now[0] += 7.0

    assert len(tokens.asked) == 20
    assert not [entry for entry in flow.logs if entry["event"] == "paused"]


async def test_what_the_token_endpoint_said_after_a_refusal_is_told(queue: Queue, tmp_path: Path) -> None:
    refused = Answer(400, {}, b'{"error": "invalid_client"}')
    tokens = TokenServer(granted(1), *[refused] * 100)

    async def refuse(request: Request) -> Outcome:
        return REFUSED

    async with flowing(queue, tmp_path, Endpoint(refuse), authorizer=tokens.authorizer(), drain_seconds=0.0) as flow:
        await flow.publish(event(1))
        await until(lambda: flow.flow.dependencies.outbox.pause is not None)
        pause = flow.flow.dependencies.outbox.pause
        assert pause is not None
        assert pause.reason == "credentials"
        assert pause.detail == "HTTP 401; the token endpoint refused the credentials: HTTP 400 invalid_client"

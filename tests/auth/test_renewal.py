"""When a token is fetched, for whom, and which one is presented meanwhile; on a clock that the test sets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import TypeAdapter

from exporter.auth.authorizer import Authorization, Authorizer, Unauthorized
from exporter.auth.kinds import AuthSettings
from exporter.auth.renewal import EARLY_RETRY_SECONDS
from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request, Unreachable

LONG = 30.0


def answer(token: str, **fields: object) -> Answer:
    return Answer(200, {}, json.dumps({"access_token": token, **fields}).encode())


REFUSED = Answer(401, {}, b'{"error": "invalid_client", "error_description": "hunter2"}')
FAILED = Answer(503, {}, b"hunter2")


@dataclass
class TokenServer:
    """A transport that answers token requests as it is told; without words it numbers its tokens."""

    answers: list[Outcome] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    #: Where set, an answer waits for it.
    gate: asyncio.Event | None = None
    now: float = 1000.0
    outcomes: list[str] = field(default_factory=list)
    lifetime: object = 3600

    async def send(self, request: Request) -> Outcome:
        self.asked.append(request)
        number = len(self.asked)
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        return self.answers.pop(0) if self.answers else answer(f"t{number}", expires_in=self.lifetime)

    def authorizer(self, **keys: Any) -> Authorizer:
        client = {"kind": "oauth2_client_credentials", "client_id": "id", "client_secret": "s"}
        section = TypeAdapter[Any](AuthSettings).validate_python({"token_url": "http://localhost/", **client, **keys})
        made: Authorizer = section.authorizer(self, clock=lambda: self.now, observe=self.outcomes.append)
        return made


@pytest.fixture
def server() -> TokenServer:
    return TokenServer()


def header(outcome: Authorization | Unauthorized) -> str | None:
    assert isinstance(outcome, Authorization)
    return outcome.header


async def test_a_token_is_fetched_once_and_kept(server: TokenServer) -> None:
    authorizer = server.authorizer()

    first, second = await authorizer.authorize(), await authorizer.authorize()

    assert first is second
    assert header(first) == "Bearer t1"
    assert len(server.asked) == 1


class TestExpiry:
    @pytest.mark.parametrize(
        ("lifetime", "lasts"),
        [
            pytest.param(3600, 3540, id="an hour: a minute before"),
            pytest.param(300, 240, id="five minutes: a minute before"),
            pytest.param(100, 80, id="a fifth before"),
            pytest.param(10, 8, id="seconds"),
            pytest.param("100", 80, id="in quotes"),
            pytest.param(10**9, 10**9 - 60, id="for ever"),
            pytest.param(None, 3540, id="unknown: an hour"),
            pytest.param(0, 3540, id="zero is unknown"),
            pytest.param(-1, 3540, id="negative is unknown"),
            pytest.param("never", 3540, id="a word is unknown"),
        ],
    )
    async def test_a_token_is_renewed_ahead_of_it(self, server: TokenServer, lifetime: object, lasts: float) -> None:
        server.lifetime = lifetime
        authorizer = server.authorizer()
        await authorizer.authorize()

        server.now += lasts - 0.1
        assert header(await authorizer.authorize()) == "Bearer t1"
        server.now += 0.2
        assert header(await authorizer.authorize()) == "Bearer t2"

    async def test_is_counted_from_the_request(self, server: TokenServer) -> None:
        server.gate = asyncio.Event()
        authorizer = server.authorizer()
        async with asyncio.timeout(LONG), asyncio.TaskGroup() as group:
            group.create_task(authorizer.authorize())
            await asyncio.sleep(0)
            server.now += 3540
            server.gate.set()

        assert header(await authorizer.authorize()) == "Bearer t2"

    async def test_a_token_is_presented_once_however_short_its_life(self, server: TokenServer) -> None:
        server.gate = asyncio.Event()
        server.lifetime = 1
        authorizer = server.authorizer()
        async with asyncio.timeout(LONG), asyncio.TaskGroup() as group:
            asking = [group.create_task(authorizer.authorize()) for _ in range(3)]
            await asyncio.sleep(0)
            server.now += 2
            server.gate.set()

        assert [header(task.result()) for task in asking] == ["Bearer t1"] * 3

    async def test_others_go_on_with_the_old_token_while_it_is_renewed(self, server: TokenServer) -> None:
        authorizer = server.authorizer()
        await authorizer.authorize()
        server.now += 3550
        server.gate = asyncio.Event()

        async with asyncio.timeout(LONG), asyncio.TaskGroup() as group:
            renewing = group.create_task(authorizer.authorize())
            await asyncio.sleep(0)
            assert header(await authorizer.authorize()) == "Bearer t1"
            server.gate.set()
        assert header(renewing.result()) == "Bearer t2"
        assert header(await authorizer.authorize()) == "Bearer t2"

    @pytest.mark.parametrize("trouble", [FAILED, REFUSED, NoAnswer("x"), Unreachable("x")])
    async def test_a_failed_renewal_leaves_the_old_token_until_it_expires(
        self, server: TokenServer, trouble: Outcome
    ) -> None:
        authorizer = server.authorizer()
        await authorizer.authorize()
        server.answers = [trouble, trouble, trouble]

        server.now += 3550
        assert header(await authorizer.authorize()) == "Bearer t1"
        assert header(await authorizer.authorize()) == "Bearer t1"
        assert len(server.asked) == 2  # not asked again at once

        server.now += EARLY_RETRY_SECONDS
        assert header(await authorizer.authorize()) == "Bearer t1"
        assert len(server.asked) == 3

        server.now = 1000 + 3600
        assert isinstance(await authorizer.authorize(), Unauthorized)
        assert header(await authorizer.authorize()) == "Bearer t5"


class TestSingleFlight:
    async def test_fifty_callers_make_one_request(self, server: TokenServer) -> None:
        authorizer = server.authorizer()

        outcomes = await asyncio.gather(*(authorizer.authorize() for _ in range(50)))

        assert {header(outcome) for outcome in outcomes} == {"Bearer t1"}
        assert len(server.asked) == 1

    async def test_fifty_callers_share_a_failure(self, server: TokenServer) -> None:
        server.answers = [FAILED]
        authorizer = server.authorizer()

        outcomes = await asyncio.gather(*(authorizer.authorize() for _ in range(50)))

        assert all(isinstance(outcome, Unauthorized) for outcome in outcomes)
        assert len(server.asked) == 1
        assert isinstance(await authorizer.authorize(), Authorization)  # the next one asks anew

    async def test_a_cancelled_caller_costs_the_others_nothing(self, server: TokenServer) -> None:
        server.gate = asyncio.Event()
        authorizer = server.authorizer()
        before = asyncio.all_tasks()
        async with asyncio.timeout(LONG), asyncio.TaskGroup() as group:
            asking = [group.create_task(authorizer.authorize()) for _ in range(5)]
            await asyncio.sleep(0)
            asking[0].cancel()  # the one that fetches
            asking[3].cancel()  # one that waits
            await asyncio.sleep(0)
            server.gate.set()

        assert [task.cancelled() for task in asking] == [True, False, False, True, False]
        assert {header(asking[n].result()) for n in (1, 2, 4)} == {"Bearer t2"}
        assert len(server.asked) == 2
        assert asyncio.all_tasks() == before


class TestRefused:
    async def test_a_refused_token_is_replaced(self, server: TokenServer) -> None:
        authorizer = server.authorizer()
        first = await authorizer.authorize()
        assert isinstance(first, Authorization)

        assert header(await authorizer.renew(first)) == "Bearer t2"
        assert header(await authorizer.authorize()) == "Bearer t2"

    async def test_late_refusals_keep_the_successor(self, server: TokenServer) -> None:
        """Fifty requests went out with one token; their refusals arrive before, during and after its renewal."""
        authorizer = server.authorizer()
        dead = await authorizer.authorize()
        assert isinstance(dead, Authorization)

        early = await asyncio.gather(*(authorizer.renew(dead) for _ in range(25)))
        late = [await authorizer.renew(dead) for _ in range(25)]

        assert {header(outcome) for outcome in (*early, *late)} == {"Bearer t2"}
        assert len(server.asked) == 2

    async def test_during_a_renewal_waits_for_it(self, server: TokenServer) -> None:
        authorizer = server.authorizer()
        dead = await authorizer.authorize()
        assert isinstance(dead, Authorization)
        server.now += 3550
        server.gate = asyncio.Event()

        async with asyncio.timeout(LONG), asyncio.TaskGroup() as group:
            ahead = group.create_task(authorizer.authorize())
            await asyncio.sleep(0)
            refused = group.create_task(authorizer.renew(dead))
            await asyncio.sleep(0)
            assert not refused.done()
            server.gate.set()

        assert {header(ahead.result()), header(refused.result())} == {"Bearer t2"}
        assert len(server.asked) == 2

    async def test_is_not_presented_again_when_its_renewal_fails(self, server: TokenServer) -> None:
        authorizer = server.authorizer()
        dead = await authorizer.authorize()
        assert isinstance(dead, Authorization)
        server.answers = [FAILED, REFUSED]

        assert await authorizer.renew(dead) == Unauthorized(
            "token_endpoint", "the token endpoint gave no token: HTTP 503"
        )
        assert await authorizer.authorize() == Unauthorized(
            "credentials", "the token endpoint refused the credentials: HTTP 401 invalid_client"
        )
        assert server.outcomes == ["ok", "failed", "refused"]

    async def test_which_statuses_say_so_is_configured(self, server: TokenServer) -> None:
        assert server.authorizer().refresh_on == {401}
        assert server.authorizer(refresh_on=[401, 403]).refresh_on == {401, 403}


class TestRefreshToken:
    def grant_of(self, request: Request) -> bytes:
        return request.body.split(b"&")[0].partition(b"=")[2]

    async def test_is_used_and_replaced(self, server: TokenServer) -> None:
        server.answers = [answer("a", refresh_token="r1"), answer("b", refresh_token="r 2"), answer("c")]
        authorizer = server.authorizer(scope="all", audience="crm", extra={"tenant": "x"})
        held = await authorizer.authorize()
        for _ in range(3):
            assert isinstance(held, Authorization)
            held = await authorizer.renew(held)

        client = b"client_id=id&client_secret=s"
        assert [request.body for request in server.asked] == [
            b"grant_type=client_credentials&" + client + b"&scope=all&audience=crm&tenant=x",
            b"grant_type=refresh_token&" + client + b"&refresh_token=r1&audience=crm&tenant=x",
            b"grant_type=refresh_token&" + client + b"&refresh_token=r%202&audience=crm&tenant=x",
            b"grant_type=refresh_token&" + client + b"&refresh_token=r%202&audience=crm&tenant=x",
        ]

    async def test_no_password_goes_with_it(self, server: TokenServer) -> None:
        server.answers = [answer("a", refresh_token="r1")]
        authorizer = server.authorizer(kind="oauth2_password", username="u", password="hunter2")
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)
        await authorizer.renew(held)

        assert b"hunter2" in server.asked[0].body
        assert b"hunter2" not in server.asked[1].body

    async def test_that_is_refused_gives_way_to_the_grant(self, server: TokenServer) -> None:
        server.answers = [answer("a", refresh_token="r1"), REFUSED, answer("b")]
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)

        renewed = await authorizer.renew(held)
        assert header(renewed) == "Bearer b"
        assert isinstance(renewed, Authorization)
        await authorizer.renew(renewed)

        grants = [self.grant_of(request) for request in server.asked]
        assert grants == [b"client_credentials", b"refresh_token", b"client_credentials", b"client_credentials"]
        assert server.outcomes == ["ok", "refused", "ok", "ok"]

    async def test_is_kept_when_the_endpoint_fails(self, server: TokenServer) -> None:
        server.answers = [answer("a", refresh_token="r1"), FAILED]
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)

        assert isinstance(await authorizer.renew(held), Unauthorized)
        await authorizer.authorize()

        assert [self.grant_of(request) for request in server.asked][1:] == [b"refresh_token"] * 2


class TestTooMany:
    async def test_five_tokens_a_minute_and_no_sixth(self, server: TokenServer) -> None:
        """The endpoint refuses whatever the token server hands out (contract.md#whose-fault)."""
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        for _ in range(4):
            server.now += 5
            assert isinstance(held, Authorization)
            held = await authorizer.renew(held)
        assert isinstance(held, Authorization)

        refused = await authorizer.renew(held)
        assert isinstance(refused, Unauthorized)
        assert refused.cause == "credentials"
        assert len(server.asked) == 5

        server.now = 1059.9
        assert isinstance(await authorizer.authorize(), Unauthorized)
        server.now = 1060
        assert header(await authorizer.authorize()) == "Bearer t6"

    async def test_failures_do_not_count(self, server: TokenServer) -> None:
        server.answers = [FAILED] * 20
        authorizer = server.authorizer()
        for _ in range(20):
            assert isinstance(await authorizer.authorize(), Unauthorized)

        assert isinstance(await authorizer.authorize(), Authorization)

    async def test_a_token_that_is_still_good_is_presented(self, server: TokenServer) -> None:
        server.lifetime = 10
        authorizer = server.authorizer()
        for _ in range(5):
            assert isinstance(await authorizer.authorize(), Authorization)
            server.now += 8.5

        assert header(await authorizer.authorize()) == "Bearer t5"
        assert len(server.asked) == 5


@pytest.mark.parametrize("trouble", [FAILED, REFUSED, NoAnswer("no answer in time"), Unreachable("connection refused")])
async def test_no_secret_is_in_a_detail(server: TokenServer, trouble: Outcome) -> None:
    server.answers = [trouble]
    outcome = await server.authorizer(client_secret="hunter2").authorize()

    assert isinstance(outcome, Unauthorized)
    assert "hunter2" not in outcome.detail
    assert "hunter2" not in repr(server.asked)

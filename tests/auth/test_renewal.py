"""When a token is fetched, for whom, and which one is presented meanwhile; on a clock that the test sets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import TypeAdapter

from exporter.auth.authorizer import Authorization, Authorizer, Surroundings, Unauthorized
from exporter.auth.kinds import AuthSettings
from exporter.auth.renewal import EARLY_RETRY_SECONDS
from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request, Unreachable

LONG = 30.0


def answer(token: str, **fields: object) -> Answer:
    return Answer(200, {}, json.dumps({"access_token": token, **fields}).encode())


REFUSED = Answer(401, {}, b'{"error": "invalid_client", "error_description": "hunter2"}')
FAILED = Answer(503, {}, b"hunter2")
NOT_JSON = Answer(200, {}, b"<html>hunter2</html>")
TROUBLES = [FAILED, REFUSED, NoAnswer("no answer in time"), NoAnswer("connection reset"), Unreachable("refused")]


@dataclass
class TokenServer:
    """A transport that answers token requests as it is told; without words it numbers its tokens."""

    answers: list[Outcome] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    #: Where set, an answer waits for it.
    gate: asyncio.Event | None = None
    now: float = 1000.0
    #: What the wall clock shows beyond ``now``.
    epoch: float = 1_700_000_000.0
    outcomes: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lifetime: object = 3600

    async def send(self, request: Request) -> Outcome:
        self.asked.append(request)
        number = len(self.asked)
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        return self.answers.pop(0) if self.answers else answer(f"t{number}", expires_in=self.lifetime)

    def observe(self, outcome: str, why: str) -> None:
        self.outcomes.append(outcome)
        self.told.append(why)

    def authorizer(self, **keys: Any) -> Authorizer:
        client = {"kind": "oauth2_client_credentials", "client_id": "id", "client_secret": "s"}
        section = TypeAdapter[Any](AuthSettings).validate_python({"token_url": "http://localhost/", **client, **keys})
        surroundings = Surroundings(
            clock=lambda: self.now,
            epoch=lambda: self.epoch + self.now,
            observe=self.observe,
            note=self.notes.append,
            retry_after_cap=100.0,
        )
        made: Authorizer = section.authorizer(self, surroundings)
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

    @pytest.mark.parametrize("trouble", [*TROUBLES, NOT_JSON, Answer(302, {}, b""), Answer(403, {}, b"no")])
    async def test_that_gives_no_token_gives_way_to_the_grant(self, server: TokenServer, trouble: Outcome) -> None:
        """Whatever the reason: the refresh token may be dead for good while the grant works."""
        server.answers = [answer("a", refresh_token="r1"), trouble]
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)

        first = await authorizer.renew(held)
        second = await authorizer.authorize()

        assert "Bearer t3" in {header(second), isinstance(first, Authorization) and header(first)}
        assert [self.grant_of(request) for request in server.asked] == [
            b"client_credentials",
            b"refresh_token",
            b"client_credentials",
        ]

    async def test_that_is_dead_ahead_of_expiry_gives_way_to_the_grant(self, server: TokenServer) -> None:
        server.answers = [answer("a", refresh_token="r1", expires_in=3600), FAILED]
        authorizer = server.authorizer()
        await authorizer.authorize()

        server.now += 3550
        assert header(await authorizer.authorize()) == "Bearer a"
        server.now += EARLY_RETRY_SECONDS
        assert header(await authorizer.authorize()) == "Bearer t3"

        assert [self.grant_of(request) for request in server.asked][1:] == [b"refresh_token", b"client_credentials"]

    async def test_the_grants_own_refresh_token_is_used_again(self, server: TokenServer) -> None:
        server.answers = [answer("a", refresh_token="r1"), FAILED, answer("b", refresh_token="r2"), answer("c")]
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)
        assert isinstance(await authorizer.renew(held), Unauthorized)
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)
        assert header(await authorizer.renew(held)) == "Bearer c"

        assert b"refresh_token=r2" in server.asked[3].body

    async def test_whose_tokens_are_all_refused_gives_way_to_the_grant(self, server: TokenServer) -> None:
        server.answers = [answer("a", refresh_token="r1")]
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        for _ in range(4):
            assert isinstance(held, Authorization)
            server.now += 2
            held = await authorizer.renew(held)

        assert header(held) == "Bearer t5"
        grants = [self.grant_of(request) for request in server.asked]
        assert grants == [b"client_credentials", *[b"refresh_token"] * 3, b"client_credentials"]


class TestRetryAfter:
    """contract.md#whose-fault: max(own back-off, min(hint, cap)), and nobody asks before."""

    @pytest.mark.parametrize("status", [429, 503, 500, 403])
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("40", 40.0),
            ("0", 0.0),
            ("7200", 100.0),  # the cap
            ("Tue, 14 Nov 2023 22:30:40 GMT", 40.0),
            ("Tue, 14 Nov 2023 22:30:00 GMT", 0.0),  # now
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
            ("Fri, 01 Jan 2100 00:00:00 GMT", 100.0),
        ],
    )
    async def test_is_kept(self, server: TokenServer, status: int, value: str, seconds: float) -> None:
        server.answers = [Answer(status, {"retry-after": value}, b"")]
        server.epoch = 1_700_001_000.0 - server.now  # Tue, 14 Nov 2023 22:30:00 GMT
        authorizer = server.authorizer()

        outcome = await authorizer.authorize()
        assert isinstance(outcome, Unauthorized)
        assert outcome.retry_after_seconds == pytest.approx(seconds)

        if seconds:
            server.now += seconds - 0.5
            waiting = await authorizer.authorize()
            assert isinstance(waiting, Unauthorized)
            assert waiting.retry_after_seconds == pytest.approx(0.5)
            assert (waiting.cause, waiting.detail) == (outcome.cause, outcome.detail)
            assert len(server.asked) == 1
            server.now += 0.5
        assert header(await authorizer.authorize()) == "Bearer t2"

    @pytest.mark.parametrize("value", ["soon", "-1", "nan", ""])
    async def test_that_says_nothing_is_none(self, server: TokenServer, value: str) -> None:
        server.answers = [Answer(503, {"retry-after": value}, b"")]
        authorizer = server.authorizer()

        outcome = await authorizer.authorize()
        assert isinstance(outcome, Unauthorized)
        assert outcome.retry_after_seconds is None
        assert isinstance(await authorizer.authorize(), Authorization)

    async def test_of_a_refusal_is_kept_too(self, server: TokenServer) -> None:
        server.answers = [Answer(401, {"retry-after": "40"}, REFUSED.body)]
        authorizer = server.authorizer()

        outcome = await authorizer.authorize()
        assert outcome == Unauthorized(
            "credentials",
            "the token endpoint refused the credentials: HTTP 401 invalid_client, with Retry-After",
            40.0,
        )
        assert isinstance(await authorizer.authorize(), Unauthorized)
        assert len(server.asked) == 1

    async def test_of_a_refused_refresh_holds_back_the_grant(self, server: TokenServer) -> None:
        server.answers = [answer("a", refresh_token="r1"), Answer(400, {"retry-after": "40"}, REFUSED.body)]
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)

        assert isinstance(await authorizer.renew(held), Unauthorized)
        assert len(server.asked) == 2
        server.now += 40
        assert header(await authorizer.authorize()) == "Bearer t3"

    async def test_ahead_of_expiry_leaves_the_old_token(self, server: TokenServer) -> None:
        authorizer = server.authorizer()
        await authorizer.authorize()
        server.answers = [Answer(503, {"retry-after": "40"}, b"")]
        server.now += 3545

        for _ in range(3):
            assert header(await authorizer.authorize()) == "Bearer t1"
            server.now += 13
        assert len(server.asked) == 2
        server.now += 1.5
        assert header(await authorizer.authorize()) == "Bearer t3"

    async def test_holds_back_whoever_asks_since_a_token_was_refused(self, server: TokenServer) -> None:
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)
        server.answers = [Answer(429, {"retry-after": "40"}, b"")]

        outcomes = [await authorizer.renew(held) for _ in range(3)]

        assert all(isinstance(outcome, Unauthorized) for outcome in outcomes)
        assert len(server.asked) == 2


class TestWhoseFault:
    @pytest.mark.parametrize(
        ("trouble", "expected"),
        [
            (
                Answer(403, {}, b"<html>"),
                Unauthorized(
                    "token_endpoint",
                    "the token endpoint gave no token: HTTP 403 without an OAuth error code; "
                    "a firewall in front of it may have answered",
                ),
            ),
            (
                Answer(403, {}, b'{"error": "access_denied"}'),
                Unauthorized("credentials", "the token endpoint refused the credentials: HTTP 403 access_denied"),
            ),
            (Answer(407, {}, b""), Unauthorized("proxy", "the token endpoint gave no token: HTTP 407")),
            (
                Unreachable("the proxy answered 407", "proxy"),
                Unauthorized("proxy", "the token endpoint gave no token: the proxy answered 407"),
            ),
            (Unreachable("x"), Unauthorized("token_endpoint", "the token endpoint gave no token: x")),
            (NoAnswer("x"), Unauthorized("token_endpoint", "the token endpoint gave no token: x")),
        ],
    )
    async def test_it_is_said(self, server: TokenServer, trouble: Outcome, expected: Unauthorized) -> None:
        server.answers = [trouble]

        assert await server.authorizer().authorize() == expected
        assert f": {server.told[0]}" in expected.detail


class TestNotes:
    async def test_an_odd_type_is_noted_once(self, server: TokenServer) -> None:
        authorizer = server.authorizer()
        server.answers = [answer("a", token_type="JWT"), answer("b", token_type="JWT"), answer("c", token_type="mac")]
        held = await authorizer.authorize()
        for expected in ("Bearer b", "Bearer c"):
            assert isinstance(held, Authorization)
            held = await authorizer.renew(held)
            assert header(held) == expected

        assert server.notes == ["the token endpoint names the token_type JWT; its token is presented as Bearer"]

    async def test_bearer_is_worth_no_note(self, server: TokenServer) -> None:
        server.answers = [answer("a", token_type="bearer")]
        await server.authorizer().authorize()

        assert server.notes == []


class TestTooMany:
    async def test_five_tokens_a_minute_in_place_of_refused_ones_and_no_sixth(self, server: TokenServer) -> None:
        """The endpoint refuses whatever the token server hands out (contract.md#whose-fault)."""
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        for _ in range(5):
            server.now += 5
            assert isinstance(held, Authorization)
            held = await authorizer.renew(held)
        assert isinstance(held, Authorization)

        refused = await authorizer.renew(held)
        assert refused == Unauthorized("credentials", "5 tokens in 60 s were all refused")
        assert len(server.asked) == 6

        server.now = 1064.9
        assert isinstance(await authorizer.authorize(), Unauthorized)
        server.now = 1065
        assert header(await authorizer.authorize()) == "Bearer t7"

    async def test_failures_do_not_count(self, server: TokenServer) -> None:
        server.answers = [FAILED] * 20
        authorizer = server.authorizer()
        for _ in range(20):
            assert isinstance(await authorizer.authorize(), Unauthorized)

        assert isinstance(await authorizer.authorize(), Authorization)

    @pytest.mark.parametrize("lifetime", [1, 2, 8, 10, "8"])
    async def test_tokens_that_expire_do_not_count(self, server: TokenServer, lifetime: object) -> None:
        """Nobody refused them, however short their life."""
        server.lifetime = lifetime
        authorizer = server.authorizer()
        for number in range(1, 31):
            assert header(await authorizer.authorize()) == f"Bearer t{number}"
            server.now += float(str(lifetime)) * 0.85

    async def test_tokens_that_are_refused_since_they_expired_do_not_count(self, server: TokenServer) -> None:
        server.lifetime = 8
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        for _ in range(20):
            server.now += 8
            assert isinstance(held, Authorization)
            held = await authorizer.renew(held)

        assert header(held) == "Bearer t21"

    async def test_expired_ones_between_do_not_hide_the_refused(self, server: TokenServer) -> None:
        server.lifetime = 8
        authorizer = server.authorizer()
        held = await authorizer.authorize()
        for _ in range(5):
            server.now += 7
            held = await authorizer.authorize()
            assert isinstance(held, Authorization)
            server.now += 1
            held = await authorizer.renew(held)
        assert isinstance(held, Authorization)

        assert isinstance(await authorizer.renew(held), Unauthorized)

    async def test_a_token_is_held_for_a_second_at_least(self, server: TokenServer) -> None:
        """Or each export would fetch one of its own, as fast as the token server can."""
        server.lifetime = 1e-9
        authorizer = server.authorizer()
        for _ in range(10):
            assert header(await authorizer.authorize()) == "Bearer t1"
            server.now += 0.05
        server.now += 0.5

        assert header(await authorizer.authorize()) == "Bearer t2"


@pytest.mark.parametrize("trouble", [FAILED, REFUSED, NoAnswer("no answer in time"), Unreachable("connection refused")])
async def test_no_secret_is_in_a_detail(server: TokenServer, trouble: Outcome) -> None:
    server.answers = [trouble]
    outcome = await server.authorizer(client_secret="hunter2").authorize()

    assert isinstance(outcome, Unauthorized)
    assert "hunter2" not in outcome.detail
    assert "hunter2" not in repr(server.asked)

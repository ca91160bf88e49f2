"""OAUTHBEARER with tokens that the exporter fetches itself, on a real broker that ends sessions with their tokens."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from authorization_server import Records, Registered, authorization_server
from contract import PATIENCE_SECONDS, events, numbers, soon, take
from kafka_broker import USER, Broker, free_ports, needed, running
from kafka_topics import make_topic, settings, unsigned_token
from loopback import repeats, serving
from pydantic import ValidationError

from exporter.auth.authorizer import Authorization, Authorizer, Surroundings, Unauthorized
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.kafka.cluster import tokens
from exporter.queues.kafka.cluster.connection import connection_of
from exporter.queues.kafka.cluster.tokens import FetchedTokens
from exporter.queues.kafka.failures import NoToken
from exporter.queues.kafka.queue import KafkaQueue
from exporter.queues.kafka.sasl import SaslSettings, TokenAuth
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch, Queue, QueueUnavailable, Subscription
from exporter.sections.section import FromFile

SECRET = "kafka-secret-4471"
#: A broker looks at the age of a session with each request, and ends those whose token has expired.
SESSION_SECONDS = 3


class Mint:
    """Makes tokens for the server to hand out, as a test wants them; ``seconds`` is how long the broker takes one."""

    def __init__(self) -> None:
        self.seconds = 3600.0
        self.told_seconds = 3600
        self.made = 0

    def __call__(self) -> tuple[str, int]:
        self.made += 1
        return unsigned_token(USER, self.seconds), self.told_seconds


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    needed()
    folder = tmp_path_factory.mktemp("kafka") / "broker"
    with running(folder, connections__max__reauth__ms=SESSION_SECONDS * 1000) as broker:
        yield broker


@pytest.fixture
def mint() -> Mint:
    return Mint()


@contextmanager
def served(mint: Mint, method: str = "client_secret_post") -> Iterator[Records]:
    with authorization_server(Registered("exporter", SECRET, method), access_token=mint) as records:
        yield records


def by_token(broker: Broker, token_url: str, secret: str = SECRET, **auth: str) -> dict[str, Any]:
    """Settings for ``kafka_topics.settings``."""
    section = {"token_url": token_url, "client_id": "exporter", "client_secret": secret, **auth}
    address = f"127.0.0.1:{broker.sasl_port}"
    return {"bootstrap_servers": address, "sasl": {"mechanism": "OAUTHBEARER", "auth": section}}


async def refusal(subscription: Subscription) -> str:
    """Why it cannot be read now, once it can't."""
    async with asyncio.timeout(PATIENCE_SECONDS * 2):
        while True:
            try:
                await subscription.receive(10)
            except QueueUnavailable as error:
                return str(error)


async def next_batch(subscription: Subscription) -> Batch:
    """Messages, however often that takes."""
    async with asyncio.timeout(PATIENCE_SECONDS * 2):
        while True:
            try:
                got = await subscription.receive(10)
            except QueueUnavailable:
                await asyncio.sleep(0.2)
            else:
                if isinstance(got, Batch):
                    return got


@pytest.mark.parametrize(
    ("method", "auth"),
    [("client_secret_post", {}), ("client_secret_basic", {"credentials_in": "basic"})],
    ids=["body", "basic"],
)
async def test_every_client_logs_in_with_one_token(
    kafka: Broker, mint: Mint, method: str, auth: dict[str, str]
) -> None:
    topic = await make_topic(kafka)
    with served(mint, method) as records:
        more = by_token(kafka, records.token_url, scope="kafka", **auth)
        async with open_queue(settings(kafka, topic, **more), (), pytest.fail) as queue:
            await queue.publish(events(3))
            await queue.check()
            async with queue.subscribe("tokens", "earliest") as subscription:
                taken = await take(subscription, 3)
                for message in taken:
                    subscription.settle(message)
                await soon(subscription.commit())
            assert numbers(taken) == [0, 1, 2]
            await queue.seek("tokens", "earliest")
            assert sum(position.lag or 0 for position in await queue.positions() if position.group == "tokens") == 3
            await queue.drop("tokens")
    assert mint.made == 1
    assert records.issued[0].scope == "kafka"


async def test_tokens_are_renewed_in_time_and_sessions_that_end_cost_nothing(kafka: Broker, mint: Mint) -> None:
    """Three tokens and many sessions long: nobody notices, nothing comes twice."""
    mint.seconds, mint.told_seconds = 5.0, 5
    topic = await make_topic(kafka)
    seen: list[int] = []
    with served(mint) as records:
        more = by_token(kafka, records.token_url)
        async with (
            open_queue(settings(kafka, topic, **more), (), pytest.fail) as queue,
            queue.subscribe("renewed", "earliest") as subscription,
        ):
            begin = 0
            async with asyncio.timeout(60):
                while mint.made < 3:
                    await queue.publish(events(5, begin=begin))
                    begin += 5
                    assert isinstance(queue, KafkaQueue)
                    assert queue._high_watermarks.failure is None  # what pauses a dataflow
                    await asyncio.sleep(0.1)
                    while len(seen) < begin:
                        got = await subscription.receive(100)
                        assert isinstance(got, Batch), got
                        seen += numbers(got.messages)
                        for message in got.messages:
                            subscription.settle(message)
    assert sorted(seen) == list(range(begin))


async def test_a_token_that_is_refused_while_running_is_said_and_replaced(
    kafka: Broker, mint: Mint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server calls it good for an hour, but the broker takes it for four seconds."""
    monkeypatch.setattr(tokens, "_REFUSED_SECONDS", 3.0)  # how long it is, is tested below
    begun_at = time.monotonic()
    mint.seconds = 4.0
    topic = await make_topic(kafka)
    with served(mint) as records:
        more = by_token(kafka, records.token_url)
        async with (
            open_queue(settings(kafka, topic, session_timeout=2, **more), (), pytest.fail) as queue,
            queue.subscribe("refused", "earliest") as subscription,
        ):
            await queue.publish(events(2))
            for message in await take(subscription, 2):
                subscription.settle(message)
            await soon(subscription.commit())
            mint.seconds = -1.0
            assert "the broker refused our credentials" in await refusal(subscription)
            mint.seconds = 3600.0
            await published(queue, begin=2)
            assert numbers((await next_batch(subscription)).messages) == [2]
    assert 2 <= mint.made <= 3 + (time.monotonic() - begun_at) / 3.0


async def published(queue: Queue, begin: int) -> int:
    """One event, however often that takes."""
    async with asyncio.timeout(PATIENCE_SECONDS * 2):
        while True:
            try:
                return await queue.publish(events(1, begin=begin))
            except QueueUnavailable:
                await asyncio.sleep(0.3)


async def test_a_token_endpoint_that_is_down_is_said_and_asked_calmly(kafka: Broker) -> None:
    """Clients that try to connect ten times a second ask it now and then; when it is back, they go on by themselves."""
    topic = await make_topic(kafka)
    answers = Failing()
    async with answers.serve() as token_url:
        more = by_token(kafka, token_url)
        with pytest.raises(QueueUnavailable, match=r"connecting: the token endpoint gave no token: HTTP 503") as caught:
            await open_queue(settings(kafka, topic, **more), (), pytest.fail).__aenter__()
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert answers.asked == 1
        answers.token = unsigned_token(USER, seconds=4.0), 4
        async with (
            open_queue(settings(kafka, topic, session_timeout=2, **more), (), pytest.fail) as queue,
            queue.subscribe("down", "earliest") as subscription,
        ):
            await queue.publish(events(1))
            [message] = await take(subscription, 1)
            subscription.settle(message)
            await soon(subscription.commit())
            answers.token, before = None, answers.asked
            assert "the token endpoint gave no token: HTTP 503" in await refusal(subscription)
            await asyncio.sleep(5.0)
            assert before < answers.asked <= before + 6
            answers.token = unsigned_token(USER), 3600
            await published(queue, begin=1)
            assert numbers((await next_batch(subscription)).messages) == [1]


class Failing:
    """A token endpoint that answers 503, or with one token."""

    def __init__(self) -> None:
        self.token: tuple[str, int] | None = None
        self.asked = 0

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        runner = web.ServerRunner(web.Server(self._answer))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            [(_, port)] = runner.addresses
            yield f"http://127.0.0.1:{port}/token"
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        await request.read()
        self.asked += 1
        if self.token is None:
            return web.json_response({"error_description": SECRET}, status=503)
        token, seconds = self.token
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": seconds})


async def test_a_token_endpoint_that_nobody_serves_is_said(kafka: Broker) -> None:
    [port] = free_ports(1)
    more = by_token(kafka, f"http://127.0.0.1:{port}/token")
    with pytest.raises(QueueUnavailable, match=r"the token endpoint gave no token: .*refused"):
        await open_queue(settings(kafka, "any", **more), (), pytest.fail).__aenter__()


async def test_a_wrong_secret_is_said_and_a_file_with_the_right_one_is_enough(
    kafka: Broker, mint: Mint, tmp_path: Path
) -> None:
    topic = await make_topic(kafka)
    file = tmp_path / "secret"
    file.write_text("wrong-7713\n")
    with served(mint) as records:
        more = by_token(kafka, records.token_url, secret=FromFile.read(file))
        with_file = settings(kafka, topic, **more)
        with pytest.raises(QueueUnavailable, match="the token endpoint refused the credentials") as caught:
            await open_queue(with_file, (), pytest.fail).__aenter__()
        assert "wrong-7713" not in "".join(traceback.format_exception(caught.value)) + repr(with_file)
        file.write_text(SECRET)
        async with open_queue(with_file, (), pytest.fail) as queue:
            await queue.publish(events(1))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"mechanism": "OAUTHBEARER"}, "either a token or auth"),
        ({"mechanism": "OAUTHBEARER", "token": "t", "auth": True}, "either a token or auth"),
        ({"mechanism": "OAUTHBEARER", "username": "u", "auth": True}, "either a token or auth"),
        ({"mechanism": "PLAIN", "username": "u", "password": "p", "auth": True}, "needs username and password"),
        ({"mechanism": "OAUTHBEARER", "auth": {"refresh_on": [401]}}, "no HTTP statuses"),
        ({"mechanism": "OAUTHBEARER", "auth": {"token_url": "ftp://x"}}, "http"),
    ],
)
def test_settings_that_do_not_fit_together(section: dict[str, Any], said: str) -> None:
    whole = {"token_url": "https://auth.example.com/token", "client_id": "c", "client_secret": "s"}
    if "auth" in section:
        section = {**section, "auth": {**whole, **(section["auth"] if isinstance(section["auth"], dict) else {})}}
    with pytest.raises(ValidationError, match=said):
        SaslSettings.model_validate(section)


def test_a_file_that_is_read_anew_is_no_other_configuration(tmp_path: Path) -> None:
    """A daemon would ask for a restart; but a secret that does not come from a file is what is configured."""
    file = tmp_path / "secret"

    def auth(secret: str) -> SaslSettings:
        section = {"token_url": "https://auth.example.com/token", "client_id": "c", "client_secret": secret}
        return SaslSettings.model_validate({"mechanism": "OAUTHBEARER", "auth": section})

    def token(secret: str) -> SaslSettings:
        return SaslSettings.model_validate({"mechanism": "OAUTHBEARER", "token": secret})

    def written(text: str) -> FromFile:
        file.write_text(text)
        return FromFile.read(file)

    for kind in (auth, token):
        assert kind(written("one")) == kind(written("two"))
        assert kind("one") != kind("two")
        assert kind(written("one")) != kind("one")
    assert auth(written("one")) != auth(FromFile.read(tmp_path.joinpath("secret").rename(tmp_path / "other")))


class Authority:
    """An authorizer whose answers a test writes down."""

    refresh_on = frozenset({401})

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.answers: list[Authorization | Unauthorized] = []
        self.renewed: list[Authorization] = []

    def at_hand(self) -> Authorization | None:
        return None

    async def authorize(self) -> Authorization | Unauthorized:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        self.renewed.append(refused)
        return await self.authorize()


class Given:
    """Tokens of such an authority, on a time and with a secret that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.secret = "one"
        self.authorities: list[Authority] = []
        self.tokens = FetchedTokens(self._made, lambda: self.secret, lambda: self.now, lambda tries: 2.0**tries)

    def _made(self, secret: str) -> Authority:
        self.authorities.append(Authority(secret))
        return self.authorities[-1]

    def answers(self, *answers: Authorization | Unauthorized) -> None:
        self.authorities[-1].answers = list(answers)

    async def says(self) -> str:
        try:
            return await self.tokens.token()
        except NoToken as none:
            return f"none: {none.why}"


DOWN = Unauthorized("token_endpoint", "down")


async def test_after_a_failure_nobody_asks_for_a_while_that_grows() -> None:
    given = Given()
    given.answers(DOWN, DOWN, Authorization("Bearer t1"))
    assert await given.says() == "none: down"
    given.answers(DOWN, Authorization("Bearer t1"))
    given.now += 0.9
    assert await given.says() == "none: down"
    given.now += 0.2
    assert await given.says() == "none: down"
    given.now += 1.9
    assert await given.says() == "none: down"
    given.now += 0.2
    assert await given.says() == "t1"


async def test_another_secret_is_tried_at_once() -> None:
    given = Given()
    given.answers(DOWN)
    assert await given.says() == "none: down"
    given.secret = "two"
    with pytest.raises(IndexError):  # a new authority, which has no answer yet
        await given.says()
    given.answers(Authorization("Bearer t2"))
    assert await given.says() == "t2"
    assert [authority.secret for authority in given.authorities] == ["one", "two"]


async def test_only_the_token_that_was_refused_is_given_up() -> None:
    given = Given()
    first, second = Authorization("Bearer t1"), Authorization("Bearer t2")
    given.answers(first)
    assert await given.says() == "t1"
    given.answers(second)
    await given.tokens.refused("t1")
    await given.tokens.refused("t1")
    assert given.authorities[-1].renewed == [first]
    await given.tokens.refused("t2")  # so soon: the next one would be no better
    assert given.authorities[-1].renewed == [first]
    given.now += 15.1
    await given.tokens.refused("t1")
    assert given.authorities[-1].renewed == [first]
    await given.tokens.refused("t2")
    assert given.authorities[-1].renewed == [first, second]


async def test_retry_after_of_the_token_endpoint_is_kept() -> None:
    """However often clients try to connect meanwhile."""
    now = 100.0
    asked: list[Request] = []

    class Busy:
        async def send(self, request: Request) -> Outcome:
            asked.append(request)
            if len(asked) == 1:
                return Answer(503, {"retry-after": "40"}, b"")
            return Answer(200, {}, b'{"access_token": "t", "token_type": "Bearer"}')

    def made(secret: str) -> Authorizer:
        keys = {"token_url": "http://localhost/", "client_id": "c", "client_secret": secret}
        return TokenAuth.model_validate(keys).authorizer(Busy(), Surroundings(clock=lambda: now))

    tokens = FetchedTokens(made, lambda: "s", lambda: now, lambda tries: 2.0**tries)
    for _ in range(5):
        with pytest.raises(NoToken, match="HTTP 503, with Retry-After"):
            await tokens.token()
        now += 8
    assert len(asked) == 1
    now += 16
    assert await tokens.token() == "t"
    assert len(asked) == 2


async def test_an_odd_type_of_token_is_said_once() -> None:
    body = b'{"access_token": "abc", "token_type": "JWT", "expires_in": 3600}'
    said: list[str] = []
    async with serving(repeats(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) as server:
        auth = {"token_url": server.url(), "client_id": "exporter", "client_secret": SECRET}
        section = KafkaSettings.model_validate(
            {
                "kind": "kafka",
                "bootstrap_servers": "127.0.0.1:1",
                "topic": "t",
                "sasl": {"mechanism": "OAUTHBEARER", "auth": auth},
            }
        )
        async with connection_of(section, "", said.append) as connection:
            assert connection.sasl is not None
            assert connection.sasl.tokens is not None
            for _ in range(2):
                token = await connection.sasl.tokens.token()
                await connection.sasl.tokens.refused(token)

        assert len(server.heard) > 1
    assert said == ["the token endpoint names the token_type JWT; its token is presented as Bearer"]

"""How a queue on NATS signs in, encrypts and says what it may not do; and that no secret shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nkeys  # type: ignore[import-untyped]
import pytest
from certificates import Authority
from contract import events, from_number, numbers, soon, take
from nats_broker import Broker
from pydantic import ValidationError

from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import Queue, QueueUnavailable
from exporter.sections.section import FromFile

SECRET = "s3cret-that-must-not-show"
SEED = nkeys.encode_seed(b"0123456789abcdef0123456789abcdef", nkeys.PREFIX_BYTE_USER).decode()


@asynccontextmanager
async def running(folder: Path, config: str) -> AsyncIterator[Broker]:
    broker = Broker(folder, config)
    broker.start()
    try:
        await broker.answers()
        yield broker
    finally:
        broker.stop()


def settings(broker: Broker, **rest: Any) -> NatsSettings:
    return NatsSettings.model_validate({"url": broker.url, "create": True, **rest})


async def works(config: NatsSettings) -> None:
    async with asyncio.timeout(30), open_queue(config, (), pytest.fail) as queue:
        await queue.publish(events(3))
        await queue.check()
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 3)) == [0, 1, 2]


async def refusal(config: NatsSettings) -> str:
    async with asyncio.timeout(30):
        with pytest.raises(QueueUnavailable) as refused:
            async with open_queue(config, (), pytest.fail):
                pass
    assert SECRET not in str(refused.value)
    assert SEED not in str(refused.value)
    return str(refused.value)


async def test_user_and_password(tmp_path: Path) -> None:
    async with running(tmp_path, f"authorization: {{user: u, password: {json.dumps(SECRET)}}}") as broker:
        await works(settings(broker, user="u", password=SECRET))
        expected = "NATS cannot be reached: authorization refused; "
        assert await refusal(settings(broker, user="u", password="wrong")) == expected + "check `user` and `password`"
        assert await refusal(settings(broker, token=SECRET)) == expected + "check `token`"
        assert (await refusal(settings(broker))).startswith(expected + "set `user` and `password`, ")


async def test_token(tmp_path: Path) -> None:
    async with running(tmp_path, f"authorization: {{token: {json.dumps(SECRET)}}}") as broker:
        await works(settings(broker, token=SECRET))
        assert "authorization refused" in await refusal(settings(broker, token="wrong"))


async def test_nkey(tmp_path: Path) -> None:
    public = nkeys.from_seed(bytearray(SEED.encode())).public_key.decode()
    async with running(tmp_path, f"authorization: {{users: [{{nkey: {public}}}]}}") as broker:
        await works(settings(broker, nkey=SEED))
        other = nkeys.encode_seed(b"x" * 32, nkeys.PREFIX_BYTE_USER).decode()
        assert "authorization refused" in await refusal(settings(broker, nkey=other))


async def test_a_password_in_a_file_is_read_again_at_every_connect(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("old")
    async with running(tmp_path, 'authorization: {user: u, password: "new"}') as broker:
        config = settings(broker, user="u", password=FromFile.read(file))
        assert "authorization refused" in await refusal(config)
        file.write_text("new\n")
        await works(config)


async def test_tls_with_a_certificate_of_our_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, client = authority.sign("127.0.0.1", name="server"), authority.sign(name="client")
    tls = (
        f'tls: {{cert_file: "{server.certificate}", key_file: "{server.key}", '
        f'ca_file: "{authority.certificate}", verify: true}}'
    )
    files = {"ca_file": authority.certificate, "client_cert_file": client.certificate, "client_key_file": client.key}
    async with running(tmp_path, tls) as broker:
        url = broker.url.replace("nats://", "tls://")
        await works(settings(broker, url=url, tls=files))
        await works(settings(broker, tls=files))  # the server demands it, whatever the URL says
        without = await refusal(settings(broker, url=url, tls={"ca_file": authority.certificate}))
        assert "certificate required" in without or "does the server want a certificate?" in without
        untrusted = await refusal(settings(broker, url=url))
        assert untrusted == (
            "NATS cannot be reached: its certificate is not trusted: unable to get local issuer certificate; "
            "name its authority in `tls.ca_file`"
        )


async def test_a_server_without_tls_gets_no_secret_where_the_url_insists(tmp_path: Path) -> None:
    heard = bytearray()

    async def bare(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.12.0","max_payload":1048576,"headers":true}\r\n')
        while data := await reader.read(4096):
            heard.extend(data)
            writer.write(b"PONG\r\n" * data.count(b"PING"))
        writer.close()

    async with await asyncio.start_server(bare, "127.0.0.1", 0) as listening:
        url = f"tls://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        for sign_in in ({"user": "u", "password": SECRET}, {"token": SECRET}, {}):
            config = NatsSettings.model_validate({"url": url, **sign_in})
            assert "the server offers no TLS" in await refusal(config)
        await asyncio.sleep(0.05)
    assert SECRET.encode() not in heard


@pytest.mark.parametrize(
    ("permissions", "use", "named"),
    [
        ('publish: {deny: ["$JS.API.STREAM.INFO.>"]}', "open", '"$JS.API.STREAM.INFO.profile-changes"'),
        ('publish: {deny: ["$KV.>"]}', "check", '"$KV.profile-changes-positions.=probe"'),
        ('publish: {deny: ["$JS.API.CONSUMER.>"]}', "check", '"$JS.API.CONSUMER.CREATE.profile-changes.'),
        ('publish: {deny: ["$JS.API.CONSUMER.MSG.NEXT.>"]}', "receive", '"$JS.API.CONSUMER.MSG.NEXT.profile-changes.'),
        ('publish: {deny: ["profile-changes.*"]}', "publish", '"profile-changes.'),
        ('publish: {deny: ["$JS.API.CONSUMER.>"]}', "numbered", '"$JS.API.CONSUMER.CREATE.profile-changes.'),
        (
            'publish: {deny: ["$JS.API.CONSUMER.MSG.NEXT.>"]}',
            "numbered",
            '"$JS.API.CONSUMER.MSG.NEXT.profile-changes.',
        ),
        ('subscribe: {deny: ["_INBOX.>"]}', "open", 'subscription to "_inbox.'),
    ],
)
async def test_what_is_not_permitted_is_named(tmp_path: Path, permissions: str, use: str, named: str) -> None:
    users = f"{{user: u, password: p, permissions: {{{permissions}}}}}, {{user: all, password: p}}"
    async with running(tmp_path, f"authorization: {{users: [{users}]}}") as broker:
        async with open_queue(settings(broker, user="all", password="p"), (), pytest.fail) as queue:
            await queue.publish(events(1))
        limited = settings(broker, create=False, user="u", password="p")
        with pytest.raises(QueueUnavailable) as refused:
            async with open_queue(limited, (), lambda _: None) as queue:
                await soon(USES[use](queue))
        assert "not permitted: permissions violation for" in str(refused.value)
        assert named in str(refused.value)


async def _open(queue: Queue) -> None:
    raise AssertionError("it should not have opened")


async def _receive(queue: Queue) -> None:
    async with queue.subscribe("g", "earliest") as subscription:
        await subscription.receive(1)


USES: dict[str, Callable[[Queue], Any]] = {
    "open": _open,
    "check": lambda queue: queue.check(),
    "publish": lambda queue: queue.publish(events(1)),
    "numbered": lambda queue: queue.publish(events(1), from_number(1)),
    "receive": _receive,
}


async def test_an_inbox_prefix_of_ones_own(tmp_path: Path) -> None:
    users = '{user: u, password: p, permissions: {subscribe: {allow: ["mine.inbox.>"]}}}'
    async with running(tmp_path, f"authorization: {{users: [{users}]}}") as broker:
        await works(settings(broker, user="u", password="p", inbox_prefix="mine.inbox"))


async def test_servers_without_jetstream_are_named(tmp_path: Path) -> None:
    users = "{A: {users: [{user: u, password: p}]}}"
    async with running(tmp_path, f"accounts: {users}") as broker:
        said = await refusal(settings(broker, user="u", password="p"))
    assert "JetStream" in said


async def test_the_second_server_is_used_when_the_first_is_away(tmp_path: Path) -> None:
    async with running(tmp_path, "") as broker:
        away = Broker(tmp_path).url
        await works(NatsSettings.model_validate({"url": f"{away}, {broker.url}", "create": True}))


def test_no_secret_shows() -> None:
    config = NatsSettings.model_validate({"user": "u", "password": SECRET})
    for text in (repr(config), str(config), config.model_dump_json()):
        assert SECRET not in text


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        NatsSettings.model_validate({"url": f"http://x,nats://u:{SECRET}@x,nats://:1", "stream": "profiles"})
    for reason in ("must begin with nats:// or tls://", "must not carry a user", "must name a host"):
        assert reason in str(refused.value)
    assert SECRET not in str(refused.value)

    with pytest.raises(ValidationError) as refused:
        NatsSettings.model_validate({"user": "u", "token": SECRET, "nkey": SEED})
    assert "user and password go together" in str(refused.value)
    assert str(refused.value).count("only one way to sign in") == 2


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"url": "http://x"}, "must begin with nats:// or tls://"),
        ({"url": f"nats://u:{SECRET}@x:4222"}, "must not carry a user"),
        ({"url": "nats://x:4222,"}, "must begin with"),
        ({"url": "nats://:4222"}, "must name a host"),
        ({"url": "nats://x:99999"}, "not a URL"),
        ({"stream": "a.b"}, "should be 1 to 200 letters"),
        ({"stream": "a b"}, "should be 1 to 200 letters"),
        ({"user": "u"}, "user and password go together"),
        ({"token": SECRET, "nkey": SEED}, "there is token already"),
        ({"nkey": SECRET}, "begins with SU"),
        ({"credentials": SECRET}, "not the text of a .creds file"),
        ({"lease": 0.5}, "should be at least 1 second"),
    ],
)
def test_what_cannot_work_is_refused_at_start_without_showing_a_secret(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NatsSettings.model_validate(given)
    assert reason in str(refused.value)
    assert SECRET not in str(refused.value)

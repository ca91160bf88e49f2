"""A Redis that goes away, refuses, or is reached over TLS; readers that are killed."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from certificates import Authority
from contract import events, from_number, number_of, numbers, places, settled_lag, soon, stays_silent, take
from redis_server import RedisServer, free_port, needs_redis, running
from sweeps import Sweeps

from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch, Outgoing, QueueUnavailable
from exporter.queues.redis_streams.settings import RedisSettings

pytestmark = needs_redis

STREAM = "profile-changes"
PROGRAM = Path(__file__).with_name("redis_process.py")
SAFE = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """One that writes everything down before it answers."""
    with running(tmp_path / "redis", *SAFE) as server:
        yield server


def settings(server: RedisServer, **more: object) -> RedisSettings:
    return RedisSettings.model_validate({"kind": "redis", "url": server.url, **more})


@asynccontextmanager
async def reader(server: RedisServer, group: str, take: int, settle: str) -> AsyncIterator[Process]:
    """A process that has read, and is killed in the end if it still runs."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, PROGRAM, server.url, group, str(take), settle, stdout=PIPE
    )
    try:
        assert running.stdout is not None
        for word in ("reading", "settled"):
            assert (await soon(running.stdout.readline())).decode().strip() == word
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await soon(running.wait())


async def test_what_a_killed_reader_left_comes_first_and_in_order_at_once(redis: RedisServer) -> None:
    async with open_queue(settings(redis), (), pytest.fail) as queue:
        await queue.publish(events(10))
        async with reader(redis, "g", 8, "0,1,3,6") as killed:
            await queue.publish(events(2, begin=10))
            killed.send_signal(signal.SIGKILL)
            await soon(killed.wait())
        async with asyncio.timeout(30), queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 8, limit=3)) == [2, 4, 5, 7, 8, 9, 10, 11]
            assert await stays_silent(subscription)


async def test_a_standby_takes_over_when_the_reader_is_killed(redis: RedisServer) -> None:
    async with open_queue(settings(redis), (), pytest.fail) as queue:
        await queue.publish(events(10))
        async with reader(redis, "g", 10, "0,1,2,3,4,5") as killed:
            assert [place.reader for place in await places(queue, "g")] == [True]
            entered = asyncio.Event()

            async def standby() -> list[int]:
                async with queue.subscribe("g", "earliest") as subscription:
                    entered.set()
                    return numbers(await take(subscription, 4))

            async with asyncio.TaskGroup() as tasks:
                taking = tasks.create_task(standby())
                await asyncio.sleep(6)  # longer than a lease: it is renewed
                assert not entered.is_set()
                killed.send_signal(signal.SIGKILL)
                assert await soon(taking) == [6, 7, 8, 9]
        assert [place.reader for place in await places(queue, "g")] == [False]


async def test_a_reader_that_stood_still_for_longer_than_its_lease_takes_nothing_from_the_next(
    redis: RedisServer,
) -> None:
    async with open_queue(settings(redis), (), pytest.fail) as queue:
        await queue.publish(events(10))
        async with reader(redis, "g", 4, "0,1") as stopped:
            stopped.send_signal(signal.SIGSTOP)
            async with asyncio.timeout(30), queue.subscribe("g", "earliest") as subscription:
                stopped.send_signal(signal.SIGCONT)
                assert numbers(await take(subscription, 8)) == list(range(2, 10))
                await queue.publish(events(20, begin=10))
                assert numbers(await take(subscription, 20)) == list(range(10, 30))
                await asyncio.sleep(3)
                await queue.publish(events(20, begin=30))
                assert numbers(await take(subscription, 20)) == list(range(30, 50))


async def test_redis_killed_and_restarted_under_load_loses_and_overtakes_nothing(redis: RedisServer) -> None:
    """Publishing goes on through every restart; each number is published until that is known to have worked."""
    published: list[int] = []
    received: list[int] = []
    warnings: list[str] = []
    ended, all_published = asyncio.Event(), asyncio.Event()
    async with (
        open_queue(settings(redis), (), warnings.append) as queue,
        open_queue(settings(redis), (), pytest.fail) as other,
    ):

        async def publish() -> None:
            number = 0
            while not ended.is_set():
                try:
                    await other.publish(events(20, profiles=1, begin=number))
                except QueueUnavailable:
                    await asyncio.sleep(0.05)
                    continue
                published.extend(range(number, number + 20))
                number += 20
                await asyncio.sleep(0.005)
            all_published.set()

        async def read() -> None:
            async with queue.subscribe("g", "earliest") as subscription:
                while not all_published.is_set() or set(published) - set(received):
                    try:
                        async with asyncio.timeout(1):
                            got = await subscription.receive(50)
                    except (QueueUnavailable, TimeoutError):
                        await asyncio.sleep(0.05)
                        continue
                    assert isinstance(got, Batch)
                    for message in got.messages:
                        received.append(number_of(message))
                        subscription.settle(message)
                await _commit(subscription.commit)

        async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
            tasks.create_task(publish())
            tasks.create_task(read())
            for _ in range(3):
                await asyncio.sleep(1)
                await asyncio.to_thread(redis.restart)
            await asyncio.sleep(1)
            ended.set()
        assert sorted(set(published) - set(received)) == []
        first = list(dict.fromkeys(received))
        assert first == sorted(first)
        assert await settled_lag(queue, "g") == 0
    assert warnings == []


async def _commit(commit: object) -> None:
    assert callable(commit)
    while True:
        try:
            await commit()
        except QueueUnavailable:
            await asyncio.sleep(0.05)
        else:
            return


async def test_what_was_settled_while_redis_was_away_is_acknowledged_when_it_is_back(redis: RedisServer) -> None:
    async with open_queue(settings(redis), (), pytest.fail) as queue:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 10)
            redis.kill()
            for message in taken[:7]:
                subscription.settle(message)
            with pytest.raises(QueueUnavailable, match="cannot be reached: connection refused"):
                await soon(subscription.commit())
            with pytest.raises(QueueUnavailable):
                await soon(subscription.receive(1))
            with pytest.raises(QueueUnavailable):
                await soon(queue.publish(events(1)))
            await asyncio.to_thread(redis.start)
            await soon(_commit(subscription.commit))
            assert await settled_lag(queue, "g") == 3
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 3)) == [7, 8, 9]


async def test_acknowledgements_that_redis_forgot_are_made_again(tmp_path: Path) -> None:
    """Redis comes back from an older copy of its data, as after a failover to a replica that was behind."""
    with running(tmp_path / "redis") as server:
        async with open_queue(settings(server), (), pytest.fail) as queue:
            await queue.publish(events(10))
            async with queue.subscribe("g", "earliest") as subscription:
                taken = await take(subscription, 6)
                server.cli("SAVE")
                for message in taken:
                    subscription.settle(message)
                await soon(subscription.commit())
                taken = await take(subscription, 4)
                await asyncio.to_thread(server.restart)
                assert await stays_away(subscription.receive)
                for message in taken:
                    subscription.settle(message)
                await soon(_commit(subscription.commit))
                async with asyncio.timeout(30):
                    while await settled_lag(queue, "g"):  # noqa: ASYNC110 - only asking again shows it
                        await asyncio.sleep(0.05)


async def stays_away(receive: object) -> bool:
    """Whether nothing is handed out for a while, through failures."""
    assert callable(receive)
    try:
        async with asyncio.timeout(4):
            while True:
                try:
                    await receive(10)
                except QueueUnavailable:
                    await asyncio.sleep(0.05)
                else:
                    return False
    except TimeoutError:
        return True


async def test_a_redis_that_is_not_there_yet_is_said_and_used_once_it_is(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, port=free_port())
    with pytest.raises(QueueUnavailable, match=rf"127\.0\.0\.1:{server.port} cannot be reached: connection refused"):
        async with open_queue(settings(server), (), pytest.fail):
            pass
    server.start()
    try:
        async with open_queue(settings(server), (), pytest.fail) as queue:
            await queue.check()
    finally:
        server.kill()


# -- who may do what

ALLOWED = (
    "+xadd +xreadgroup +xread +xack +xpending +xrange +xrevrange +xtrim +xgroup +xsetid +xinfo +hgetall +hget +hset "
    "+hsetnx +hincrby +hdel +get +set +del +exists +time +eval +evalsha +multi +exec +ping"
)


def user(server: RedisServer, allowed: str, keys: str = f"~{STREAM} ~{STREAM}:exporter ~{STREAM}:exporter:*") -> None:
    server.cli("ACL", "SETUSER", "exporter", "reset", "on", ">s3cret", *keys.split(), *allowed.split())


async def test_the_documented_permissions_are_enough(redis: RedisServer, sweeps: Sweeps) -> None:
    user(redis, ALLOWED)
    async with open_queue(settings(redis, username="exporter", password="s3cret"), {"g"}, pytest.fail) as queue:
        await queue.check()
        await queue.publish(events(200))
        await queue.publish(events(100, begin=200), from_number(1))
        async with queue.subscribe("g", "earliest") as subscription:
            for message in await take(subscription, 300):
                subscription.settle(message)
            await soon(subscription.commit())
            await sweeps.catch_up()
            assert int(redis.cli("XLEN", STREAM)) < 300
        await queue.seek("g", "earliest")
        await queue.drop("g")


@pytest.mark.parametrize("lacking", ALLOWED.replace("+ping", "").replace("+", "").split())
async def test_a_missing_permission_is_named(redis: RedisServer, lacking: str) -> None:
    if lacking == "eval":
        redis.cli("SCRIPT", "FLUSH")
    user(redis, f"{ALLOWED} -{lacking}")
    with pytest.raises(QueueUnavailable, match=f"(?i)lacks a permission.*{lacking}") as refused:
        async with open_queue(settings(redis, username="exporter", password="s3cret"), (), pytest.fail) as queue:
            await queue.check()
    assert "s3cret" not in str(refused.value)


async def test_a_stream_that_the_user_may_not_touch_is_said(redis: RedisServer) -> None:
    user(redis, ALLOWED, keys=f"~{STREAM}:exporter ~{STREAM}:exporter:*")
    async with open_queue(settings(redis, username="exporter", password="s3cret"), (), pytest.fail) as queue:
        with pytest.raises(QueueUnavailable, match=f"lacks a permission.* the key {STREAM} for XINFO STREAM"):
            await queue.check()
        with pytest.raises(QueueUnavailable, match=f"lacks a permission.* the key {STREAM} for XADD"):
            await queue.publish(events(1))


async def test_publishing_says_which_command_is_missing_and_nothing_of_the_event(redis: RedisServer) -> None:
    user(redis, f"{ALLOWED} -xadd")
    async with open_queue(settings(redis, username="exporter", password="s3cret"), (), pytest.fail) as queue:
        with pytest.raises(QueueUnavailable) as refused:
            await queue.publish([Outgoing("p-1842", b"p-1842")])
        with pytest.raises(QueueUnavailable) as numbered:
            await queue.publish([Outgoing("p-1842", b"p-1842")], from_number(1))
    for error in (refused, numbered):
        assert f"the command XADD on the key {STREAM}; grant +xadd," in str(error.value)
        assert "p-1842" not in str(error.value)


@pytest.mark.parametrize(
    ("allowed", "keys", "said"),
    [
        ("-set", "", f"the command SET on the key {STREAM}:exporter:reader:g; grant +set,"),
        ("-xreadgroup", "", f"the command XREADGROUP on the key {STREAM}; grant +xreadgroup,"),
        ("", f"~{STREAM} ~{STREAM}:exporter", f"one of the keys {STREAM}:exporter:reader:g, {STREAM}:exporter for"),
    ],
)
async def test_a_reader_says_what_its_scripts_are_refused(
    redis: RedisServer, allowed: str, keys: str, said: str
) -> None:
    """Redis says neither the command nor the key of a script."""
    user(redis, f"{ALLOWED} {allowed}", **({"keys": keys} if keys else {}))
    async with open_queue(settings(redis, username="exporter", password="s3cret"), {"g"}, lambda _: None) as queue:
        with pytest.raises(QueueUnavailable, match=re.escape(said)):
            async with queue.subscribe("g", "earliest") as subscription:
                await soon(subscription.receive(1))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"username": "exporter", "password": "wr0ng"}, "refused the password of user exporter"),
        ({"username": "nobody", "password": "wr0ng"}, "refused the password of user nobody"),
        ({}, "wants a user and a password"),
    ],
)
async def test_a_refused_user_is_said_without_the_password(redis: RedisServer, more: dict[str, str], said: str) -> None:
    user(redis, ALLOWED)
    redis.cli("ACL", "SETUSER", "default", "off", options=())
    with pytest.raises(QueueUnavailable, match=said) as refused:
        async with open_queue(settings(redis, **more), (), pytest.fail):
            pass
    assert "wr0ng" not in str(refused.value)


async def test_the_url_may_carry_user_and_password_and_never_shows_them(redis: RedisServer) -> None:
    user(redis, ALLOWED)
    configured = RedisSettings.model_validate(
        {"kind": "redis", "url": f"redis://exporter:s3cret@127.0.0.1:{redis.port}/0"}
    )
    assert "s3cret" not in repr(configured) + str(configured.model_dump()) + configured.model_dump_json()
    async with open_queue(configured, (), pytest.fail) as queue:
        await queue.check()


async def test_a_key_of_another_type_is_said(redis: RedisServer) -> None:
    redis.cli("SET", STREAM, "text")
    async with open_queue(settings(redis), (), pytest.fail) as queue:
        with pytest.raises(QueueUnavailable, match="of another type"):
            await queue.check()


# -- TLS


async def test_tls_is_verified_and_a_client_certificate_presented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    pair = authority.sign("localhost", "127.0.0.1", name="server", bare=True)
    client = authority.sign("exporter", name="client")
    port = free_port()
    options = (
        *("--tls-port", str(port), "--tls-cert-file", str(pair.certificate), "--tls-key-file", str(pair.key)),
        *("--tls-ca-cert-file", str(authority.certificate), "--tls-auth-clients", "yes"),
    )
    with running(tmp_path / "redis", *options):
        url = f"rediss://127.0.0.1:{port}/0"
        tls = {
            "ca_file": str(authority.certificate),
            "client_cert_file": str(client.certificate),
            "client_key_file": str(client.key),
        }
        async with open_queue(
            RedisSettings.model_validate({"kind": "redis", "url": url, "tls": tls}), (), pytest.fail
        ) as queue:
            await queue.check()
            await queue.publish(events(1))
        # The system's authorities count for nothing where one is named.
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        another = Authority(tmp_path, "another").certificate
        with pytest.raises(QueueUnavailable, match="not trusted"):
            async with open_queue(
                RedisSettings.model_validate({"kind": "redis", "url": url, "tls": {**tls, "ca_file": str(another)}}),
                (),
                pytest.fail,
            ):
                pass
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(QueueUnavailable, match=r"not trusted: .*; name its authority in `tls\.ca_file`"):
            async with open_queue(RedisSettings.model_validate({"kind": "redis", "url": url}), (), pytest.fail):
                pass

"""The state on a Redis that goes away, is killed under load, fills up, refuses, or is reached over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from letters_made import GROUP, letter
from redis_server import RedisServer, free_port, needs_redis, running

from exporter.redis_server.permissions import Argument
from exporter.redis_server.server import Server
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.kinds import State, open_state
from exporter.state.letter import Filter, Outcome, Stored, Summary, Unavailable
from exporter.state.port import StateUnavailable
from exporter.state.redis.settings import RedisStateSettings

pytestmark = needs_redis

ROOM = 1 << 30
SAFE = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """One that writes everything down before it answers."""
    with running(tmp_path / "redis", *SAFE) as server:
        yield server


def settings(server: RedisServer, **more: object) -> RedisStateSettings:
    return RedisStateSettings.model_validate({"kind": "redis", "url": server.url, **more})


@asynccontextmanager
async def crm(server: RedisServer) -> AsyncIterator[tuple[State, DataflowLetters]]:
    async with open_state(settings(server)) as state:
        letters = state.letters.of("crm", GROUP, ROOM)
        await letters.open()
        assert isinstance(letters, DataflowLetters)
        yield state, letters


async def test_every_call_says_in_its_own_way_that_redis_is_away_and_works_again(redis: RedisServer) -> None:
    async with crm(redis) as (state, letters):
        assert await letters.kept("j", [1]) == frozenset()
        assert await letters.put([letter(1)]) == Stored()
        redis.kill()
        refused = await letters.put([letter(3)], [("p-1", "j", 3)])
        assert isinstance(refused, Unavailable)
        assert "cannot be reached" in refused.reason
        assert isinstance(await letters.delivered(1), Unavailable)
        assert isinstance(await letters.failed(1, letter(1)), Unavailable)
        assert isinstance(await letters.probe(), Unavailable)
        assert await letters.kept("j", [4, 5]) == frozenset(), "above the highest it is known"
        calls = [
            letters.kept("j", [1]),
            letters.kept("another", [1]),
            letters.requested(1),
            letters.superseded(1),
            letters.open(),
            state.letters.purge(Filter()),
            state.letters.ask(Filter(), superseded=True),
            state.letters.page(Filter(), after=0, limit=1),
            state.mapping_times.first_seen("crm", [("ups", "a")], 1),
            state.check(),
        ]
        for call in calls:
            with pytest.raises(StateUnavailable, match="connection refused"):
                await call
        await asyncio.to_thread(redis.start)
        assert await letters.probe() == Stored()
        assert await letters.put([letter(3)], [("p-1", "j", 3)]) == Stored()
        assert await letters.kept("j", [1, 2, 3]) == {1, 3}
        assert not letters.concerns("p-1")


async def test_it_is_waited_for_at_the_start(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, port=free_port())
    with pytest.raises(StateUnavailable, match=rf"127\.0\.0\.1:{server.port} cannot be reached: connection refused"):
        async with open_state(settings(server)):
            pass
    server.start()
    try:
        async with open_state(settings(server)) as state:
            await state.check()
    finally:
        server.kill()


async def test_what_was_stored_survives_kills_under_load(redis: RedisServer) -> None:
    """Each position is put until that is known to have worked; the marks go with the letters, all or nothing."""
    stored: list[int] = []
    ended = asyncio.Event()

    async def store(letters: DataflowLetters) -> None:
        position = 1
        while not ended.is_set():
            # Each supersedes the one before.
            outcome: Outcome = Unavailable("")
            while not isinstance(outcome, Stored):
                outcome = await letters.put([letter(position, profile_id="p")], [("p", "j", position)])
                await asyncio.sleep(0)
            stored.append(position)
            position += 1

    async with crm(redis) as (state, letters):
        async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
            tasks.create_task(store(letters))
            for _ in range(3):
                before = len(stored)
                while len(stored) < before + 200:  # noqa: ASYNC110 - several things happen on the way
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(redis.restart)
            ended.set()
        found: list[Summary] = []
        while page := await state.letters.page(Filter(), after=found[-1].id if found else 0, limit=500):
            found += page
        assert [each.position for each in found] == stored, "each once"
        assert [each.position for each in found if not each.superseded] == stored[-1:]
        await letters.requested(1)
        assert letters.count() == len(stored)


async def test_at_maxmemory_nothing_is_half_stored_and_what_makes_room_works(redis: RedisServer) -> None:
    async with crm(redis) as (state, letters):
        position = 0
        assert await letters.put([letter(position, profile_id="p")]) == Stored()
        used = int(dict(line.split(":") for line in redis.cli("INFO", "memory").split() if ":" in line)["used_memory"])
        redis.cli("CONFIG", "SET", "maxmemory", str(used + 2_000_000))
        while isinstance(outcome := await letters.put([letter(position + 1, body=b"x" * 20_000)]), Stored):
            position += 1
        assert outcome == Unavailable("Redis is out of memory: raise its maxmemory, or purge dead letters")
        assert isinstance(await letters.probe(), Unavailable)
        assert await state.letters.count(Filter()) == position + 1
        assert await letters.kept("j", range(position + 2)) == set(range(position + 1))
        assert await letters.put([], [("p", "j", 5)]) == Stored(), "a mark takes no room"
        assert not letters.concerns("p")
        [oldest] = await state.letters.page(Filter(), after=0, limit=1)
        assert await letters.delivered(oldest.id) == Stored()
        assert await state.letters.purge(Filter()) == position
        assert await letters.probe() == Stored()
        assert await letters.put([letter(position + 1)]) == Stored()


async def test_a_replay_that_was_asked_for_is_withdrawn_at_maxmemory_too(redis: RedisServer) -> None:
    async with crm(redis) as (state, letters):
        await letters.put([letter(1, profile_id="p"), letter(2)])
        await state.letters.ask(Filter(), superseded=False)
        redis.cli("CONFIG", "SET", "maxmemory", "1")
        assert await letters.put([], [("p", "j", 5)]) == Stored()
        [two] = await letters.requested(9)
        assert two.position == 2
        assert await letters.failed(two.id, letter(2, reason="bug")) == Stored()
        assert list(await letters.requested(9)) == []


async def test_what_a_newer_exporter_wrote_is_left_alone(redis: RedisServer) -> None:
    redis.cli("HSET", "exporter:meta", "identity", "x", "schema", "2")
    with pytest.raises(StateUnavailable, match="by a newer exporter"):
        async with open_state(settings(redis)):
            pass


async def test_exporters_with_other_prefixes_share_nothing(redis: RedisServer) -> None:
    async with open_state(settings(redis)) as one, open_state(settings(redis, key_prefix="b:")) as two:
        assert one.identity != two.identity
        await one.letters.of("crm", GROUP, ROOM).put([letter(1)])
        assert await two.letters.count(Filter()) == 0


async def test_checking_leaves_nothing_behind(redis: RedisServer) -> None:
    async with open_state(settings(redis)) as state:
        before = redis.cli("KEYS", "*")
        await state.check()
        assert redis.cli("KEYS", "*") == before


# -- who may do what

ALLOWED = (
    "+hget +hset +hsetnx +hmget +hgetall +hkeys +hincrby +hdel +hstrlen +zadd +zrem +zcard +zscan +zrangebyscore "
    "+zrangebylex +set +del +time +eval +evalsha +multi +exec +info"
)


def user(server: RedisServer, allowed: str, keys: str = "~exporter:*") -> None:
    server.cli("ACL", "SETUSER", "exporter", "reset", "on", ">s3cret", *keys.split(), *allowed.split())


async def test_the_documented_permissions_are_enough(redis: RedisServer) -> None:
    user(redis, ALLOWED)
    async with open_state(settings(redis, username="exporter", password="s3cret")) as state:
        await state.check()
        letters = state.letters.of("crm", GROUP, ROOM)
        await letters.open()
        await letters.kept("j", [1])
        await letters.put([letter(1, profile_id="p"), letter(2)], [("p", "j", 5)])
        await state.letters.ask(Filter(), superseded=False)
        [two] = await letters.requested(9)
        assert not await letters.superseded(two.id)
        await letters.delivered(two.id)
        await state.letters.purge(Filter())


@pytest.mark.parametrize("lacking", ALLOWED.replace("+info", "").replace("+", "").split())
async def test_a_missing_permission_is_named(redis: RedisServer, lacking: str) -> None:
    if lacking == "eval":
        redis.cli("SCRIPT", "FLUSH")
    user(redis, f"{ALLOWED} -{lacking}")
    with pytest.raises(StateUnavailable, match=f"(?i)lacks a permission.*{lacking}") as refused:
        async with open_state(settings(redis, username="exporter", password="s3cret")) as state:
            await state.check()
    assert "s3cret" not in str(refused.value)


async def test_keys_that_the_user_may_not_touch_are_said(redis: RedisServer) -> None:
    user(redis, ALLOWED, keys="~other:*")
    with pytest.raises(StateUnavailable, match="lacks a permission"):
        async with open_state(settings(redis, username="exporter", password="s3cret")):
            pass


async def test_the_password_may_change_in_its_file(redis: RedisServer, tmp_path: Path) -> None:
    from exporter.sections.section import FromFile

    (tmp_path / "password").write_text("s3cret\n")
    user(redis, ALLOWED)
    password = FromFile.read(tmp_path / "password")
    async with open_state(settings(redis, username="exporter", password=password)) as state:
        await state.check()
        redis.cli("ACL", "SETUSER", "exporter", "resetpass", ">0ther")
        (tmp_path / "password").write_text("0ther\n")
        redis.cli("CLIENT", "KILL", "USER", "exporter")
        with pytest.raises(StateUnavailable):  # the connection that was cut
            await state.check()
        await state.check()


async def test_tls_is_verified_and_a_client_certificate_presented(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.sign("localhost", "127.0.0.1", name="server")
    client = authority.sign("exporter", name="client")
    port = free_port()
    options = (
        *("--tls-port", str(port), "--tls-cert-file", str(pair.certificate), "--tls-key-file", str(pair.key)),
        *("--tls-ca-cert-file", str(authority.certificate), "--tls-auth-clients", "yes"),
    )
    with running(tmp_path / "redis", *options):
        section = {"kind": "redis", "url": f"rediss://127.0.0.1:{port}/0"}
        tls = {
            "ca_file": str(authority.certificate),
            "client_cert_file": str(client.certificate),
            "client_key_file": str(client.key),
        }
        async with open_state(RedisStateSettings.model_validate({**section, "tls": tls})) as state:
            await state.check()
        with pytest.raises(StateUnavailable, match="its certificate"):
            async with open_state(RedisStateSettings.model_validate(section)):
                pass


async def test_the_latest_are_read_together(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    async with crm(redis) as (state, letters):
        assert await letters.put([letter(number) for number in range(1, 6)]) == Stored()
        call = Server.call

        async def counted(self: Server, *words: Argument) -> Any:
            asked.append(str(words[0]))
            return await call(self, *words)

        monkeypatch.setattr(Server, "call", counted)
        assert len(await state.letters.latest("crm", limit=4)) == 4
    assert asked == ["ZREVRANGE"], "and all letters at once: a server may be far away"

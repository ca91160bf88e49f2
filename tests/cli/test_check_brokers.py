"""``exporter check --connect`` and each broker: whatever is wrong is one line that names what to look at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kafka_broker
import nats_broker
import pytest
from certificates import Authority, Pair
from check_command import check
from kafka_topics import make_topic
from loopback import Peer, serving
from nats import connect
from nats.js.api import StorageType
from ports import free_port
from redis_server import RedisServer, needs_redis
from redis_server import running as running_redis

from exporter.cli.check.connect import PRODUCER, Checked, check_connections
from exporter.queues.kafka.check.advice import TopicSettings, advice
from exporter.queues.kinds import open_queue
from exporter.settings.tree import Settings
from exporter.source.profiles.kinds import open_profiles
from exporter.source.profiles.settings import IdentitySettings, SqliteProfileSettings

#: In every configuration that is tried, where it has no business in any output.
SECRET = "hunter2-must-not-show"
#: What a check of one queue may take at the very most.
BOUND_SECONDS = 60.0

needs_kafka = pytest.mark.skipif(kafka_broker.missing() is not None, reason=kafka_broker.missing() or "")
KINDS = [
    pytest.param("redis", marks=needs_redis),
    "nats",
    pytest.param("kafka", marks=needs_kafka),
]
#: The key that says where the broker is.
WHERE = {"redis": "url", "nats": "url", "kafka": "bootstrap_servers"}


def section(kind: str, port: int, *, tls: bool = False, host: str = "127.0.0.1", **more: Any) -> dict[str, Any]:
    """A ``queue`` that is to be found there, with further keys."""
    address = f"{host}:{port}"
    match kind:
        case "redis":
            return {"kind": kind, "url": f"redis{'s' if tls else ''}://{address}/0", **more}
        case "nats":
            return {"kind": kind, "url": f"{'tls' if tls else 'nats'}://{address}", **more}
        case _:
            own: dict[str, Any] = {"tls": {}} if tls else {}
            return {"kind": kind, "bootstrap_servers": address, **own, **more}


def signed_in(kind: str, name: str, password: str) -> dict[str, Any]:
    """The keys to sign in."""
    match kind:
        case "redis":
            return {"username": name, "password": password}
        case "nats":
            return {"user": name, "password": password}
        case _:
            return {"sasl": {"mechanism": "SCRAM-SHA-256", "username": name, "password": password}}


@dataclass
class Answer:
    """What came of a check of the queue."""

    ok: bool
    detail: str
    notes: list[str] = field(default_factory=list)


async def answer(folder: Path, queue: dict[str, Any], *destinations: str) -> Answer:
    """Check one queue; whatever comes, it is one line, in time, and without the secret."""
    state = {"kind": "sqlite", "path": str(folder / "state.db")}
    named = [{"name": name, "endpoint": "http://127.0.0.1:9/", "enabled": False} for name in destinations]
    settings = Settings.model_validate({"queue": queue, "state": state, "destinations": named})
    notes: list[str] = []
    began_at = time.monotonic()
    found: list[Checked] = await check_connections(settings, notes.append)
    assert time.monotonic() - began_at < BOUND_SECONDS
    [result] = [each for each in found if each.what == "queue"]
    for line in (str(result), *notes):
        assert SECRET not in line
        assert line.isprintable()
    return Answer(result.ok, result.detail, notes)


async def refusal(folder: Path, queue: dict[str, Any]) -> str:
    found = await answer(folder, queue)
    assert not found.ok, found
    return found.detail


# -- brokers, each for all tests of this file


@dataclass(frozen=True)
class Secured:
    """A broker in each of the ways in which one may be protected; ``tls`` is for the name localhost alone."""

    plain: int
    login: int
    tls: int
    wants_certificate: int


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.sign("localhost", name="server")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory, authority: Authority, pair: Pair) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("redis")
    files = (
        "--tls-cert-file",
        pair.certificate,
        "--tls-key-file",
        pair.key,
        "--tls-ca-cert-file",
        authority.certificate,
    )
    tls, certificate = free_port(), free_port()
    common = [str(each) for each in files]
    with (
        running_redis(folder / "a", "--tls-port", str(tls), "--tls-auth-clients", "no", *common) as plain,
        running_redis(folder / "b", "--tls-port", str(certificate), "--tls-auth-clients", "yes", *common) as login,
    ):
        login.cli("ACL", "SETUSER", "alice", "on", ">wonderland", "~*", "+@all")
        login.cli("ACL", "SETUSER", "default", "off")
        yield Secured(plain.port, login.port, tls, certificate)


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory, authority: Authority, pair: Pair) -> Iterator[Secured]:
    files = f'cert_file: "{pair.certificate}", key_file: "{pair.key}", ca_file: "{authority.certificate}"'
    configs = (
        "",
        'authorization: {user: alice, password: "wonderland"}',
        f"tls: {{{files}}}",
        f"tls: {{{files}, verify: true}}",
    )
    brokers = [nats_broker.Broker(tmp_path_factory.mktemp("nats"), config) for config in configs]
    try:
        for broker in brokers:
            broker.start()
        asyncio.run(all_answer(brokers))
        yield Secured(*(broker.port for broker in brokers))
    finally:
        for broker in brokers:
            broker.stop()


async def all_answer(brokers: list[nats_broker.Broker]) -> None:
    for broker in brokers:
        await broker.answers()


@pytest.fixture(scope="module")
def kafka(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, pair: Pair
) -> Iterator[tuple[kafka_broker.Broker, Secured]]:
    kafka_broker.needed()
    folder = tmp_path_factory.mktemp("kafka")
    store = folder / "store.pem"
    store.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    with kafka_broker.running(folder / "broker", (store, authority.certificate)) as broker:
        yield broker, Secured(broker.port, broker.sasl_port, broker.tls_port, broker.tls_port)


@pytest.fixture
def secured(kind: str, request: pytest.FixtureRequest) -> Secured:
    found = request.getfixturevalue(kind)
    ports = found[1] if kind == "kafka" else found
    assert isinstance(ports, Secured)
    return ports


# -- nobody there, or somebody else


async def say_nothing(peer: Peer) -> None:
    await peer.reader.read()


async def answer_as_http(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def greet_as_ssh(peer: Peer) -> None:
    await peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    await peer.reader.read()


async def hang_up(peer: Peer) -> None:
    """Ends at once."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stranger", [say_nothing, answer_as_http, greet_as_ssh, hang_up])
async def test_something_else_that_listens_there(kind: str, stranger: Callable[[Peer], Any], tmp_path: Path) -> None:
    async with serving(stranger) as other:
        said = await refusal(tmp_path, section(kind, other.port, **signed_in(kind, "alice", SECRET)))
    assert f"127.0.0.1:{other.port}" in said
    assert f"heck `{WHERE[kind]}`" in said


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_listens_there(kind: str, tmp_path: Path) -> None:
    port = free_port()
    said = await refusal(tmp_path, section(kind, port, **signed_in(kind, "alice", SECRET)))
    assert f"127.0.0.1:{port}" in said
    assert "connection refused" in said
    assert f"heck `{WHERE[kind]}`" in said


@pytest.mark.parametrize("kind", KINDS)
async def test_a_name_that_is_none(kind: str, tmp_path: Path) -> None:
    said = await refusal(tmp_path, section(kind, 1, host="nowhere.invalid"))
    assert "nowhere.invalid" in said
    assert "name" in said.replace("nowhere.invalid", "")
    assert f"`{WHERE[kind]}`" in said


# -- somebody who does not let us in


@pytest.mark.parametrize("kind", KINDS)
async def test_a_password_that_is_wrong(kind: str, secured: Secured, tmp_path: Path) -> None:
    said = await refusal(tmp_path, section(kind, secured.login, **signed_in(kind, "alice", SECRET)))
    assert "refused" in said
    assert "password`" in said


@pytest.mark.parametrize("kind", KINDS)
async def test_no_password_where_one_is_wanted(kind: str, secured: Secured, tmp_path: Path) -> None:
    said = await refusal(tmp_path, section(kind, secured.login))
    assert ("`sasl`" if kind == "kafka" else "`password`") in said


@pytest.mark.parametrize("kind", ["redis", "kafka"])
async def test_a_password_where_none_is_wanted(kind: str, secured: Secured, tmp_path: Path) -> None:
    given = {"password": SECRET} if kind == "redis" else signed_in(kind, "alice", SECRET)
    said = await refusal(tmp_path, section(kind, secured.plain, **given))
    assert ("`sasl`" if kind == "kafka" else "`password`") in said


# -- TLS


@pytest.mark.parametrize("kind", KINDS)
async def test_tls_to_a_port_without(kind: str, secured: Secured, tmp_path: Path) -> None:
    said = await refusal(tmp_path, section(kind, secured.plain, tls=True))
    assert "TLS" in said
    assert ("`tls`" if kind == "kafka" else "`url`") in said


@pytest.mark.parametrize("kind", ["redis", "kafka"])
async def test_no_tls_to_a_port_that_wants_it(kind: str, secured: Secured, tmp_path: Path) -> None:
    """NATS says so in its greeting, and the client follows."""
    said = await refusal(tmp_path, section(kind, secured.tls))
    assert "TLS" in said
    assert ("`tls`" if kind == "kafka" else "rediss://") in said


@pytest.mark.parametrize("kind", KINDS)
async def test_a_certificate_of_another_authority(kind: str, secured: Secured, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other authority")
    tls = {"ca_file": str(other.certificate)}
    said = await refusal(tmp_path, section(kind, secured.tls, host="localhost", tls=True) | {"tls": tls})
    assert "not trusted" in said
    assert "`tls.ca_file`" in said


@pytest.mark.parametrize("kind", KINDS)
async def test_a_certificate_for_another_name(
    kind: str, secured: Secured, authority: Authority, tmp_path: Path
) -> None:
    tls = {"ca_file": str(authority.certificate)}
    said = await refusal(tmp_path, section(kind, secured.tls, tls=True) | {"tls": tls})
    assert "for another server" in said
    assert f"`{WHERE[kind]}`" in said


@pytest.mark.parametrize("kind", KINDS)
async def test_a_certificate_of_ours_that_is_missing(
    kind: str, secured: Secured, authority: Authority, tmp_path: Path
) -> None:
    tls = {"ca_file": str(authority.certificate)}
    said = await refusal(tmp_path, section(kind, secured.wants_certificate, host="localhost", tls=True) | {"tls": tls})
    assert "`tls.client_cert_file`" in said


# -- what only one kind has


@needs_redis
async def test_redis_a_replica(tmp_path: Path, redis: Secured) -> None:
    with running_redis(tmp_path / "replica", "--replicaof", "127.0.0.1", str(redis.plain)) as replica:
        said = await refusal(tmp_path, section("redis", replica.port))
    assert "read-only replica" in said
    assert "`url`" in said


@needs_redis
async def test_redis_a_cluster(tmp_path: Path) -> None:
    bus = str(free_port())
    with running_redis(tmp_path / "cluster", "--cluster-enabled", "yes", "--cluster-port", bus) as node:
        said = await refusal(tmp_path, section("redis", node.port))
    assert "not supported" in said
    assert "`url`" in said


@needs_redis
async def test_redis_a_database_that_there_is_not(redis: Secured, tmp_path: Path) -> None:
    said = await refusal(tmp_path, {"kind": "redis", "url": f"redis://127.0.0.1:{redis.plain}/99"})
    assert "no database of this number" in said
    assert "`url`" in said


@needs_redis
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--appendonly", "no"), "set appendonly yes"),
        (("--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"), "set noeviction"),
        (("--appendonly", "yes", "--maxmemory", "0", "--maxmemory-policy", "allkeys-lru"), None),
        (("--appendonly", "yes", "--appendfsync", "always"), None),
    ],
)
async def test_redis_what_its_settings_may_lose_is_a_note(
    options: tuple[str, ...], said: str | None, tmp_path: Path
) -> None:
    with running_redis(tmp_path / "redis", *options) as server:
        found = await answer(tmp_path, section("redis", server.port))
    assert found.ok
    assert len(found.notes) == (said is not None)
    assert said is None or said in found.notes[0]


@needs_redis
async def test_redis_a_user_who_may_not_ask_for_settings_is_a_note(tmp_path: Path) -> None:
    with running_redis(tmp_path / "redis") as server:
        allow(server, "+@all", "-info")
        found = await answer(tmp_path, section("redis", server.port, **signed_in("redis", "alice", SECRET)))
    assert found.ok
    assert "was not looked at" in found.notes[0]


@needs_redis
async def test_redis_a_key_that_the_user_may_not_touch(tmp_path: Path) -> None:
    with running_redis(tmp_path / "redis") as server:
        allow(server, "+@all", keys="~profile-changes:exporter*")
        said = await refusal(tmp_path, section("redis", server.port, **signed_in("redis", "alice", SECRET)))
    assert "lacks a permission" in said
    assert "grant it" in said


def allow(server: RedisServer, *what: str, keys: str = "~*") -> None:
    server.cli("ACL", "SETUSER", "alice", "on", f">{SECRET}", keys, *what)


async def test_nats_a_stream_that_is_not_there(nats: Secured, tmp_path: Path) -> None:
    said = await refusal(tmp_path, section("nats", nats.plain, stream="nowhere"))
    assert "there is no stream nowhere" in said
    assert "`create: true`" in said
    assert "`stream`" in said


@pytest.mark.parametrize(("config", "key"), [("", "`domain`"), ("accounts: {A: {users: [{user: alice}]}}", "account")])
async def test_nats_without_jetstream(config: str, key: str, tmp_path: Path) -> None:
    broker = nats_broker.Broker(tmp_path, config)
    file = tmp_path / "nats.conf"
    if not config:
        file.write_text(f'listen: "127.0.0.1:{broker.port}"\n')
    else:
        file.write_text(file.read_text().replace("{user: alice}", f'{{user: alice, password: "{SECRET}"}}'))
    broker.start()
    try:
        await broker.answers()
        sign_in = signed_in("nats", "alice", SECRET) if config else {}
        said = await refusal(tmp_path, section("nats", broker.port, **sign_in))
    finally:
        broker.stop()
    assert "JetStream" in said
    assert key in said


@pytest.mark.parametrize(
    ("denied", "said"),
    [
        ('["$JS.API.STREAM.INFO.profile-changes"]', "$JS.API.STREAM.INFO.profile-changes"),
        ('["$JS.API.CONSUMER.CREATE.>"]', "$JS.API.CONSUMER.CREATE.profile-changes"),
        ('["$KV.>"]', "$KV.profile-changes-positions"),
    ],
)
async def test_nats_a_permission_that_is_missing(denied: str, said: str, tmp_path: Path) -> None:
    found = await with_permissions(tmp_path, denied)
    assert not found.ok
    assert "not permitted" in found.detail
    assert said in found.detail
    assert "grant it" in found.detail


async def test_nats_a_user_who_may_not_publish_is_a_note_since_a_daemon_need_not(tmp_path: Path) -> None:
    found = await with_permissions(tmp_path, '["profile-changes.*"]')
    assert found.ok, found
    [note] = found.notes
    assert "`exporter send` will not work" in note
    assert "profile-changes." in note


async def make(queue: dict[str, Any]) -> None:
    """What is opened makes what is missing."""
    async with open_queue(Settings.model_validate({"queue": queue}).queue, (), pytest.fail):
        pass


async def test_nats_what_is_missing_is_said_and_not_made(nats: Secured, tmp_path: Path) -> None:
    queue = section("nats", nats.plain, create=True, stream="not-yet")
    found = await answer(tmp_path, queue)
    assert found == Answer(True, "can be used; stream not-yet and bucket not-yet-positions will be created")

    client = await connect(f"nats://127.0.0.1:{nats.plain}")
    streams = client.jetstream()
    names = {stream.config.name for stream in await streams.streams_info()}
    assert not [name for name in names if name is not None and "not-yet" in name]

    await streams.add_stream(name="not-yet", subjects=["not-yet.*"])
    found = await answer(tmp_path, queue)
    assert found == Answer(True, "can be used; bucket not-yet-positions will be created")
    await streams.delete_stream("not-yet")
    await client.close()


@pytest.mark.parametrize(
    ("denied", "part"),
    [
        ("$JS.API.STREAM.CREATE.profile-changes", "stream profile-changes"),
        ("$JS.API.STREAM.CREATE.KV_profile-changes-positions", "bucket profile-changes-positions"),
    ],
)
async def test_nats_a_user_who_may_not_make_what_is_missing(denied: str, part: str, tmp_path: Path) -> None:
    permissions = f'permissions: {{publish: {{deny: ["{denied}"]}}}}'
    broker = nats_broker.Broker(tmp_path, f"authorization: {{users: [{{user: alice, password: p, {permissions}}}]}}")
    broker.start()
    try:
        await broker.answers()
        queue = section("nats", broker.port, create=True, **signed_in("nats", "alice", "p"))
        said = await refusal(tmp_path, queue)
    finally:
        broker.stop()
    assert said.startswith(f"{part} cannot be made: not permitted")
    assert denied in said


async def with_permissions(folder: Path, denied: str) -> Answer:
    """A check by a user who may not publish to these subjects, where all is there."""
    users = f"{{user: all, password: p}}, {{user: alice, password: p, permissions: {{publish: {{deny: {denied}}}}}}}"
    broker = nats_broker.Broker(folder, f"authorization: {{users: [{users}]}}")
    broker.start()
    try:
        await broker.answers()
        await make(section("nats", broker.port, create=True, **signed_in("nats", "all", "p")))
        return await answer(folder, section("nats", broker.port, **signed_in("nats", "alice", "p")))
    finally:
        broker.stop()


async def test_nats_what_its_settings_may_lose_is_a_note(tmp_path: Path) -> None:
    broker = nats_broker.Broker(tmp_path)
    broker.start()
    try:
        await broker.answers()
        client = await connect(broker.url)
        streams = client.jetstream()
        await streams.add_stream(name="s", subjects=["elsewhere.*"], storage=StorageType.MEMORY)
        await streams.create_key_value(bucket="s-positions", ttl=3600, storage=StorageType.MEMORY)
        await client.close()
        found = await answer(tmp_path, section("nats", broker.port, stream="s"))
    finally:
        broker.stop()
    assert found.ok
    said = ("stream s is kept in memory", "no stream takes", "bucket s-positions is kept in memory", "forgets")
    assert len(found.notes) == len(said)
    for note, words in zip(found.notes, said, strict=True):
        assert words in note


async def test_nats_a_check_publishes_nothing(nats: Secured, tmp_path: Path) -> None:
    queue = section("nats", nats.plain, create=True, stream="untouched")
    await make(queue)
    assert (await answer(tmp_path, queue)).notes == []
    async with (
        open_queue(Settings.model_validate({"queue": queue}).queue, (), pytest.fail) as opened,
        opened.subscribe("g", "earliest") as subscription,
    ):
        assert subscription.lag().messages == 0


@needs_kafka
async def test_kafka_a_topic_that_is_not_there(kafka: tuple[kafka_broker.Broker, Secured], tmp_path: Path) -> None:
    said = await refusal(tmp_path, section("kafka", kafka[1].plain, topic="nowhere"))
    assert "topic nowhere" in said
    assert "`topic`" in said


@needs_kafka
async def test_kafka_a_user_without_rights(kafka: tuple[kafka_broker.Broker, Secured], tmp_path: Path) -> None:
    broker, ports = kafka
    stranger = signed_in("kafka", kafka_broker.STRANGER, kafka_broker.STRANGERS_PASSWORD)
    topic = await make_topic(broker)
    said = await refusal(tmp_path, section("kafka", ports.login, topic=topic, **stranger))
    assert f"topic {topic}" in said
    assert "not authorised" in said


@needs_kafka
@pytest.mark.parametrize(
    ("granted", "lacking"),
    [
        ({"topic": "describe", "group": "read"}, "topic {}: not authorised for the topic: Read is missing"),
        ({"topic": "read", "group": "describe"}, "group exporter.{}: not authorised for the group: Read is missing"),
        ({"topic": "read"}, "group exporter.{}: not authorised for the group"),
        ({"topic": "read", "group": "read"}, None),
    ],
)
async def test_kafka_each_right_that_is_missing_is_named(
    granted: dict[str, str], lacking: str | None, kafka: tuple[kafka_broker.Broker, Secured], tmp_path: Path
) -> None:
    broker, ports = kafka
    topic = await make_topic(broker)
    names = {"topic": topic, "group": f"exporter.{topic}"}
    for resource, right in granted.items():
        await asyncio.to_thread(grant, broker, resource, names[resource], right)
    stranger = signed_in("kafka", kafka_broker.STRANGER, kafka_broker.STRANGERS_PASSWORD)
    found = await answer(tmp_path, section("kafka", ports.login, topic=topic, **stranger), topic)
    assert found.ok is (lacking is None), found
    if lacking is not None:
        assert lacking.format(topic) in found.detail
        assert "grant it" in found.detail


def grant(broker: kafka_broker.Broker, resource: str, name: str, right: str) -> None:
    """Give the stranger a right."""
    what = (f"--{resource}", name, "--operation", right.capitalize())
    who = ("--allow-principal", f"User:{kafka_broker.STRANGER}")
    broker.tool("org.apache.kafka.tools.AclCommand", "--bootstrap-server", broker.address, "--add", *who, *what)


@needs_kafka
@pytest.mark.parametrize(
    ("configs", "said"),
    [
        ({}, ["has one replica"]),
        ({"retention.ms": "3600000"}, ["has one replica", "deletes events after 1 hours"]),
        ({"cleanup.policy": "compact"}, ["has one replica", "is compacted"]),
    ],
)
async def test_kafka_what_the_topics_settings_may_lose_is_a_note(
    configs: dict[str, str], said: list[str], kafka: tuple[kafka_broker.Broker, Secured], tmp_path: Path
) -> None:
    topic = await make_topic(kafka[0], 1, **configs)
    found = await answer(tmp_path, section("kafka", kafka[1].plain, topic=topic))
    assert found.ok
    assert len(found.notes) == len(said)
    for note, words in zip(found.notes, said, strict=True):
        assert words in note


@pytest.mark.parametrize(
    ("replicas", "least", "said"), [(1, "1", "one replica"), (3, "1", "min.insync.replicas"), (3, "2", None)]
)
def test_kafka_how_many_machines_may_be_lost(replicas: int, least: str, said: str | None) -> None:
    found = advice("t", TopicSettings(replicas, {"min.insync.replicas": least, "retention.ms": "-1"}))
    assert [said in each for each in found if said is not None] == [True] * (said is not None)
    assert advice("t", TopicSettings(3, {})) == []


@needs_kafka
async def test_kafka_a_cluster_that_names_brokers_which_cannot_be_reached_from_here(
    kafka: tuple[kafka_broker.Broker, Secured], authority: Authority, tmp_path: Path
) -> None:
    """The first connection is to localhost; the broker then names itself 127.0.0.1, and its certificate does not."""
    ours = authority.sign("exporter", name="client")
    tls = {
        "ca_file": str(authority.certificate),
        "client_cert_file": str(ours.certificate),
        "client_key_file": str(ours.key),
    }
    ports = kafka[1]
    said = await refusal(tmp_path, section("kafka", ports.tls, host="localhost") | {"tls": tls})
    assert "(advertised.listeners)" in said
    assert f"127.0.0.1:{ports.tls}: its certificate is for another server" in said


# -- the way in's events


async def test_the_stand_in_for_a_producer_is_as_long_as_the_name_of_a_store(tmp_path: Path) -> None:
    async with open_profiles(SqliteProfileSettings(path=tmp_path / "profiles.db"), IdentitySettings()) as store:
        assert len(store.name) == len(PRODUCER)


@pytest.fixture
def known(kind: str, request: pytest.FixtureRequest) -> Any:
    """What the fixture of the kind gives; of Redis nothing, since a server's own settings say what it takes."""
    return None if kind == "redis" else request.getfixturevalue(kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_queue_that_takes_less_than_an_event_may_have_is_a_note(kind: str, known: Any, tmp_path: Path) -> None:
    """The broker is asked how much it takes of the way in; without the way in others publish."""
    with ExitStack() as stack:
        match kind:
            case "redis":
                server = stack.enter_context(running_redis(tmp_path / "redis", "--proto-max-bulk-len", "1mb"))
                queue = section(kind, server.port)
            case "nats":
                queue = section(kind, known.plain, create=True, stream="limited")
            case _:
                broker, ports = known
                queue = section(kind, ports.plain, topic=await make_topic(broker, 1))
        keys = {part: {"path": str(tmp_path / f"{part}.db")} for part in ("intake", "profiles")}
        keys |= {"queue": queue, "state": {"kind": "sqlite", "path": str(tmp_path / "state.db")}}
        way_in = {"sources": [{"name": "crm"}]}

        async def said(most: int, **more: Any) -> list[str]:
            notes: list[str] = []
            found = await check_connections(
                Settings.model_validate({**keys, **more, "max_event_bytes": most}), notes.append
            )
            assert all(each.ok for each in found), found
            return [note for note in notes if f"less than max_event_bytes ({most})" in note]

        [note] = await said(5_000_000, **way_in)
        assert await said(1_000_000, **way_in) == []
        assert await said(5_000_000) == []
        async with open_queue(Settings.model_validate(keys).queue, (), pytest.fail) as opened:
            assert note.startswith(f"queue: it takes events of {await opened.max_event_bytes(PRODUCER)} bytes at most")


# -- as a command


@pytest.mark.parametrize("kind", KINDS)
async def test_the_command_says_it_in_one_line_and_ends_with_1(kind: str, tmp_path: Path) -> None:
    queue = section(kind, free_port(), **signed_in(kind, "alice", SECRET))
    found = await check(tmp_path, "--connect", destinations=[], queue=queue)
    assert found.code == 1
    [line] = [line for line in found.stdout.splitlines() if line.startswith("FAILED")]
    assert line.startswith("FAILED  queue: ")
    assert "connection refused" in line
    assert SECRET not in found.stdout + found.stderr


@needs_redis
async def test_the_command_shows_notes_beside_and_ends_with_0(redis: Secured, tmp_path: Path) -> None:
    found = await check(tmp_path, "--connect", "--json", destinations=[], queue=section("redis", redis.plain))
    assert found.code == 0
    assert found.connect[None, "queue"] == (True, "can be used")
    assert "note: queue: this Redis keeps no append-only file" in found.stderr
    assert "append-only" in found.stdout

"""The broker profiles of compose.yaml: consistent by reading, and each broker's own settings tried on a real one.

What a container runtime would add is not tried: images, networks, users, and the order of starting.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from contract import take
from kafka_broker import Broker as KafkaBroker
from kafka_broker import missing, needed
from nats_broker import SERVER as NATS
from ports import free_port
from redis_server import CLI, RedisServer, needs_redis

from exporter.queues.kinds import open_queue
from exporter.queues.port import Outgoing
from exporter.settings.loading.load import Loaded, load
from exporter.settings.tree import Settings

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "config/compose/events.jsonl"
KINDS = ("kafka", "nats", "redis")
Tree = dict[str, Any]
COMPOSE: Tree = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Tree] = COMPOSE["services"]


def settings(kind: str, **more: str) -> Settings:
    """What the exporter of this profile runs with."""
    environ = {name: str(value) for name, value in SERVICES[f"exporter-{kind}"]["environment"].items()}
    found = load(ROOT / "config/compose/exporter.yaml", {**environ, **more})
    assert isinstance(found, Loaded), found
    return found.settings


def depended_on(service: str) -> dict[str, str]:
    """The services that must be there before this one, however far away, and the condition of each."""
    found: dict[str, str] = {}
    wanted = SERVICES[service].get("depends_on", {})
    assert isinstance(wanted, dict), "the short form does not wait"
    for name, how in wanted.items():
        found |= {name: how["condition"], **depended_on(name)}
    return found


def test_there_is_a_profile_for_each_broker_and_none_for_the_journal() -> None:
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    # The way in is a profile of its own, on the journal.
    assert profiles.pop("source") == ["source"]
    assert {profile for each in profiles.values() for profile in each} == set(KINDS)
    assert [name for name, each in profiles.items() if not each] == ["exporter", "receiver"]
    assert {name for name, each in profiles.items() if each == ["kafka"]} == {"exporter-kafka", "kafka", "kafka-topic"}
    for kind in ("nats", "redis"):
        assert {name for name, each in profiles.items() if each == [kind]} == {f"exporter-{kind}", kind}


@pytest.mark.parametrize("kind", KINDS)
def test_the_exporter_of_a_profile_reads_from_its_broker(kind: str) -> None:
    queue = settings(kind).queue
    assert queue.kind == kind
    address = getattr(queue, "bootstrap_servers", None) or urlsplit(str(queue.url)).netloc  # type: ignore[union-attr]
    host, _, port = address.partition(":")
    assert host == kind
    default = {"kafka": "9092", "nats": "4222", "redis": "6379"}[kind]
    assert port == default
    if kind == "kafka":
        assert SERVICES[kind]["environment"]["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{address}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_exporter_waits_until_its_broker_is_healthy(kind: str) -> None:
    needed = depended_on(f"exporter-{kind}")
    assert needed[kind] == "service_healthy"
    assert SERVICES[kind]["healthcheck"]["test"][0] == "CMD"
    if kind == "kafka":
        assert needed["kafka-topic"] == "service_completed_successfully"
    for name in needed:
        assert SERVICES[name].get("profiles", [kind]) == [kind], "a service of another profile would not be started"


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_broker_keeps_is_on_a_volume_of_its_own(kind: str) -> None:
    [volume] = SERVICES[kind]["volumes"]
    name, _, folder = volume.partition(":")
    assert name == kind
    command, environment = SERVICES[kind].get("command", []), SERVICES[kind].get("environment", {})
    assert folder == {
        "kafka": environment.get("KAFKA_LOG_DIRS"),
        "nats": next((each.partition("=")[2] for each in command if each.startswith("--store_dir=")), None),
        "redis": "/data",  # the image's working folder, where Redis writes
    }.get(kind)


def test_no_two_services_share_a_volume_or_a_port() -> None:
    named = [
        volume.partition(":")[0]
        for name, service in SERVICES.items()
        for volume in service.get("volumes", [])
        if not volume.startswith(".") and name != "source"  # which tells to the journal of the exporter beside it
    ]
    assert sorted(named) == sorted(COMPOSE["volumes"])
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == len({port.rsplit(":", 1)[0] for port in ports}) == 3 + len(KINDS)
    inner = {
        port.rsplit(":", 1)[1] for name, each in SERVICES.items() if name != "source" for port in each.get("ports", [])
    }
    assert inner == {str(Settings().ops.port)}
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("kind", KINDS)
def test_every_exporter_is_run_like_the_first(kind: str) -> None:
    first, other = SERVICES["exporter"], SERVICES[f"exporter-{kind}"]
    own = {"profiles", "environment", "volumes", "ports", "depends_on"}
    assert {key: value for key, value in other.items() if key not in own} == {
        key: value for key, value in first.items() if key not in own
    }
    assert other["environment"].items() >= first["environment"].items()
    assert other["volumes"] == [first["volumes"][0], f"data-{kind}:/data"]


def test_the_image_has_the_client_of_every_kind() -> None:
    installed = re.findall(
        r'pip install .*/profile_exporter-\*\.whl\)\[(\w+)\]"', (ROOT / "Dockerfile").read_text(encoding="utf-8")
    )
    assert installed == ["all"]


def test_images_have_a_version() -> None:
    for name in (*KINDS, "kafka-topic"):
        assert re.fullmatch(r"docker\.io/(library|apache)/\w+:\d[\w.-]+", SERVICES[name]["image"], re.ASCII)
    assert SERVICES["kafka-topic"]["image"] == SERVICES["kafka"]["image"]


def test_every_command_in_the_head_of_the_file_names_what_there_is() -> None:
    head = (ROOT / "compose.yaml").read_text(encoding="utf-8").partition("x-confined")[0]
    commands = re.findall(r"docker compose (.+?)(?:`|$)", head, re.MULTILINE)
    assert len(commands) >= 5
    for words in map(str.split, commands):
        for index, word in enumerate(words):
            if word == "--profile":
                assert words[index + 1] in (*KINDS, "source")
            elif word == "<":
                assert ROOT / words[index + 1] == SAMPLE
            elif word.startswith("exporter-"):
                assert word in SERVICES


def test_the_sample_is_of_events_that_are_exported() -> None:
    command = [sys.executable, "-m", "exporter", "preview", str(SAMPLE), "--format", "json"]
    environ = {**os.environ, "EXPORTER_CONFIG": str(ROOT / "config/compose/exporter.yaml"), "PARTNER_TOKEN": "x"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    shown = list(map(json.loads, done.stdout.splitlines()))
    assert [each["triggers"] for each in shown] == [["segment"], ["attribute"], ["segment"]]


# -- each broker's settings on a real one, on this machine's ports and folders


@contextmanager
def redis(folder: Path) -> Iterator[dict[str, str]]:
    program, *options = SERVICES["redis"]["command"]
    assert program == "redis-server"
    server = RedisServer(folder / "redis", *options)
    server.start()
    try:
        command: list[str] = SERVICES["redis"]["healthcheck"]["test"][1:]
        assert command.pop(0) == "redis-cli"
        assert CLI is not None
        healthy = subprocess.run([CLI, "-p", str(server.port), *command])
        assert healthy.returncode == 0
        assert server.cli("CONFIG", "GET", "appendonly").split() == ["appendonly", "yes"]
        yield {"EXPORTER__QUEUE__URL": server.url}
    finally:
        server.kill()


@contextmanager
def nats(folder: Path) -> Iterator[dict[str, str]]:
    port, monitoring = free_port(), free_port()
    command = [
        each.replace("/data", str(folder / "nats")).replace("8222", str(monitoring))
        for each in SERVICES["nats"]["command"]
    ]
    server = subprocess.Popen([NATS, "--addr=127.0.0.1", f"--port={port}", *command], stderr=subprocess.DEVNULL)
    try:
        url = SERVICES["nats"]["healthcheck"]["test"][-1].replace("8222", str(monitoring))
        until = time.monotonic() + 30
        while not answers_well(url):
            assert time.monotonic() < until
            time.sleep(0.05)
        yield {"EXPORTER__QUEUE__URL": f"nats://127.0.0.1:{port}"}
    finally:
        server.kill()
        server.wait()


def answers_well(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def kafka(folder: Path) -> Iterator[dict[str, str]]:
    needed()
    broker = KafkaBroker(folder / "kafka")
    broker.folder.mkdir()

    def here(text: str) -> str:
        for there, now in (
            (SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"], str(broker.folder / "logs")),
            ("kafka:9092", broker.address),
            ("//:9092", f"//{broker.address}"),
            ("localhost:9093", f"127.0.0.1:{broker.sasl_port}"),  # a free port
        ):
            text = text.replace(there, now)
        return text

    # As the image makes properties of its environment.
    properties = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): here(str(value))
        for name, value in SERVICES["kafka"]["environment"].items()
    }
    file = broker.folder / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    broker.tool("kafka.tools.StorageTool", "format", "-t", "5L6g3nShT-eMCtK--X86sw", "-c", str(file))
    try:
        broker.start()
        program, *options = map(here, SERVICES["kafka-topic"]["command"])
        assert program.endswith("/kafka-topics.sh")
        for _ in range(2):  # also where the topic is there from last time
            broker.tool("org.apache.kafka.tools.TopicCommand", *options)
        yield {"EXPORTER__QUEUE__BOOTSTRAP_SERVERS": broker.address}
    finally:
        broker.kill()


Starting = Callable[[Path], AbstractContextManager[dict[str, str]]]


@pytest.mark.parametrize(
    ("kind", "running"),
    [
        pytest.param("redis", redis, marks=needs_redis),
        ("nats", nats),
        pytest.param("kafka", kafka, marks=pytest.mark.skipif(missing() is not None, reason=missing() or "")),
    ],
)
def test_a_broker_with_these_settings_takes_the_sample(kind: str, running: Starting, tmp_path: Path) -> None:
    lines = SAMPLE.read_bytes().splitlines()
    with running(tmp_path) as environ:
        assert sorted(asyncio.run(exchanged(settings(kind, **environ), lines))) == sorted(lines)


async def exchanged(configured: Settings, bodies: Sequence[bytes]) -> list[bytes]:
    """What a new group reads after these were published."""
    async with asyncio.timeout(60), open_queue(configured.queue, ["exporter.partner"], pytest.fail) as queue:
        await queue.check()
        await queue.publish([Outgoing(None, body) for body in bodies])
        async with queue.subscribe("exporter.partner", "earliest") as subscription:
            return [message.body for message in await take(subscription, len(bodies))]

"""Commands on a Kafka that wants tokens (OAUTHBEARER): all of them log in, what fails is said, no secret is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brokers
import pytest
from authorization_server import Registered, authorization_server
from events import Source
from harness import Place, SecretFile
from judging import judged
from kafka_broker import USER, free_ports
from kafka_topics import unsigned_token
from processes import Daemon, eventually

SECRET, WRONG = "kafka-client-secret-8847", "kafka-wrong-secret-1161"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.KafkaBroker]:
    with brokers.running("kafka", tmp_path_factory.mktemp("broker")) as broker:
        assert isinstance(broker, brokers.KafkaBroker)
        yield broker


def with_tokens(kafka: brokers.KafkaBroker, token_url: str, secret: Path) -> dict[str, Any]:
    """A section ``queue`` whose client gets tokens from there."""
    auth = {"token_url": token_url, "client_id": "exporter", "client_secret": SecretFile(secret)}
    servers = f"127.0.0.1:{kafka.server.sasl_port}"
    return kafka.section(bootstrap_servers=servers, sasl={"mechanism": "OAUTHBEARER", "auth": auth})


def test_daemon_and_commands_log_in_once_the_secret_is_right(tmp_path: Path, kafka: brokers.KafkaBroker) -> None:
    made: list[str] = []

    def token() -> tuple[str, int]:
        made.append(unsigned_token(USER))
        return made[-1], 3600

    secret = tmp_path / "secret"
    secret.write_text(WRONG)
    with (
        authorization_server(Registered("exporter", SECRET, "client_secret_post"), access_token=token) as records,
        Place(tmp_path, with_tokens(kafka, records.token_url, secret)) as place,
    ):
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        source = Source(profiles=20)
        refused = place.command("check", "--connect")
        assert refused.returncode == 1
        assert "queue: connecting: the token endpoint refused the credentials: HTTP 4" in refused.stdout
        daemon = place.daemon()
        eventually("it says so", lambda: said(daemon, "the token endpoint refused the credentials"))
        secret.write_text(SECRET)
        daemon.ready()
        secret.write_text(f"{SECRET}\n")
        eventually("it has seen the other file", lambda: daemon.alive() and daemon.logs("reloaded"))
        assert not daemon.logs("reload refused")
        assert place.command("check", "--connect").returncode == 0
        place.send(source.make(200))
        eventually("all is delivered", lambda: daemon.alive() and receiver.delivered() >= 200)
        assert daemon.terminate() == 0
        assert place.lines("positions", "list", "--json")
        assert judged("crm", source.made, receiver.received()).sound
        everything = "".join(file.read_text(errors="replace") for file in place.folder.glob("*.log"))
        everything += refused.stdout + refused.stderr
    for each in (SECRET, WRONG, *made):
        assert each not in everything


def test_a_token_endpoint_that_is_down_keeps_a_daemon_waiting(tmp_path: Path, kafka: brokers.KafkaBroker) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    [port] = free_ports(1)
    with Place(tmp_path, with_tokens(kafka, f"http://127.0.0.1:{port}/token", secret)) as place:
        place.destination("crm", "http://127.0.0.1:9/")
        place.write()
        daemon = place.daemon()
        eventually("it says so", lambda: said(daemon, "the token endpoint gave no token: connection refused"))
        time.sleep(2.0)
        assert daemon.alive()
        assert daemon.terminate() == 0
        assert "Traceback" not in daemon.log.read_text()


def said(daemon: Daemon, text: str) -> bool:
    return daemon.alive() and text in daemon.log.read_text()

"""A real Kafka for tests: one KRaft node on ports and in a folder of its own. Started as a program it only downloads.

``python tests/servers/kafka_broker.py`` prints the folder of the jars; exit code 75 when the download failed.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from downloads import complete, downloaded, failing_as_set_up, only, run
from ports import free_ports as free_ports

VERSION = "4.1.0"
USER, PASSWORD = "alice", "wonderland-7f3a"
#: Nobody has given this user any right.
STRANGER, STRANGERS_PASSWORD = "mallory", "no-rights-5512"

_NAME = f"kafka-{VERSION}"
_START_SECONDS = 90.0
_CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version>
    </dependency>
  </dependencies>
</project>
"""


def missing() -> str | None:
    """What this machine lacks, in words, or None."""
    absent = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if absent == ["mvn"] and complete(_NAME):
        return None
    return f"Kafka needs {' and '.join(absent)} (Debian: openjdk-17-jre-headless, maven)" if absent else None


def jars() -> Path:
    """The folder with a broker's jars, downloaded once. Raises DownloadFailed: three times in vain."""
    return downloaded(_NAME, _download)


def needed() -> None:
    """For fixtures: skip where it can't be had here, and fail where its download does."""
    if (lacking := missing()) is not None:
        pytest.skip(lacking)
    with failing_as_set_up():
        jars()


def _download(folder: Path) -> None:
    pom = folder / "pom.xml"
    pom.write_text(_POM)
    copy = ("dependency:copy-dependencies", f"-DoutputDirectory={folder}")
    run(f"Kafka {VERSION}", "mvn", "-B", "-q", "-f", pom, *copy)


def _java(heap: str) -> list[str]:
    """A command that starts quickly and needs few cores, to which the class and its arguments are added."""
    options = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", f"-Xmx{heap}")
    return ["java", *options, "-cp", f"{jars()}/*"]


class Broker:
    """One node. ``port`` lets everybody do everything; ``sasl_port`` and ``tls_port`` want to know who comes.

    ``tls`` is (PEM file with key and certificate, PEM file of the authority); then clients must present a certificate.
    """

    def __init__(self, folder: Path, tls: tuple[Path, Path] | None = None, **properties: object) -> None:
        self.folder = folder
        self.port, self.sasl_port, self.tls_port, self._controller_port = free_ports(4)
        self._tls = tls
        self._properties = properties
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def format(self) -> None:
        """Write the configuration and make the folders. Once."""
        self.folder.mkdir(parents=True)
        lines = {**self._defaults(), **{key.replace("__", "."): value for key, value in self._properties.items()}}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (self.folder / "server.properties").write_text(text)
        users = [
            f"--add-scram={kind}=[name={user},password={password}]"
            for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for user, password in ((USER, PASSWORD), (STRANGER, STRANGERS_PASSWORD))
        ]
        self.tool("kafka.tools.StorageTool", "format", "--standalone", "-t", _CLUSTER, "-c", self._file, *users)

    def start(self) -> None:
        """Start, and wait until it accepts clients."""
        with (self.folder / "broker.log").open("ab") as log:
            command = [*_java("512m"), "kafka.Kafka", self._file]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        # One listener begins after the other.
        ports = [self.port, self.sasl_port, *([self.tls_port] if self._tls is not None else [])]
        while not all(_accepts(port) for port in ports):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("Kafka did not start:\n" + (self.folder / "broker.log").read_text()[-3000:])
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def tool(self, main_class: str, *arguments: str, stdin: bytes = b"") -> str:
        """Run one of Kafka's own commands; returns what it printed."""
        done = subprocess.run([*_java("256m"), main_class, *arguments], input=stdin, capture_output=True, timeout=120)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()[-3000:]
        return done.stdout.decode()

    @property
    def _file(self) -> str:
        return str(self.folder / "server.properties")

    def _defaults(self) -> dict[str, object]:
        listeners = {"PLAINTEXT": self.port, "SASL_PLAINTEXT": self.sasl_port, "CONTROLLER": self._controller_port}
        protocols = "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"
        if self._tls is not None:
            listeners["SSL"] = self.tls_port
            protocols += ",SSL:SSL"
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule"
        bearer = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
        known = f'user_{USER}="{PASSWORD}" user_{STRANGER}="{STRANGERS_PASSWORD}"'
        sasl = "listener.name.sasl_plaintext"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self._controller_port}",
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items()),
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": protocols,
            "log.dirs": self.folder / "logs",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.num.partitions": 2,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "auto.create.topics.enable": "false",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:{USER};User:CN=leaf",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            f"{sasl}.plain.sasl.jaas.config": f"{plain} required {known};",
            f"{sasl}.scram-sha-256.sasl.jaas.config": f"{scram} required;",
            f"{sasl}.scram-sha-512.sasl.jaas.config": f"{scram} required;",
            f"{sasl}.oauthbearer.sasl.jaas.config": f"{bearer} required;",
            **self._tls_properties(),
        }

    def _tls_properties(self) -> dict[str, object]:
        if self._tls is None:
            return {}
        key, authority = self._tls
        return {
            "listener.name.ssl.ssl.keystore.type": "PEM",
            "listener.name.ssl.ssl.keystore.location": key,
            "listener.name.ssl.ssl.truststore.type": "PEM",
            "listener.name.ssl.ssl.truststore.location": authority,
            "listener.name.ssl.ssl.client.auth": "required",
        }


@contextmanager
def running(folder: Path, tls: tuple[Path, Path] | None = None, **properties: object) -> Iterator[Broker]:
    """A broker that lives as long as the block; ``a__b`` stands for the property ``a.b``."""
    broker = Broker(folder, tls, **properties)
    broker.format()
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    lacking = missing()
    if lacking is not None:
        sys.exit(lacking)
    only(jars)

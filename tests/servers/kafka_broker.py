"""A real Kafka for tests: one KRaft node on ports and in a folder of its own. Started as a program it only downloads,
and makes what every later start takes from the first.

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
from tempfile import TemporaryDirectory

import pytest
from downloads import complete, downloaded, failing_as_set_up, folder_of, only, run
from ports import free_ports as free_ports

VERSION = "4.1.0"
USER, PASSWORD = "alice", "wonderland-7f3a"
#: Nobody has given this user any right.
STRANGER, STRANGERS_PASSWORD = "mallory", "no-rights-5512"

_NAME = f"kafka-{VERSION}"
#: What the first broker on a machine leaves for all others: its formatted storage, and the classes that its JVM had
#: loaded, which the next one maps and need neither read nor verify: half of the processor time of a start.
_FIRST = f"{_NAME}-first"
_CLASSES, _FORMATTED = "classes.jsa", "formatted"
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
        ready()


def ready() -> Path:
    """The folder with the jars, of which a first broker has run. Raises DownloadFailed."""
    folder = jars()
    downloaded(_FIRST, _run_the_first)
    return folder


def _download(folder: Path) -> None:
    pom = folder / "pom.xml"
    pom.write_text(_POM)
    copy = ("dependency:copy-dependencies", f"-DoutputDirectory={folder}")
    run(f"Kafka {VERSION}", "mvn", "-B", "-q", "-f", pom, *copy)


def _run_the_first(folder: Path) -> None:
    with TemporaryDirectory() as place:
        broker = Broker(Path(place) / "broker")
        broker.configure()
        broker.tool("kafka.tools.StorageTool", *broker.formatting())
        shutil.copytree(broker.logs, folder / _FORMATTED)
        broker.start(f"-XX:ArchiveClassesAtExit={folder / _CLASSES}")
        assert broker.process is not None
        broker.process.terminate()
        broker.process.wait(_START_SECONDS)


def _java(heap: str) -> list[str]:
    """A command that starts quickly and needs few cores, to which the class and its arguments are added."""
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", f"-Xmx{heap}"]
    if complete(_FIRST):  # a JVM that the archive does not fit says so, unless it is silent, and goes without
        options += [f"-XX:SharedArchiveFile={folder_of(_FIRST) / _CLASSES}", "-Xlog:disable"]
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
        """Write the configuration and take over the storage that was formatted for the first broker. Once."""
        self.configure()
        shutil.copytree(folder_of(_FIRST) / _FORMATTED, self.logs)

    def configure(self) -> None:
        """Make the folder and write the configuration."""
        self.folder.mkdir(parents=True)
        lines = {**self._defaults(), **{key.replace("__", "."): value for key, value in self._properties.items()}}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (self.folder / "server.properties").write_text(text)

    def formatting(self) -> list[str]:
        """The arguments with which Kafka's own tool formats the storage of any of these brokers."""
        users = [
            f"--add-scram={kind}=[name={user},password={password}]"
            for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for user, password in ((USER, PASSWORD), (STRANGER, STRANGERS_PASSWORD))
        ]
        return ["format", "-t", _CLUSTER, "-c", self._file, *users]

    def start(self, *options: str) -> None:
        """Start, and wait until it accepts clients; ``options`` are more of the JVM's."""
        with (self.folder / "broker.log").open("ab") as log:
            java, *usual = _java("512m")
            command = [java, *options, *usual, "kafka.Kafka", self._file]
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
    def logs(self) -> Path:
        """Where it keeps what it is told."""
        return self.folder / "logs"

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
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items()),
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": protocols,
            "log.dirs": self.logs,
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
    only(ready)

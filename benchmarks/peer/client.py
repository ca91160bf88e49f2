"""The peer as a process: ``Peer.java``, compiled, with the jars that it needs.

``python -m benchmarks.peer.client`` downloads the jars alone and prints their folder; exit code 75 when that failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.brokers import let_import_starters
from benchmarks.cores import pinned
from benchmarks.processes import Failed, Missing, Used, end

VERSION = "0.5.3.3"

_NAME = f"parallel-consumer-{VERSION}"
_PROGRAM = Path(__file__).with_name("Peer.java")
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>benchmarks</groupId><artifactId>peer</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>io.confluent.parallelconsumer</groupId><artifactId>parallel-consumer-vertx</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.16</version>
    </dependency>
  </dependencies>
</project>
"""
_JDK = "openjdk-17-jdk-headless"
_PACKAGES = {"java": _JDK, "javac": _JDK, "mvn": "maven"}
#: Characters of what the compiler or the peer said, in a failure.
_LAST_WORDS = 500


def missing() -> str | None:
    """What the machine lacks for the peer, in words, or None. Jars that are there need no Maven."""
    let_import_starters()
    import downloads

    absent = [program for program in _PACKAGES if shutil.which(program) is None]
    if absent == ["mvn"] and downloads.complete(_NAME):
        return None
    if not absent:
        return None
    debian = ", ".join(dict.fromkeys(_PACKAGES[program] for program in absent))
    return f"not on the PATH: {' and '.join(absent)} (Debian: apt-get install {debian})"


def jars() -> Path:
    """The folder of the jars, downloaded once into the user's cache.

    Raises:
        downloads.DownloadFailed: three times in vain.
    """
    let_import_starters()
    import downloads

    def download(folder: Path) -> None:
        pom = folder / "pom.xml"
        pom.write_text(_POM, encoding="utf-8")
        copy = ("dependency:copy-dependencies", f"-DoutputDirectory={folder}")
        downloads.run(f"the Parallel Consumer {VERSION}", "mvn", "-B", "-q", "-f", pom, *copy)

    return downloads.downloaded(_NAME, download)


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What the peer forwards, and to whom: a topic, and nginx on 127.0.0.1."""

    broker: str
    topic: str
    group: str
    port: int
    path: str
    token: str
    under_way: int

    def arguments(self) -> list[str]:
        """The arguments of ``Peer.java``."""
        fields = (self.broker, self.topic, self.group, self.port, self.path, self.token, self.under_way)
        return [str(field) for field in fields]


class Peer:
    """A running peer."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self.used = Used(process.pid)

    def runs(self) -> bool:
        """True while the peer runs.

        Raises:
            Failed: the peer has ended; the text holds the end of its output.
        """
        if self._process.poll() is not None:
            raise Failed(f"the peer ended: {self._log.read_text(encoding='utf-8')[-_LAST_WORDS:]}")
        return True


class Program:
    """The compiled program; ``folder`` gets the classes and what the peer prints.

    Raises:
        Missing: the machine lacks Java, its compiler or Maven; the text says what to install.
        Failed: the jars could not be downloaded, or the program does not compile.
    """

    def __init__(self, folder: Path) -> None:
        if (lacking := missing()) is not None:
            raise Missing(lacking)
        import downloads

        try:
            libraries = jars() / "*"
        except downloads.DownloadFailed as failed:
            raise Failed(str(failed)) from failed
        self._folder = folder
        classes = folder / "classes"
        self._path = os.pathsep.join((str(classes), str(libraries)))
        argv = ["javac", "-cp", str(libraries), "-d", str(classes), str(_PROGRAM)]
        done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"{_PROGRAM.name} does not compile: {(done.stdout + done.stderr)[-_LAST_WORDS:]}")

    @contextmanager
    def running(self, forwarding: Forwarding, core: int | None) -> Iterator[Peer]:
        """A peer on ``core``, for the length of the block."""
        log = self._folder / "peer.log"
        argv: Sequence[str] = ["java", "-cp", self._path, "Peer", *forwarding.arguments()]
        with log.open("wb") as said:
            process = subprocess.Popen(pinned(argv, core), stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            yield Peer(process, log)
        finally:
            end(process)


def main() -> None:
    """Only download."""
    if (lacking := missing()) is not None:
        sys.exit(lacking)
    import downloads

    downloads.only(jars)


if __name__ == "__main__":
    main()

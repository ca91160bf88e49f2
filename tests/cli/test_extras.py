"""The command where the clients of brokers are not installed: each kind names its libraries, and the rest works."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from ports import free_port

from exporter.sections import extras

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config/exporter.yaml"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
#: What the extra of each kind of queue brings, by the names under which it is imported.
CLIENTS = {"redis": ("redis", "hiredis"), "kafka": ("aiokafka",), "nats": ("nats", "nkeys")}
#: What tracing needs.
TRACING = ("opentelemetry", "requests")

#: Where a broker of that kind would be, but for its port.
WHERE = {
    "redis": "url: 'redis://127.0.0.1:{}/0'",
    "kafka": "bootstrap_servers: '127.0.0.1:{}'",
    "nats": "url: 'nats://127.0.0.1:{}'",
}

#: None in ``sys.modules`` is a module that cannot be found.
_WITHOUT = """
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
from exporter.cli.app import main
main()
"""


def without(modules: tuple[str, ...], *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command in an environment that lacks these."""
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT, ",".join(modules), *words],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


ALL = (*(name for names in CLIENTS.values() for name in names), *TRACING)


def test_the_extras_are_those_of_the_package() -> None:
    assert set(EXTRAS) == {*CLIENTS, "otel", "all", "docs", "dev"}
    assert EXTRAS["all"] == [f"{extras.DISTRIBUTION}[redis,kafka,nats,otel]"]
    assert PROJECT["name"] == extras.DISTRIBUTION


@pytest.mark.parametrize(
    ("kind", "module"), [("redis", "redis"), ("kafka", "aiokafka"), ("nats", "nats"), ("nats", "nkeys")]
)
def test_a_kind_without_its_client_names_the_libraries(kind: str, module: str, tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(f"queue: {{kind: {kind}}}\ndestinations: []\n")
    done = without((module,), "check", "--config", str(file))
    assert (done.returncode, done.stdout) == (78, "")
    [mistake, count] = done.stderr.splitlines()
    assert mistake.startswith(f"{file}:1: queue.kind: ")
    assert wanted(mistake) == [Requirement(text) for text in EXTRAS[kind]]
    assert count == "1 mistake in the configuration"


def test_state_on_redis_without_its_client_names_the_libraries(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("state: {kind: redis}\ndestinations: []\n")
    done = without(CLIENTS["redis"], "check", "--config", str(file))
    assert done.returncode == 78
    assert wanted(done.stderr.splitlines()[0]) == [Requirement(text) for text in EXTRAS["redis"]]


@pytest.mark.parametrize("module", ["opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"])
@pytest.mark.parametrize("command", ["check", "run"])
def test_tracing_without_its_libraries_names_them(command: str, module: str, tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("destinations: []\ntracing:\n  otlp_endpoint: http://127.0.0.1:4318\n")
    done = without((module,), command, "--config", str(file))
    assert (done.returncode, done.stdout) == (78, "")
    [mistake, count] = done.stderr.splitlines()
    assert mistake.startswith(f"{file}:3: tracing.otlp_endpoint: ")
    assert wanted(mistake, "tracing needs libraries that are") == [Requirement(text) for text in EXTRAS["otel"]]
    assert count == "1 mistake in the configuration"


def wanted(mistake: str, what: str = "this kind needs a client that is") -> list[Requirement]:
    """What a message says that pip should install."""
    _, said, libraries = mistake.partition(f": {what} not installed: pip install ")
    assert said, mistake
    libraries, where, _ = libraries.partition(" (into the exporter's own environment, ")
    assert where, "a tool's environment is not the one in which people type pip"
    return [Requirement(text) for text in shlex.split(libraries)]


def test_sources_that_nobody_installed_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the package's own metadata is nowhere; no text may send anybody to an index for the package."""
    monkeypatch.setattr(extras, "DISTRIBUTION", "no-such-distribution")
    assert extras.missing_extra("redis", "no_such_module") == (
        "this kind needs a client that is not installed: the libraries of the extra redis, in pyproject.toml"
        f" (into the exporter's own environment, {sys.prefix})"
    )


def test_what_the_reference_says_to_install_is_what_the_extra_asks_for() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    said = re.findall(r"pip install ('[^']+'(?: '[^']+')*)`?,[\s#]+(?:or|which is) this package's extra `(\w+)`", text)
    assert sorted(extra for _, extra in said) == ["kafka", "nats", "otel", "redis", "redis"]
    libraries = [[*map(Requirement, shlex.split(texts))] for texts, _ in said]
    assert libraries == [[*map(Requirement, EXTRAS[extra])] for _, extra in said]


def test_every_page_has_the_bounds_of_the_package() -> None:
    bounds = {each.name: each for extra in (*CLIENTS, "otel") for each in map(Requirement, EXTRAS[extra])}
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", CONFIG, *(ROOT / "docs").rglob("*.md")]
    said = [text for page in pages for text in re.findall(r"pip install '([^']+)'", page.read_text(encoding="utf-8"))]
    libraries = [found for text in said if not text.startswith(".") and (found := Requirement(text)).name in bounds]
    assert len(libraries) >= 6
    assert [each for each in libraries if each != bounds[each.name]] == []


@pytest.mark.parametrize("kind", CLIENTS)
def test_one_client_is_enough_for_its_kind(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    where = WHERE[kind].format(free_port())
    file.write_text(f"queue: {{kind: {kind}, {where}}}\ndestinations: []\n")
    others = tuple(name for name in ALL if name not in CLIENTS[kind])
    assert without(others, "check", "--config", str(file)).returncode == 0
    tried = without(others, "check", "--connect", "--config", str(file))
    assert "connection refused" in tried.stdout, tried.stderr


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("run", "--help"), ("send", "--help"), ("schema",)])
def test_what_needs_no_broker_works_without_any_client(words: tuple[str, ...]) -> None:
    done = without(ALL, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_journal_works_without_any_client(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(f"queue: {{kind: journal, path: {tmp_path}/queue.db}}\ndestinations: []\n")
    events = tmp_path / "events.jsonl"
    events.write_text('{"profileId": "p"}\n')
    done = without(ALL, "send", str(events), "--config", str(file))
    assert (done.returncode, done.stdout) == (0, "1 event queued\n"), done.stderr

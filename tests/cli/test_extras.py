"""The command where the clients of brokers are not installed: each kind names its extra, and the rest works."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ports import free_port

ROOT = Path(__file__).parents[2]
#: What each extra brings, by the names under which it is imported.
CLIENTS = {"redis": ("redis", "hiredis"), "kafka": ("aiokafka",), "nats": ("nats", "nkeys")}

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


ALL = tuple(name for names in CLIENTS.values() for name in names)


def test_the_extras_are_those_of_the_package() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(extras) == {*CLIENTS, "all", "dev"}
    assert extras["all"] == ["exporter[redis,kafka,nats]"]


@pytest.mark.parametrize(
    ("kind", "module"), [("redis", "redis"), ("kafka", "aiokafka"), ("nats", "nats"), ("nats", "nkeys")]
)
def test_a_kind_without_its_client_names_the_extra(kind: str, module: str, tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(f"queue: {{kind: {kind}}}\ndestinations: []\n")
    done = without((module,), "check", "--config", str(file))
    assert (done.returncode, done.stdout) == (78, "")
    [mistake, count] = done.stderr.splitlines()
    assert mistake.startswith(f"{file}:1: queue.kind: ")
    assert mistake.endswith(f": pip install 'exporter[{kind}]'")
    assert count == "1 mistake in the configuration"


def test_state_on_redis_without_its_client_names_the_extra(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("state: {kind: redis}\ndestinations: []\n")
    done = without(CLIENTS["redis"], "check", "--config", str(file))
    assert done.returncode == 78
    assert "exporter[redis]" in done.stderr


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
    assert (done.returncode, done.stdout) == (0, "1 events queued\n"), done.stderr

"""Reads what `buildah inspect --type image` prints: checks the image's configuration, or prints one of its commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Config = dict[str, Any]


def read(text: str) -> Config:
    """The Docker configuration in the output of an inspection."""
    config: Config = json.loads(text)["Docker"]["config"]
    return config


def command(config: Config) -> list[str]:
    """What the image runs when nothing else is asked: entry point and arguments."""
    return [*config["Entrypoint"], *config["Cmd"]]


def health(config: Config) -> list[str]:
    """The health check's command; empty where there is none in exec form."""
    test: list[str] = (config.get("Healthcheck") or {}).get("Test") or [""]
    return test[1:] if test[0] == "CMD" else []


def mistakes(config: Config) -> list[str]:
    """What is asked of the image and this configuration lacks, in words."""
    environment = dict(pair.split("=", 1) for pair in config.get("Env") or [])
    labels = config.get("Labels") or {}
    rules = {
        "it must run as 10001:10001": config.get("User") == "10001:10001",
        "the entry point must be the command itself, without a shell": config.get("Entrypoint") == ["exporter"],
        "it must have a health check in exec form": health(config) != [],
        "/data must be the only volume": list(config.get("Volumes") or {}) == ["/data"],
        "it must stop on SIGTERM": config.get("StopSignal", "SIGTERM") == "SIGTERM",
        "the ops port must listen on all addresses": environment.get("EXPORTER__OPS__HOST") == "0.0.0.0",
        "no bytecode may be written": bool(environment.get("PYTHONDONTWRITEBYTECODE")),
        "it must name its licence": labels.get("org.opencontainers.image.licenses") == "Apache-2.0",
    }
    return [rule for rule, holds in rules.items() if not holds]


def main(file: str, what: str) -> int:
    """Print the wanted command, one argument a line, or the mistakes. Returns the exit code."""
    config = read(Path(file).read_text(encoding="utf-8"))
    found = mistakes(config) if what == "check" else []
    lines = {"check": found, "command": command(config), "health": health(config)}[what]
    for line in lines:
        print(line, file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

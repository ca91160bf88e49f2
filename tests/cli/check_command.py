"""``exporter check`` as a process of its own, started warm, on a configuration made for it."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from warm_command import warm_command


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def connect(self) -> dict[tuple[str | None, str], tuple[bool, str]]:
        """What ``--connect --json`` found, by destination and step."""
        found = json.loads(self.stdout)["connect"]
        return {(step["destination"], step["what"]): (step["ok"], step["detail"]) for step in found}


async def check(folder: Path, *options: str, destinations: list[dict[str, Any]], **keys: Any) -> Ended:
    config = folder / "exporter.yaml"
    # Whatever else this machine runs, the default port may be in use, which --connect tells of.
    ops = {"ops": {"port": 0}} if "--connect" in options else {}
    config.write_text(yaml.safe_dump({"destinations": destinations, **ops, **keys}), encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTER")}
    process = await asyncio.create_subprocess_exec(
        *(*warm_command(), "check", "--config", str(config), *options),
        cwd=folder,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Ended(process.returncode, stdout.decode(), stderr.decode())

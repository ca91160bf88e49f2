"""What the image check reads out of an image's configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import image_config
import pytest

GOOD: dict[str, Any] = {
    "User": "10001:10001",
    "Entrypoint": ["exporter"],
    "Cmd": ["run"],
    "Healthcheck": {"Test": ["CMD", "python3", "-c", "pass"]},
    "Volumes": {"/data": {}},
    "StopSignal": "SIGTERM",
    "Env": ["PATH=/bin", "EXPORTER__OPS__HOST=0.0.0.0", "PYTHONDONTWRITEBYTECODE=1"],
    "Labels": {"org.opencontainers.image.licenses": "Apache-2.0"},
}


def inspected(config: dict[str, Any], folder: Path) -> str:
    """A file like the one that an inspection prints."""
    file = folder / "image.json"
    file.write_text(json.dumps({"Docker": {"config": config}}), encoding="utf-8")
    return str(file)


def test_a_good_image_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert image_config.main(inspected(GOOD, tmp_path), "check") == 0
    assert image_config.main(inspected(GOOD, tmp_path), "command") == 0
    assert image_config.main(inspected(GOOD, tmp_path), "health") == 0
    assert capsys.readouterr().out.split() == ["exporter", "run", "python3", "-c", "pass"]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"User": "root"}, "10001"),
        ({"User": None}, "10001"),
        ({"Entrypoint": ["/bin/sh", "-c", "exporter"]}, "entry point"),
        # What a build in the OCI format makes of it: dropped.
        ({"Healthcheck": None}, "health check"),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "true"]}}, "health check"),
        ({"Volumes": {"/data": {}, "/config": {}}}, "volume"),
        ({"Volumes": None}, "volume"),
        ({"StopSignal": "SIGKILL"}, "SIGTERM"),
        ({"Env": ["PYTHONDONTWRITEBYTECODE=1"]}, "ops port"),
        ({"Env": ["EXPORTER__OPS__HOST=0.0.0.0"]}, "bytecode"),
        ({"Labels": None}, "licence"),
    ],
)
def test_each_mistake_is_named(
    changed: dict[str, Any], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert image_config.main(inspected(GOOD | changed, tmp_path), "check") == 1
    complaint = capsys.readouterr().err
    assert named in complaint
    assert len(complaint.splitlines()) == 1

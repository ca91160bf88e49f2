"""The check of the bill of materials finds what is missing or wrong in one."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sbom

INSTALLED = {"profile-exporter": "0.1.0", "prometheus-client": "0.26.0", "redis": "8.1.0"}
DOCUMENT: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "metadata": {"component": {"name": "profile-exporter", "bom-ref": "root"}},
    "components": [
        {"name": "prometheus_client", "version": "0.26.0", "bom-ref": "a", "purl": "pkg:pypi/prometheus-client@0.26.0"},
        {"name": "redis", "version": "8.1.0", "bom-ref": "b", "purl": "pkg:pypi/redis@8.1.0"},
    ],
    "dependencies": [{"ref": "root", "dependsOn": ["a"]}, {"ref": "a"}, {"ref": "b"}],
}


def test_one_that_names_everything_is_right() -> None:
    assert list(sbom.mistakes(DOCUMENT, INSTALLED)) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda bom: bom["components"].pop(), "redis 8.1.0 is missing"),
        (lambda bom: bom["components"][1].update(version="8.0.0"), "redis is 8.1.0, and not 8.0.0"),
        (lambda bom: bom["components"][1].pop("purl"), "redis has no package URL"),
        (lambda bom: bom["dependencies"].pop(), "redis has no place in the tree"),
        (lambda bom: bom["metadata"]["component"].update(name="redis"), "its subject is redis, not profile-exporter"),
        (lambda bom: bom.pop("bomFormat"), "it is no CycloneDX document"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(damage: Callable[[dict[str, Any]], object], said: str) -> None:
    damaged = copy.deepcopy(DOCUMENT)
    damage(damaged)
    assert said in list(sbom.mistakes(damaged, INSTALLED))


def test_it_is_not_asked_of_an_environment_without_the_package(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True, timeout=60)
    command = [str(tmp_path / "bare/bin/python"), str(sbom.__file__), str(tmp_path / "none.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "is not the environment" in done.stderr

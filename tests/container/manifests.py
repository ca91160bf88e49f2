"""Reads Kubernetes manifests and the Dockerfile for tests: objects by kind, and the settings that a pod has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from exporter.settings.loading.load import Loaded, load
from exporter.settings.tree import Settings

ROOT = Path(__file__).parents[2]
MOUNTED_SECRETS = "/run/secrets/exporter"
Tree = dict[str, Any]


def objects(file: str) -> dict[str, Tree]:
    """The objects of a manifest by kind; no kind comes twice."""
    documents = list(yaml.safe_load_all((ROOT / file).read_text(encoding="utf-8")))
    by_kind = {document["kind"]: document for document in documents}
    assert len(by_kind) == len(documents)
    return by_kind


def dockerfile(instruction: str) -> str:
    """What follows the last such instruction of the Dockerfile."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(instruction).strip() for line in lines if line.startswith(instruction + " ")][-1]


def image_environment() -> dict[str, str]:
    """The variables of the image."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    pairs = [line.strip().removesuffix(" \\").partition("=") for line in lines if line.startswith("    EXPORTER__")]
    return {name: value for name, _, value in pairs}


def loaded(path: Path, environ: dict[str, str]) -> Settings:
    found = load(path, environ)
    assert isinstance(found, Loaded), found
    return found.settings


def size(text: str) -> int:
    """Bytes of a Kubernetes quantity in Mi or Gi."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text, re.ASCII).groups()  # type: ignore[union-attr]
    return int(number) * {"Mi": 1024**2, "Gi": 1024**3}[unit]


def secrets(manifest: dict[str, Tree]) -> dict[str, str]:
    data: dict[str, str] = manifest["Secret"]["stringData"]
    return data


def settings_in(manifest: dict[str, Tree], container: Tree, folder: Path) -> Settings:
    """The ConfigMap's configuration, with the Secret mounted and in the environment as the pod has it."""
    for key, value in secrets(manifest).items():
        (folder / key).write_text(value, encoding="utf-8")
    (text,) = manifest["ConfigMap"]["data"].values()
    assert MOUNTED_SECRETS in text
    file = folder / "exporter.yaml"
    file.write_text(text.replace(MOUNTED_SECRETS, str(folder)), encoding="utf-8")
    environ = {
        entry["name"]: secrets(manifest)[entry["valueFrom"]["secretKeyRef"]["key"]] for entry in container["env"]
    }
    return loaded(file, environ)


def check_confined(pod: Tree, container: Tree) -> None:
    """The pod runs as the image's user, without a right that it does not need."""
    user, group = (int(part) for part in dockerfile("USER").split(":"))
    outer, inner = pod["securityContext"], container["securityContext"]
    assert outer["runAsNonRoot"] is True
    assert (outer["runAsUser"], outer["runAsGroup"], outer["fsGroup"]) == (user, group, group)
    assert outer["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inner["readOnlyRootFilesystem"] is True
    assert inner["allowPrivilegeEscalation"] is False
    assert inner["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is False


def check_probes(container: Tree) -> None:
    """The probes ask what the daemon answers, where it listens."""
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"ops": Settings().ops.port}
    asked = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: probe["path"] for name, probe in asked.items()} == {
        "startupProbe": "/live",
        "livenessProbe": "/live",
        "readinessProbe": "/ready",
    }
    assert {probe["port"] for probe in asked.values()} == {"ops"}

"""The chart with each of its sets of values: linted, its objects such as Kubernetes takes, its configurations checked.

Objects of KEDA and of the Prometheus operator have schemas of their own, which are not here: only that they are
well-formed YAML is seen. No cluster was asked.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from manifests import MOUNTED_SECRETS, Tree, check_confined, image_environment, loaded, size
from releases import containers, documents, of_kind, workload
from rendered import CHART, VALUES, chosen, run_helm

from exporter.settings.tree import Settings

#: The names of values, later ones over earlier ones.
SETS = [
    *(("exporter",), ("source",), ("redis",), ("nats",), ("workers",), ("serve",), ("kafka",)),
    *(("kafka", "kafka-by-metric"), ("kafka", "kafka-by-group"), ("kafka", "kafka-by-hpa")),
]
#: The oldest that the chart takes, and the newest that is known.
VERSIONS = ("1.29", kubernetes_validate.latest_version())
#: Of others than Kubernetes itself.
FOREIGN = {("keda.sh/v1alpha1", "ScaledObject"), ("keda.sh/v1alpha1", "TriggerAuthentication")}
FOREIGN |= {("monitoring.coreos.com/v1", "ServiceMonitor")}
#: Keys of Secrets whose values have a form; all others may be anything.
SECRETS = {"redis-url": "redis://127.0.0.1:6379/0", "shop-inlet": "0" * 64}

each_set = pytest.mark.parametrize("values", SETS, ids="+".join)


def settings_of(found: list[Tree], folder: Path) -> tuple[Path, dict[str, str]] | None:
    """The configuration's file and the pod's environment; None where the ConfigMap is somebody else's."""
    texts = [each["data"]["exporter.yaml"] for each in found if each["kind"] == "ConfigMap"]
    if not texts:
        return None
    for key in re.findall(rf"{MOUNTED_SECRETS}/([\w-]+)", texts[0]):
        (folder / key).write_text(SECRETS.get(key, "s3cret"), encoding="utf-8")
    file = folder / "exporter.yaml"
    file.write_text(texts[0].replace(MOUNTED_SECRETS, str(folder)), encoding="utf-8")
    [variables] = {str(each.get("env", [])): each.get("env", []) for each in containers(found)}.values()
    given = {each["name"]: SECRETS.get(each["valueFrom"]["secretKeyRef"]["key"], "s3cret") for each in variables}
    return file, given | image_environment()


def test_every_set_of_values_is_tried() -> None:
    assert {name for names in SETS for name in names} == {file.stem for file in VALUES.glob("*.yaml")}


@each_set
def test_lint_finds_nothing(values: tuple[str, ...], helm_program: Path) -> None:
    done = run_helm(helm_program, "lint", "--strict", CHART, *chosen(values))
    assert done.returncode == 0, done.stdout
    assert "0 chart(s) failed" in done.stdout
    assert "[WARNING]" not in done.stdout


def test_lint_finds_nothing_in_the_chart_alone(helm_program: Path) -> None:
    done = run_helm(helm_program, "lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout


@each_set
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_the_objects(values: tuple[str, ...], version: str, helm_program: Path) -> None:
    found = documents(helm_program, *chosen(values))
    own = [each for each in found if (each["apiVersion"], each["kind"]) not in FOREIGN]
    assert len(own) >= 2
    for each in own:
        kubernetes_validate.validate(each, version, strict=True)
    names = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert len(set(names)) == len(names)


def test_an_object_with_a_key_that_there_is_not_is_found(helm_program: Path) -> None:
    service = of_kind(documents(helm_program, *chosen(["exporter"])), "Service")
    service["spec"]["porst"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service, VERSIONS[-1], strict=True)


@each_set
def test_the_configuration_passes_check(values: tuple[str, ...], helm_program: Path, tmp_path: Path) -> None:
    found = settings_of(documents(helm_program, *chosen(values)), tmp_path)
    if found is None:
        assert values == ("workers",)
        return
    file, environ = found
    command = [sys.executable, "-m", "exporter", "check", "--config", str(file)]
    done = subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@each_set
def test_the_pod_fits_its_configuration(values: tuple[str, ...], helm_program: Path, tmp_path: Path) -> None:
    found = documents(helm_program, *chosen(values))
    given = settings_of(found, tmp_path)
    settings = Settings() if given is None else loaded(*given)
    pod = workload(found)["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > max(settings.drain, settings.serve.drain)
    ports = {"ops": settings.ops.port, "collection": settings.serve.port, "serve-ops": settings.serve.ops.port}
    for each in containers(found):
        check_confined(pod, each)
        serves = each["name"] == "serve"
        listening = {"collection", "serve-ops"} if serves else {"ops"}
        assert {port["name"]: port["containerPort"] for port in each["ports"]} == {
            name: ports[name] for name in listening
        }
        probes = {name: each[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
        assert {name: probe["path"] for name, probe in probes.items()} == {
            "startup": "/live", "liveness": "/live", "readiness": "/ready",
        }  # fmt: skip
        assert {probe["port"] for probe in probes.values()} == {"serve-ops" if serves else "ops"}
        processes = int(each["args"][-1]) if "--workers" in each.get("args", ()) else 1
        needed = settings.serve.memory if serves else settings.memory
        assert size(each["resources"]["limits"]["memory"]) >= needed + processes * 120 * 1024**2
        check_mounts(workload(found), each)


def check_mounts(spec: Tree, container: Tree) -> None:
    """Every mount has its volume, and files have one that outlives the pod."""
    claims = [each["metadata"]["name"] for each in spec.get("volumeClaimTemplates", ())]
    volumes = {each["name"] for each in spec["template"]["spec"]["volumes"]}
    assert {each["name"] for each in container["volumeMounts"]} == {*volumes, *claims}
    assert claims in ([], ["data"])
    assert (spec.get("replicas") == 1) or not claims


@each_set
def test_everything_is_about_the_same_pods(values: tuple[str, ...], helm_program: Path) -> None:
    found = documents(helm_program, *chosen(values))
    labels = workload(found)["template"]["metadata"]["labels"]
    kinds = {each["kind"]: each["spec"] for each in found if "spec" in each}
    selectors: list[Any] = [workload(found)["selector"]["matchLabels"], kinds["Service"]["selector"]]
    if "PodDisruptionBudget" in kinds:
        selectors.append(kinds["PodDisruptionBudget"]["selector"]["matchLabels"])
    if "NetworkPolicy" in kinds:
        selectors.append(kinds["NetworkPolicy"]["podSelector"]["matchLabels"])
    assert all(selector.items() <= labels.items() for selector in selectors)
    assert len({str(selector) for selector in selectors}) == 1
    if "ServiceMonitor" in kinds:
        service = of_kind(found, "Service")
        assert kinds["ServiceMonitor"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        named = {port["name"] for port in service["spec"]["ports"]}
        assert {each["port"] for each in kinds["ServiceMonitor"]["endpoints"]} <= named
        assert "annotations" not in service["metadata"]

"""The values of the chart: each is described, what does not go together is refused, and what each of them changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from releases import containers, documents, of_kind, workload
from rendered import CHART, chosen, run_helm, template

SINGLE = chosen(["exporter"])
KAFKA = chosen(["kafka"])


def test_each_value_is_described_by_a_comment() -> None:
    """Right above it or above the keys that it comes with, or, of a section, within it."""
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    bare = []
    for number, line in enumerate(lines):
        if re.match(r"[A-Za-z]\w*:", line):
            above = next(each for each in reversed(lines[:number]) if not re.match(r"[A-Za-z]\w*: ", each))
            within = lines[number + 1] if line.endswith(":") else ""
            if not re.match(r" *# [\w`]", above) and not re.match(r" +# [\w`]", within):
                bare.append(line)
    assert bare == []


def test_the_schema_has_the_values_and_no_others() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

    def differing(described: dict[str, Any], given: dict[str, Any], at: str = "") -> Iterator[str]:
        yield from (f"{at}{key}" for key in described.keys() ^ given.keys())
        for key in described.keys() & given.keys():
            if (inner := described[key].get("properties")) is not None:
                yield from differing(inner, given[key], f"{at}{key}.")

    # Helm's own, of charts that hold this one.
    assert list(differing(schema["properties"], values)) == ["global"]


@pytest.mark.parametrize(
    ("values", "changed", "said"),
    [
        ((), (), "neither config nor existingConfigMap is set"),
        (("exporter",), ("existingConfigMap=other",), "config and existingConfigMap are both set"),
        (("exporter",), ("replicas=2",), "replicas is 1 for kind: StatefulSet"),
        (("exporter",), ("run.enabled=false",), "nothing would run"),
        (("exporter",), ("secret.existing=other",), "secret.existing and secret.values are both set"),
        (("exporter",), ("secret.values=null",), "env names keys of a Secret, and there is none"),
        (("exporter",), ("scaling.by=metric",), "scaling.by needs kind: Deployment"),
        (("source",), ("kind=Deployment",), "serve.enabled needs kind: StatefulSet"),
        (("kafka",), ("scaling.min=0",), "scaling.min is at least 1"),
        (("kafka",), ("scaling.max=1",), "scaling.max is less than scaling.min"),
        (("kafka", "kafka-by-group"), ("scaling.destinations=null",), "needs scaling.destinations"),
        (("kafka", "kafka-by-group"), ("scaling.kafka.topic=",), "group needs scaling.kafka.bootstrapServers"),
        (("kafka", "kafka-by-group"), ("secret.values=null", "env=null"), "scaling.kafka.sasl needs a Secret"),
        (("exporter",), ("persistance.size=1Gi",), "persistance"),
        (("exporter",), ("persistence.accessMode=ReadWriteMany",), "accessMode"),
        (("exporter",), ("run.workers=some",), "workers"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else None,
)  # fmt: skip
def test_what_does_not_go_together_is_refused_with_the_reason(
    values: tuple[str, ...], changed: tuple[str, ...], said: str, helm_program: Path
) -> None:
    options = [option for change in changed for option in ("--set", change)]
    done = run_helm(helm_program, "template", "exporter", CHART, *chosen(values), *options)
    assert done.returncode != 0
    assert said in done.stderr


def test_a_configuration_that_is_a_mapping_is_refused(helm_program: Path) -> None:
    """Helm would lose !file in it."""
    options = ["--set-json", 'config={"memory": "64MiB"}']
    done = run_helm(helm_program, "template", "exporter", CHART, *options)
    assert done.returncode != 0
    assert "'/config': got object, want string" in done.stderr


def test_two_releases_in_one_namespace_know_their_own_pods(helm_program: Path) -> None:
    first, second = (documents(helm_program, *SINGLE, release=name) for name in ("exporter", "shop"))
    assert {each["metadata"]["name"] for each in first} == {"exporter"}
    assert {each["metadata"]["name"] for each in second} == {"shop-exporter"}
    labels = workload(second)["template"]["metadata"]["labels"]
    assert not of_kind(first, "Service")["spec"]["selector"].items() <= labels.items()
    assert of_kind(second, "StatefulSet")["spec"]["serviceName"] == "shop-exporter"


def test_a_name_may_be_given(helm_program: Path) -> None:
    found = documents(helm_program, *SINGLE, "--set", "fullnameOverride=partners")
    assert {each["metadata"]["name"] for each in found} == {"partners"}


def test_a_changed_configuration_starts_the_pods_again(helm_program: Path) -> None:
    def pod(*options: str) -> Any:
        return workload(documents(helm_program, *SINGLE, *options))["template"]

    assert pod() == pod()
    assert pod() != pod("--set-string", "config=memory: 64MiB")


def test_a_secret_by_reference_is_not_made(helm_program: Path) -> None:
    found = documents(helm_program, *SINGLE, "--set", "secret.values=null", "--set", "secret.existing=partner")
    assert "Secret" not in {each["kind"] for each in found}
    [container] = containers(found)
    assert [each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"]] == ["partner"]
    volumes = workload(found)["template"]["spec"]["volumes"]
    assert {each["secret"]["secretName"] for each in volumes if "secret" in each} == {"partner"}


def test_workers_are_an_argument(helm_program: Path) -> None:
    for given in ("4", "auto"):
        [container] = containers(documents(helm_program, *SINGLE, "--set", f"run.workers={given}"))
        assert container["args"] == ["run", "--config", "/config/exporter.yaml", "--workers", given]
    [container] = containers(documents(helm_program, *SINGLE))
    assert "args" not in container


def test_who_is_not_named_is_not_let_in(helm_program: Path) -> None:
    """A rule without ``from`` lets everybody in."""
    policy = ("--set", "networkPolicy.enabled=true")
    spec = of_kind(documents(helm_program, *SINGLE, *policy), "NetworkPolicy")["spec"]
    assert (spec["ingress"], spec["policyTypes"]) == ([], ["Ingress"])
    options = (*policy, "--set-json", 'networkPolicy.collectionFrom=[{"podSelector": {}}]')
    spec = of_kind(documents(helm_program, *chosen(["source"]), *options), "NetworkPolicy")["spec"]
    assert spec["ingress"] == [{"from": [{"podSelector": {}}], "ports": [{"port": "collection"}]}]
    options = (*policy, "--set-json", 'networkPolicy.egress=[{"ports": [{"port": 443}]}]')
    spec = of_kind(documents(helm_program, *SINGLE, *options), "NetworkPolicy")["spec"]
    assert (spec["egress"], spec["policyTypes"]) == ([{"ports": [{"port": 443}]}], ["Ingress", "Egress"])


def test_who_scales_says_how_many(helm_program: Path) -> None:
    assert "replicas" not in workload(documents(helm_program, *KAFKA))
    found = documents(helm_program, *KAFKA, "--set", "scaling.by=none", "--set", "replicas=3")
    assert workload(found)["replicas"] == 3
    assert not {each["kind"] for each in found} & {"ScaledObject", "HorizontalPodAutoscaler"}
    found = documents(helm_program, *KAFKA, "--set", "scaling.lagPerPod=5000000")
    [trigger] = of_kind(found, "ScaledObject")["spec"]["triggers"]
    assert trigger["metadata"]["threshold"] == "5000000"


def test_a_query_asks_for_the_exporters_that_are_named(helm_program: Path) -> None:
    text = template(helm_program, *KAFKA, "--set-string", 'scaling.prometheus.selector=namespace="shop"')
    assert text.count('exporter_queue_lag{namespace="shop"}') == 1
    assert text.count('exporter_paused{namespace="shop"}') == 1


def test_a_key_of_the_security_context_may_be_taken_away(helm_program: Path) -> None:
    found = documents(helm_program, *SINGLE, "--set", "podSecurityContext.runAsUser=null")
    context = workload(found)["template"]["spec"]["securityContext"]
    assert "runAsUser" not in context
    assert context["runAsNonRoot"] is True


def test_what_is_given_of_the_pod_reaches_it(helm_program: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "extraVolumes": [{"name": "ca", "secret": {"secretName": "ca"}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": True}],
        "image": {"repository": "registry.example.com/exporter", "tag": "7", "pullPolicy": "Always"},
        "podAnnotations": {"a": "b"}, "podLabels": {"team": "growth"}, "priorityClassName": "high",
        "serviceAccountName": "exporter", "nodeSelector": {"disk": "ssd"}, "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}}, "persistence": {"storageClass": "fast", "accessMode": "ReadWriteOnce"},
        "terminationGracePeriodSeconds": 90,
    }  # fmt: skip
    file = tmp_path / "given.yaml"
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    spec = workload(documents(helm_program, *SINGLE, "--values", str(file)))
    pod, [container] = spec["template"]["spec"], spec["template"]["spec"]["containers"]
    assert container["env"][-1] == given["extraEnv"][0]
    assert pod["volumes"][-1] == given["extraVolumes"][0]
    assert container["volumeMounts"][-1] == given["extraVolumeMounts"][0]
    assert (container["image"], container["imagePullPolicy"]) == ("registry.example.com/exporter:7", "Always")
    assert spec["template"]["metadata"]["annotations"]["a"] == "b"
    assert spec["template"]["metadata"]["labels"]["team"] == "growth"
    for key in ("priorityClassName", "serviceAccountName", "nodeSelector", "tolerations", "affinity"):
        assert pod[key] == given[key]
    assert pod["terminationGracePeriodSeconds"] == 90
    [claim] = spec["volumeClaimTemplates"]
    assert (claim["spec"]["storageClassName"], claim["spec"]["accessModes"]) == ("fast", ["ReadWriteOnce"])


@pytest.mark.parametrize(
    ("values", "said", "unsaid"),
    [
        ("exporter", ("rollout status statefulset/exporter", "exporter -- exporter status", "change-me"), ":8085"),
        ("source", ("--container run -- exporter status", "--container serve -- exporter source status"), "pods:"),
        ("redis", ("rollout status deployment/exporter", "2 pods:"), "change-me"),
    ],
    ids=["exporter", "source", "redis"],
)
def test_the_notes_say_what_to_look_at(values: str, said: tuple[str, ...], unsaid: str, helm_program: Path) -> None:
    done = run_helm(helm_program, "install", "--dry-run=client", "exporter", CHART, *chosen([values]))
    assert done.returncode == 0, done.stderr
    notes = notes_of(done.stdout)
    assert [text for text in said if text not in notes] == []
    assert unsaid not in notes


def test_the_notes_tell_of_a_deployment_that_keeps_its_state_in_a_file(helm_program: Path) -> None:
    said = []
    for changed in ([], ["--set-string", "config=queue: {kind: kafka}"]):
        done = run_helm(helm_program, "install", "--dry-run=client", "exporter", CHART, *KAFKA, *changed)
        assert done.returncode == 0, done.stderr
        said.append("names no Redis" in notes_of(done.stdout))
    assert said == [False, True]


def notes_of(printed: str) -> str:
    return printed.partition("\nNOTES:\n")[2]

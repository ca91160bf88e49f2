"""The manifests for many exporters on Kafka: they agree with the settings, the metrics and each other.

No cluster was asked; what KEDA and the autoscaler make of them is not tried.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from manifests import ROOT, Tree, check_confined, check_probes, objects, secrets, settings_in, size
from prometheus_client import generate_latest

from exporter.outbox.verdict import PauseReason
from exporter.queues.kafka.settings import KafkaSettings
from exporter.settings.tree import Settings
from exporter.telemetry.families.destination import DESTINATION
from exporter.telemetry.metrics import Gauges, Metrics

FOLDER = "config/kubernetes/kafka"
HOW = ("scale-by-metric", "scale-by-group", "scale-hpa")


@pytest.fixture(scope="module")
def manifest() -> dict[str, Tree]:
    return objects(f"{FOLDER}/exporter.yaml")


@pytest.fixture(scope="module")
def pod(manifest: dict[str, Tree]) -> Tree:
    spec: Tree = manifest["Deployment"]["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="module")
def container(pod: Tree) -> Tree:
    (only,) = pod["containers"]
    assert isinstance(only, dict)
    return only


@pytest.fixture
def settings(manifest: dict[str, Tree], container: Tree, tmp_path: Path) -> Settings:
    return settings_in(manifest, container, tmp_path)


@pytest.fixture
def kafka(settings: Settings) -> KafkaSettings:
    assert isinstance(settings.queue, KafkaSettings)
    return settings.queue


def scaler(how: str) -> Tree:
    """The object that says how many, as what it comes down to: an autoscaler's target, bounds and behaviour."""
    found = objects(f"{FOLDER}/{how}.yaml")
    if "HorizontalPodAutoscaler" in found:
        spec: Tree = found["HorizontalPodAutoscaler"]["spec"]
        return spec
    spec = found["ScaledObject"]["spec"]
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", **spec["scaleTargetRef"]},
        "minReplicas": spec["minReplicaCount"],
        "maxReplicas": spec["maxReplicaCount"],
        "behavior": spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
    }


def triggers(how: str) -> list[Tree]:
    found: list[Tree] = objects(f"{FOLDER}/{how}.yaml")["ScaledObject"]["spec"]["triggers"]
    return found


def test_no_pod_keeps_anything_of_its_own(settings: Settings, pod: Tree, manifest: dict[str, Tree]) -> None:
    assert settings.queue.kind == "kafka"
    assert settings.state.kind == "redis"
    assert {next(key for key in volume if key != "name") for volume in pod["volumes"]} == {
        "configMap",
        "secret",
        "emptyDir",
    }
    assert "StatefulSet" not in manifest


def test_the_pods_are_confined_and_probed_like_the_single_one(pod: Tree, container: Tree) -> None:
    check_confined(pod, container)
    check_probes(container)


def test_a_stop_is_given_longer_than_a_drain_and_leaving_the_groups(pod: Tree, settings: Settings) -> None:
    assert pod["terminationGracePeriodSeconds"] >= settings.drain + 20


def test_every_secret_is_used_and_every_mount_has_its_volume(
    manifest: dict[str, Tree], pod: Tree, container: Tree, settings: Settings, kafka: KafkaSettings
) -> None:
    assert {volume["name"] for volume in pod["volumes"]} == {mount["name"] for mount in container["volumeMounts"]}
    text = manifest["ConfigMap"]["data"]["exporter.yaml"]
    used = set(re.findall(r"/run/secrets/exporter/([\w-]+)", text))
    used |= {entry["valueFrom"]["secretKeyRef"]["key"] for entry in container["env"]}
    assert used | {"kafka-username"} == set(secrets(manifest))
    assert kafka.sasl is not None
    assert secrets(manifest)["kafka-username"] == kafka.sasl.username  # for KEDA, which reads no configuration of ours
    assert size(container["resources"]["limits"]["memory"]) >= settings.memory + 120 * 1024**2


def test_all_objects_are_about_the_same_pods(manifest: dict[str, Tree]) -> None:
    spec = manifest["Deployment"]["spec"]
    labels = spec["selector"]["matchLabels"]
    assert spec["template"]["metadata"]["labels"].items() >= labels.items()
    assert manifest["Service"]["spec"]["selector"] == labels
    assert manifest["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    [spread] = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == labels


def test_one_pod_at_a_time_goes(manifest: dict[str, Tree]) -> None:
    assert manifest["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    assert manifest["Deployment"]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_applying_the_deployment_again_leaves_the_number_of_pods_alone(manifest: dict[str, Tree]) -> None:
    assert "replicas" not in manifest["Deployment"]["spec"]


@pytest.mark.parametrize("how", HOW)
def test_each_way_scales_the_deployment_within_the_same_bounds(how: str, manifest: dict[str, Tree]) -> None:
    found = scaler(how)
    deployment = manifest["Deployment"]
    assert found["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "name": deployment["metadata"]["name"],
    }
    assert found["minReplicas"] == 2
    assert found["behavior"] == scaler("scale-hpa")["behavior"]
    assert found["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= 300


@pytest.mark.parametrize("how", HOW)
def test_there_are_never_more_pods_than_partitions_of_the_topic_that_compose_makes(how: str) -> None:
    text = (ROOT / f"{FOLDER}/{how}.yaml").read_text(encoding="utf-8")
    [most] = re.findall(r"max(?:ReplicaCount|Replicas): (\d+) # the topic's partitions", text)
    topic = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["kafka-topic"]["command"]
    assert f"--partitions={most}" in topic


def test_each_destination_has_a_trigger_on_its_own_group(settings: Settings, kafka: KafkaSettings) -> None:
    found = [trigger["metadata"] for trigger in triggers("scale-by-group")]
    assert [each["consumerGroup"] for each in found] == [
        kafka.group_prefix + destination.name for destination in settings.running
    ]
    for each in found:
        assert each["bootstrapServers"] == kafka.bootstrap_servers
        assert each["topic"] == kafka.topic
        assert each["allowIdleConsumers"] == "false"
        assert {destination.start for destination in settings.running} == {each["offsetResetPolicy"]}


def test_keda_signs_in_to_kafka_as_the_exporter_does(manifest: dict[str, Tree], kafka: KafkaSettings) -> None:
    authentication = objects(f"{FOLDER}/scale-by-group.yaml")["TriggerAuthentication"]
    for trigger in triggers("scale-by-group"):
        assert trigger["authenticationRef"]["name"] == authentication["metadata"]["name"]
        assert kafka.sasl is not None
        assert trigger["metadata"]["sasl"] == kafka.sasl.mechanism.lower().replace("-", "_").replace("sha_", "sha")
        assert (trigger["metadata"]["tls"] == "enable") is (kafka.tls is not None)
    given = {each["parameter"]: each for each in authentication["spec"]["secretTargetRef"]}
    assert given.keys() == {"username", "password"}
    for each in given.values():
        assert each["name"] == manifest["Secret"]["metadata"]["name"]
        assert each["key"] in secrets(manifest)


def scraped() -> str:
    """What /metrics shows of a destination that is paused."""
    metrics = Metrics()
    gauges = Gauges(
        in_flight=0, window_events=0, lag=1, oldest_pending_seconds=1.0, paused=frozenset({"queue"}), dead_letters=0
    )
    metrics.watch("crm", lambda: gauges)
    return generate_latest(metrics.registry).decode()


@pytest.mark.parametrize("how", ["scale-by-metric", "scale-hpa"])
def test_queries_ask_for_metrics_and_labels_that_there_are(how: str) -> None:
    text = (ROOT / f"{FOLDER}/{how}.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"exporter_\w+", text))
    assert asked == {"exporter_queue_lag", "exporter_paused"}
    assert asked <= DESTINATION.keys()
    used = set(re.findall(r"(?:by|on) \((\w+)\)", text))
    for name in asked:
        for labels in re.findall(rf"^{name}{{(.*)}} ", scraped(), re.MULTILINE):
            assert used == {"destination"} <= set(re.findall(r"(\w+)=", labels))


def test_what_is_paused_counts_as_no_lag_since_the_gauge_is_one_or_none() -> None:
    """The query multiplies by one less the gauge."""
    values = dict(re.findall(r'exporter_paused\{.*reason="(\w+)".*\} (\S+)', scraped()))
    assert {reason: float(value) for reason, value in values.items()} == {
        reason: float(reason == "queue") for reason in get_args(PauseReason)
    }


def test_the_autoscaler_looks_at_each_destination(settings: Settings) -> None:
    metrics = objects(f"{FOLDER}/scale-hpa.yaml")["HorizontalPodAutoscaler"]["spec"]["metrics"]
    asked = [metric["external"]["metric"] for metric in metrics]
    assert [each["selector"]["matchLabels"]["destination"] for each in asked] == [
        destination.name for destination in settings.running
    ]
    assert {each["name"] for each in asked} == {"exporter_queue_lag"}


def test_all_ways_ask_for_the_same_lag_a_pod() -> None:
    asked = {trigger["metadata"].get("threshold") for trigger in triggers("scale-by-metric")}
    asked |= {trigger["metadata"]["lagThreshold"] for trigger in triggers("scale-by-group")}
    metrics = objects(f"{FOLDER}/scale-hpa.yaml")["HorizontalPodAutoscaler"]["spec"]["metrics"]
    asked |= {metric["external"]["target"]["averageValue"] for metric in metrics}
    assert len(asked) == 1

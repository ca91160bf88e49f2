"""The way in of compose.yaml and of its Kubernetes manifest: they agree with the image, the settings and each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml
from manifests import MOUNTED_SECRETS, ROOT, Tree, check_confined, image_environment, loaded, objects, settings_in, size

from exporter.settings.tree import Settings

SERVICES: dict[str, Tree] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
INLET = "7a6f1c0e5b2d49d8a3e4f6071829b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4"


def test_the_image_listens_where_others_reach_it() -> None:
    settings = loaded(ROOT / "config/compose/exporter.yaml", {"PARTNER_TOKEN": "x", **image_environment()})
    assert {settings.serve.host, settings.serve.ops.host, settings.ops.host} == {"0.0.0.0"}
    assert settings.serve.api.host == "127.0.0.1"
    assert "EXPOSE 8085 9465\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_compose_serves_the_configuration_and_the_volume_of_the_exporter() -> None:
    source, exporter = SERVICES["source"], SERVICES["exporter"]
    assert source["command"] == ["serve", "--config", "/config/exporter.yaml"]
    own = {"profiles", "command", "ports", "healthcheck", "depends_on"}
    assert {key: value for key, value in source.items() if key not in own} == {
        key: value for key, value in exporter.items() if key not in own
    }
    serve = Settings().serve
    assert [port.rsplit(":", 1)[1] for port in source["ports"]] == [str(serve.port), str(serve.ops.port)]
    assert f":{serve.ops.port}/live" in source["healthcheck"]["test"][-1]
    assert float(source["stop_grace_period"].removesuffix("s")) > serve.drain


def test_the_sample_records_are_sound_and_the_head_sends_them() -> None:
    head = (ROOT / "compose.yaml").read_text(encoding="utf-8").partition("x-confined")[0]
    settings = loaded(ROOT / "config/compose/exporter.yaml", {"PARTNER_TOKEN": "x"})
    assert [source.inlet for source in settings.sources] == [INLET]
    assert f"http://127.0.0.1:{settings.serve.port}/collection/batch/{INLET}" in head
    sample = ROOT / "config/compose/records.json"
    assert "config/compose/records.json" in head
    messages = json.loads(sample.read_text(encoding="utf-8"))["messages"]
    command = [sys.executable, "-m", "exporter", "source", "preview", "signups", "-", "--json"]
    environ = {**os.environ, "EXPORTER_CONFIG": str(ROOT / "config/compose/exporter.yaml"), "PARTNER_TOKEN": "x"}
    done = subprocess.run(
        command, env=environ, input=json.dumps(messages), capture_output=True, text=True, timeout=60, check=True
    )
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["identities"][0]["id"], each["memberships"][0]["status"]) for each in shown] == [
        ("john@example.com", "realized"),
        ("mary@example.com", "realized"),
        ("john@example.com", "exited"),
    ]
    assert {each["memberships"][0]["id"] for each in shown} == {settings.destinations[0].segments[0].id}


def test_the_pod_has_both_processes_on_one_configuration_and_one_volume(tmp_path: Path) -> None:
    manifest = objects("config/kubernetes/source.yaml")
    spec = manifest["StatefulSet"]["spec"]
    pod = spec["template"]["spec"]
    run, serve = pod["containers"]
    settings = settings_in(manifest, serve, tmp_path)
    assert [source.authentication for source in settings.sources] == [True]
    assert MOUNTED_SECRETS in {mount["mountPath"] for mount in serve["volumeMounts"]}
    assert (run["env"], run["volumeMounts"], run["image"]) == (serve["env"], serve["volumeMounts"], serve["image"])
    assert serve["args"] == ["serve", "--config", "/config/exporter.yaml"]
    assert pod["terminationGracePeriodSeconds"] > max(settings.drain, settings.serve.drain)
    assert size(run["resources"]["limits"]["memory"]) >= settings.memory + 120 * 1024**2
    for container in (run, serve):
        check_confined(pod, container)
    ports = {port["name"]: port["containerPort"] for each in (run, serve) for port in each["ports"]}
    assert ports == {"ops": settings.ops.port, "collection": settings.serve.port, "serve-ops": settings.serve.ops.port}
    assert {port["name"]: port["port"] for port in manifest["Service"]["spec"]["ports"]} == ports
    probes = {name: serve[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {probe["port"] for probe in probes.values()} == {"serve-ops"}
    assert [probe["path"] for probe in probes.values()] == ["/live", "/live", "/ready"]
    assert spec["replicas"] == 1
    stored = sum(int(getattr(section, "max_bytes", 0)) for section in (settings.queue, settings.intake))
    [claim] = spec["volumeClaimTemplates"]
    assert size(claim["spec"]["resources"]["requests"]["storage"]) > stored

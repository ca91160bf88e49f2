"""compose.yaml, the Kubernetes manifest and the Dockerfile agree with each other and with the settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.core
import typer.main
import yaml
from manifests import (
    MOUNTED_SECRETS,
    ROOT,
    Tree,
    check_confined,
    check_probes,
    dockerfile,
    loaded,
    objects,
    settings_in,
    size,
)
from pydantic import BaseModel

from exporter.cli.commands import command_line
from exporter.sections.paths import Written, located
from exporter.settings.loading.load import Loaded, load
from exporter.settings.tree import Settings


@pytest.fixture(scope="module")
def compose() -> Tree:
    tree: Tree = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return tree


@pytest.fixture(scope="module")
def manifest() -> dict[str, Tree]:
    return objects("config/kubernetes/exporter.yaml")


@pytest.fixture(scope="module")
def pod(manifest: dict[str, Tree]) -> Tree:
    spec: Tree = manifest["StatefulSet"]["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="module")
def container(pod: Tree) -> Tree:
    (only,) = pod["containers"]
    assert isinstance(only, dict)
    return only


def compose_settings(compose: Tree) -> Settings:
    return loaded(ROOT / "config/compose/exporter.yaml", compose["services"]["exporter"]["environment"])


def path_of(section: BaseModel) -> Path:
    path = getattr(section, "path", None)
    assert isinstance(path, Path)
    return path


def parse_command(arguments: list[str]) -> Tree:
    """The parameters of a command line, parsed as the entry point would; a usage error raises."""
    group = typer.main.get_command(command_line())
    assert isinstance(group, typer.core.TyperGroup)
    command = group.commands[arguments[0]]
    parameters: Tree = command.make_context(arguments[0], list(arguments[1:])).params
    return parameters


def test_the_configuration_of_compose_is_valid_and_reaches_the_receiver(compose: Tree) -> None:
    (destination,) = compose_settings(compose).running
    assert destination.endpoint.startswith("http://receiver:8080/")
    assert "receiver" in compose["services"]


def test_the_commands_of_compose_and_the_image_exist(compose: Tree) -> None:
    receiver = parse_command(compose["services"]["receiver"]["command"])
    assert receiver["host"] == "0.0.0.0"
    assert receiver["port"] == 8080
    assert receiver["token"] == compose["services"]["exporter"]["environment"]["PARTNER_TOKEN"]
    assert "command" not in compose["services"]["exporter"]
    assert yaml.safe_load(dockerfile("ENTRYPOINT")) == ["exporter"]
    run = parse_command(yaml.safe_load(dockerfile("CMD")))
    assert Path(run["config"]) == Path("/config/exporter.yaml")


def test_compose_mounts_what_the_image_expects(compose: Tree) -> None:
    service = compose["services"]["exporter"]
    source, target, mode = service["volumes"][0].split(":")
    assert (ROOT / source).is_file()
    assert (target, mode) == ("/config/exporter.yaml", "ro")
    assert service["volumes"][1].split(":") == [next(iter(compose["volumes"])), "/data"]
    assert yaml.safe_load(dockerfile("VOLUME")) == ["/data"]
    assert service["ports"] == [f"127.0.0.1:{Settings().ops.port}:{Settings().ops.port}"]
    assert dockerfile("EXPOSE") == str(Settings().ops.port)


@pytest.mark.parametrize("name", ["exporter", "receiver"])
def test_compose_confines_both_services(compose: Tree, name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]


def test_queue_and_state_are_on_the_volume(
    compose: Tree, manifest: dict[str, Tree], container: Tree, tmp_path: Path
) -> None:
    # The image's configuration is in /config, and the defaults are relative to that.
    assert "/config/exporter.yaml" in dockerfile("CMD")
    for settings in (compose_settings(compose), settings_in(manifest, container, tmp_path)):
        for section, default in ((settings.queue, Settings().queue), (settings.state, Settings().state)):
            assert section == default.model_copy(update={"path": path_of(section)})
            assert located(Written.of(str(path_of(default)), Path("/config"))).is_relative_to("/data")
            assert path_of(section).name == path_of(default).name


def test_a_stop_is_given_longer_than_a_drain(
    compose: Tree, manifest: dict[str, Tree], pod: Tree, container: Tree, tmp_path: Path
) -> None:
    grace = compose["services"]["exporter"]["stop_grace_period"]
    assert float(grace.removesuffix("s")) > compose_settings(compose).drain
    settings = settings_in(manifest, container, tmp_path)
    assert pod["terminationGracePeriodSeconds"] > settings.drain


def test_the_config_map_is_a_valid_configuration(manifest: dict[str, Tree], container: Tree, tmp_path: Path) -> None:
    settings = settings_in(manifest, container, tmp_path)
    assert [destination.name for destination in settings.running] == ["partner-crm"]
    assert size(container["resources"]["limits"]["memory"]) >= settings.memory + 120 * 1024**2
    assert {entry["name"] for entry in container["env"]} == {"PARTNER_CLIENT_ID"}


def test_the_configuration_without_its_secret_is_refused(
    manifest: dict[str, Tree], container: Tree, tmp_path: Path
) -> None:
    settings_in(manifest, container, tmp_path)
    (tmp_path / "partner-client-secret").unlink()
    assert not isinstance(load(tmp_path / "exporter.yaml", {"PARTNER_CLIENT_ID": "x"}), Loaded)


def test_the_pod_is_confined(pod: Tree, container: Tree) -> None:
    check_confined(pod, container)


def test_the_probes_ask_what_the_daemon_answers(container: Tree) -> None:
    check_probes(container)


def test_one_replica_with_its_own_volume(manifest: dict[str, Tree]) -> None:
    spec = manifest["StatefulSet"]["spec"]
    assert spec["replicas"] == 1
    assert spec["serviceName"] == manifest["Service"]["metadata"]["name"]
    assert manifest["Service"]["spec"]["selector"] == spec["selector"]["matchLabels"]
    assert spec["template"]["metadata"]["labels"].items() >= spec["selector"]["matchLabels"].items()


def test_every_mount_has_its_volume(manifest: dict[str, Tree], pod: Tree, container: Tree) -> None:
    claims = [claim["metadata"]["name"] for claim in manifest["StatefulSet"]["spec"]["volumeClaimTemplates"]]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"data": "/data", "config": "/config", "secrets": MOUNTED_SECRETS, "tmp": "/tmp"}
    assert set(mounts) == {*claims, *volumes}
    assert volumes["config"]["configMap"]["name"] == manifest["ConfigMap"]["metadata"]["name"]
    assert volumes["secrets"]["secret"]["secretName"] == manifest["Secret"]["metadata"]["name"]
    assert list(manifest["ConfigMap"]["data"]) == ["exporter.yaml"]


def test_all_stages_of_the_image_have_the_same_python() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    compiler, *others = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(others) == 2
    assert len(set(others)) == 1
    # The compiler is what the slim one leaves out.
    assert others[0].replace("-slim-", "-") == compiler != others[0]

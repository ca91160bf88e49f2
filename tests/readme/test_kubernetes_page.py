"""docs/kubernetes.md: its values make objects that Kubernetes knows, its commands of Helm run, what it names exists."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import helm
import kubernetes_validate
import pytest
import yaml
from clean_clone import ROOT
from fences import fences

from exporter.settings.loading.load import Loaded, load

PAGE = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
FENCES = fences(PAGE)
FIRST, *OTHERS = (fence.text for fence in FENCES if fence.language == "yaml")
CHART = "config/helm/exporter"
SECRETS = "/run/secrets/exporter"
FOREIGN = {"ServiceMonitor"}


@pytest.fixture(scope="module")
def program() -> Path:
    return helm.needed()


def test_what_is_not_run_is_marked_and_known() -> None:
    assert PAGE.count("\n```") == 2 * len(FENCES)
    assert {fence.language for fence in FENCES} == {"sh", "yaml"}
    not_run = [fence.text.split()[:2] for fence in FENCES if fence.not_run is not None]
    assert not_run == [
        ["docker", "build"], ["kubectl", "create"], ["helm", "install"], ["kubectl", "apply"], ["helm", "upgrade"],
    ]  # fmt: skip


def test_the_commands_run_on_the_first_values(program: Path, tmp_path: Path) -> None:
    (tmp_path / "partner.yaml").write_text(FIRST, encoding="utf-8")
    (tmp_path / "config").symlink_to(ROOT / "config")
    environ = os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    commands = [fence.text for fence in FENCES if fence.language == "sh" and fence.not_run is None]
    commands += re.findall(r"`(helm show [^`]+)`", PAGE)
    assert len(commands) == 2
    for each in commands:
        command = ["bash", "-euo", "pipefail", "-c", each]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", OTHERS, ids=lambda text: text.partition(":")[0])
def test_other_values_go_over_the_first(values: str, program: Path, tmp_path: Path) -> None:
    (tmp_path / "partner.yaml").write_text(FIRST, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(values, encoding="utf-8")

    def rendered(*options: str) -> str:
        command = [str(program), "template", "partner", CHART, "--values", str(tmp_path / "partner.yaml"), *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    text = rendered("--values", str(tmp_path / "other.yaml"))
    assert text != rendered()
    for each in yaml.safe_load_all(text):
        assert each["metadata"]["name"] == "partner-exporter"
        if each["kind"] not in FOREIGN:
            kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def test_the_configurations_in_them_are_some(tmp_path: Path) -> None:
    texts = [values["config"] for values in map(yaml.safe_load, (FIRST, *OTHERS)) if "config" in values]
    assert len(texts) == 2
    for text in texts:
        for key in re.findall(rf"{SECRETS}/([\w-]+)", text):
            (tmp_path / key).write_text("s3cret", encoding="utf-8")
        file = tmp_path / "exporter.yaml"
        file.write_text(text.replace(SECRETS, str(tmp_path)), encoding="utf-8")
        found = load(file, dict.fromkeys(yaml.safe_load(FIRST)["env"], "x"))
        assert isinstance(found, Loaded), found


def test_the_values_and_files_that_it_names_exist() -> None:
    known = yaml.safe_load((ROOT / CHART / "values.yaml").read_text(encoding="utf-8"))
    for name in re.findall(r"\*\*[^*]+\*\*", PAGE.partition("## Values\n")[2].partition("\n## ")[0]):
        for path in re.findall(r"`([\w.]+)`", name):
            at = known
            for key in path.split("."):
                # Of the configuration, not of the chart.
                assert path.startswith("ops.") or key in at, path
                at = at.get(key, {}) if isinstance(at, dict) else {}
    tables = re.findall(r"`([\w-]+\.yaml)`(?=[;, |])", PAGE.partition("## Install")[0])
    assert len(tables) == 7
    assert [name for name in tables if not (ROOT / "config/helm/values" / name).exists()] == []
    paths = re.findall(r"`(config/[\w./-]+)`", PAGE)
    assert [path for path in paths if not (ROOT / path).exists()] == []

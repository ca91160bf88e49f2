"""config/kubernetes is what Helm makes of the chart, and its chart is that of this version."""

from __future__ import annotations

import shutil
from pathlib import Path

import helm
import pytest
import yaml
from rendered import CHART, MANIFESTS, SHIPPED, Manifest, rendered

from exporter import __version__


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.file)
def test_each_is_what_helm_renders(manifest: Manifest, helm_program: Path) -> None:
    shipped = (SHIPPED / manifest.file).read_text(encoding="utf-8")
    assert rendered(helm_program, manifest) == shipped, "write them anew: make manifests"


def test_no_other_is_shipped() -> None:
    assert {file.relative_to(SHIPPED).as_posix() for file in SHIPPED.rglob("*.yaml")} == {
        manifest.file for manifest in MANIFESTS
    }


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert {chart["version"], chart["appVersion"]} == {__version__}


def test_without_go_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm, "complete", lambda name: False)
    monkeypatch.setattr(shutil, "which", lambda program: None)
    lacking = helm.missing()
    # So that CI, which installs it, does not skip.
    assert lacking is not None
    assert "(Debian:" in lacking

"""The image has the package's name wherever it is named: on a registry, too, `exporter` may be somebody else's."""

from __future__ import annotations

import re
from pathlib import Path

from exporter import __version__
from exporter.sections.extras import DISTRIBUTION

ROOT = Path(__file__).parents[2]


def images(file: str) -> list[str]:
    return re.findall(r"^ *image: (\S*exporter\S*)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_compose_builds_it_under_that_name() -> None:
    assert images("compose.yaml") == [DISTRIBUTION]


def test_the_manifests_name_it_with_this_version() -> None:
    for file in ("exporter.yaml", "source.yaml", "kafka/exporter.yaml"):
        assert set(images(f"config/kubernetes/{file}")) == {f"{DISTRIBUTION}:{__version__}"}

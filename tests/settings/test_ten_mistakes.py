"""One configuration with ten mistakes: all are reported at once, each with its file and line where it has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.settings.loading.load import load
from exporter.settings.loading.problems import Problems

FOLDER = Path(__file__).parent / "ten_mistakes"


def test_ten_mistakes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    environ = {"EXPORTER__OPS__PORT": "hunter2", "EXPORTER_CONFIG": "exporter.yaml"}

    found = load(Path("exporter.yaml"), environ)

    assert isinstance(found, Problems)
    assert found.render() + "\n" == Path("expected.txt").read_text(encoding="utf-8")
    assert len(found.problems) == 10
    assert "hunter2" not in found.render()

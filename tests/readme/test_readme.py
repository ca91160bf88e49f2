"""Every snippet of the README works when pasted into a clean clone, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

from clean_clone import ROOT, copy_to, environment, paste
from fences import Fence, fences

from exporter.settings.loading.load import Loaded, load

README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = fences(README)
MAKE, PLAIN = (fence for fence in FENCES if fence.language == "sh")


def only(language: str) -> list[Fence]:
    return [fence for fence in FENCES if fence.language == language]


def test_it_is_read_in_a_minute() -> None:
    assert len(README.splitlines()) <= 150


def test_every_snippet_is_run() -> None:
    assert [fence for fence in FENCES if fence.not_run is not None] == []
    # A picture of characters is no snippet.
    assert {fence.language for fence in FENCES} == {"sh", "yaml", "text"}
    assert len(only("text")) == 1
    assert README.count("\n```") == 2 * len(FENCES)


def test_make_sets_up_and_runs(tmp_path: Path) -> None:
    done = paste([MAKE], copy_to(tmp_path / "clone"), environment(tmp_path))
    assert done.returncode == 0, done.stderr + done.stdout
    assert "pip install" in done.stdout
    # Of the suite that `make test` would run, this file.
    assert "tests/readme/test_readme.py" in done.stdout or "tests collected" in done.stdout


def test_ci_runs_the_very_commands() -> None:
    """The test command ends what CI runs, the demonstration begins it."""
    assert MAKE.text.split("\n")[:2] == ["make demo", "make test"]
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert re.search(r"^make demo \|\|", script, re.MULTILINE)
    assert re.search(r"exec make --no-print-directory test\b[^-]", script.splitlines()[-1])


def test_its_configuration_is_one(tmp_path: Path) -> None:
    (example,) = only("yaml")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/partner").write_text("s3cret\n", encoding="utf-8")
    file = tmp_path / "exporter.yaml"
    file.write_text(example.text, encoding="utf-8")
    loaded = load(file, {"PARTNER_CLIENT_ID": "exporter"})
    assert isinstance(loaded, Loaded), loaded


def test_the_files_that_it_names_exist() -> None:
    named = set(re.findall(r"`((?:config|docs|exporter|tests|benchmarks|\.ci)/[\w./-]*|[\w.-]+\.(?:md|yaml))`", README))
    assert len(named) > 3
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []

"""Every snippet of the README works when pasted into a clean clone, and what it names exists."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clean_clone import ROOT, copy_to, environment, free_port, paste
from fences import Fence, fences

from exporter.settings.loading.load import Loaded, load
from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.process_metrics import ProcessMetrics
from exporter.telemetry.status import Build

README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = fences(README)
SHELL = [fence for fence in FENCES if fence.language == "sh" and fence.not_run is None]
MAKE, PLAIN, *REST = SHELL


def only(language: str) -> list[Fence]:
    return [fence for fence in FENCES if fence.language == language]


def test_what_is_not_run_is_marked_and_known() -> None:
    not_run = [fence.text.split()[0] for fence in FENCES if fence.not_run is not None]
    assert not_run == ["python3", "EXPORTER_COMPILE=0", "EXPORTER_COMPILE=1", "docker", "kubectl"]
    # A picture of characters is no snippet.
    assert {fence.language for fence in FENCES} == {"sh", "json", "yaml", "text"}
    assert len(only("text")) == 1
    assert README.count("\n```") == 2 * len(FENCES)


def test_a_comment_that_means_nothing_does_not_hide_a_snippet() -> None:
    with pytest.raises(ValueError, match="line 2"):
        fences("<!-- skip -->\n```sh\ntrue\n```\n")


def test_make_sets_up_and_runs(tmp_path: Path) -> None:
    done = paste([MAKE], copy_to(tmp_path / "clone"), environment(tmp_path))
    assert done.returncode == 0, done.stderr + done.stdout
    assert "pip install" in done.stdout
    # Of the suite that `make test` would run, this file.
    assert "tests/readme/test_readme.py" in done.stdout or "tests collected" in done.stdout


def test_the_quick_start_begins_also_where_there_is_no_venv(tmp_path: Path) -> None:
    """As after the commands of *Install*, which put the exporter elsewhere."""
    quick = next(fence.text for fence in SHELL if "exporter receive" in fence.text)
    subprocess.run(["bash", "-euc", quick.partition("exporter check")[0]], cwd=tmp_path, check=True, timeout=60)


def test_the_same_without_make_then_the_quick_start_and_all_after_it(tmp_path: Path) -> None:
    clone = copy_to(tmp_path / "clone")
    # Nothing but the ports differs from what is pasted, since the usual ones may be taken.
    receiver = str(free_port())
    config = clone / "config/exporter.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{receiver}"), "utf-8")
    snippets = [Fence(fence.line, fence.language, fence.text.replace("8080", receiver)) for fence in REST]
    environ = environment(tmp_path) | {"EXPORTER__OPS__PORT": str(free_port())}

    done = paste([PLAIN, *snippets], clone, environ)

    log = clone / "data/exporter.log"
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    assert done.returncode == 0, done.stderr + done.stdout + said
    assert "tests collected" in done.stdout or "test_readme.py" in done.stdout
    records = (clone / "data/received.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["idempotency_key"] for line in records] == ["local:change-1", "local:change-2"]


def test_the_sample_event_gives_the_sample_body(tmp_path: Path) -> None:
    event, body = (json.loads(fence.text) for fence in only("json"))
    file = tmp_path / "event.jsonl"
    file.write_text(json.dumps(event), encoding="utf-8")
    command = [sys.executable, "-m", "exporter", "preview", str(file), "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (shown,) = (json.loads(line) for line in done.stdout.splitlines())
    assert shown["exported"] is True
    assert shown["request"]["body"] == body
    # The event is the contract's, whole: every field of it is described there.
    assert set(event) == {"id", "profileId", "occurredAt", "changes", "profile"}


def test_every_sample_configuration_is_one(tmp_path: Path) -> None:
    fences = only("yaml")
    assert len(fences) >= 2
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/partner").write_text("s3cret\n", encoding="utf-8")
    file = tmp_path / "exporter.yaml"
    for fence in fences:
        file.write_text(fence.text, encoding="utf-8")
        loaded = load(file, {"PARTNER_CLIENT_ID": "exporter", "EXPORTER__OPS__PORT": "9465"})
        assert isinstance(loaded, Loaded), loaded
        assert loaded.settings.ops.port == 9465
    assert "EXPORTER__OPS__PORT=9465" in README


def test_the_files_that_it_names_exist() -> None:
    named = set(re.findall(r"`((?:config|docs|exporter|tests|benchmarks|\.ci)/[\w./-]*|[\w.-]+\.(?:md|yaml))`", README))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_metrics_that_it_names_exist() -> None:
    metrics = Metrics(log_lines_lost=lambda: 0)
    metrics.of("d")
    ProcessMetrics(metrics, "1", Build("compiled", "3.13.1"), ConfigurationHealth(time.time), lambda: 0)
    rendered = metrics.render().decode()
    named = set(re.findall(r"`(exporter_\w+)`", README))
    assert named
    assert [name for name in sorted(named) if f"# TYPE {name} " not in rendered] == []

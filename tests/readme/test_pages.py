"""The pages of docs/: their snippets are run in their order, and what they name exists."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clean_clone import ROOT, copy_to, environment, paste
from fences import Fence, fences
from ports import free_port
from prometheus_client import generate_latest
from test_readme import PLAIN

from exporter.settings.loading.load import Loaded, load
from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.process_metrics import ProcessMetrics
from exporter.telemetry.status import Build

#: What the README held before each of these had a page, and the first words of what is not run.
FORMERLY = {
    "docs/install.md": ["python3", "EXPORTER_COMPILE=0", "EXPORTER_COMPILE=1"],
    "docs/tutorial.md": [],
    "docs/guarantees.md": [],
    "docs/events.md": [],
    "docs/configuration.md": [],
    "docs/queues/index.md": [],
    "docs/operation.md": [],
    "docs/deployment.md": ["docker", "kubectl"],
}
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in FORMERLY}
FENCES = {page: fences(text) for page, text in TEXTS.items()}
#: All of docs/, whoever wrote it.
PAGES = sorted(file.relative_to(ROOT) for file in (ROOT / "docs").rglob("*.md"))
TESTS = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
#: What somebody might type.
_COMMANDS = ("sh", "bash", "console", "python", "")
#: A snippet of any page, also within a list, with the comment before it.
_SNIPPET = re.compile(
    r"^(?: *<!-- (?P<mark>[^\n]+) -->\n)?(?P<indent> *)```(?P<language>\w*)\n.*?^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


def shell(page: str) -> list[Fence]:
    return [fence for fence in FENCES[page] if fence.language == "sh" and fence.not_run is None]


def every(language: str) -> list[Fence]:
    return [fence for each in FENCES.values() for fence in each if fence.language == language]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_snippet_takes_nothing_for_a_result(page: Path) -> None:
    """A shell in which somebody pastes has no ``pipefail``, and jq 1.6 calls no input a success."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.findall(r"^.*\| *jq (?:-e|--exit-status).*$", text, re.MULTILINE) == []


@pytest.mark.parametrize("page", FORMERLY)
def test_what_is_not_run_is_marked_and_known(page: str) -> None:
    assert [fence.text.split()[0] for fence in FENCES[page] if fence.not_run is not None] == FORMERLY[page]
    assert {fence.language for fence in FENCES[page]} <= {"sh", "json", "yaml"}
    assert TEXTS[page].count("\n```") == 2 * len(FENCES[page])


def test_a_comment_that_means_nothing_does_not_hide_a_snippet() -> None:
    with pytest.raises(ValueError, match="line 2"):
        fences("<!-- skip -->\n```sh\ntrue\n```\n")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_of_every_page_are_run_or_say_why_not(page: Path) -> None:
    """A page whose commands a test here runs is named by that test; so may be the folder of the how-tos."""
    text = (ROOT / page).read_text(encoding="utf-8")
    unmarked = [
        f"line {text.count(chr(10), 0, found.start()) + 1}"
        for found in _SNIPPET.finditer(text)
        if found["language"] in _COMMANDS and not (found["mark"] or "").startswith("not run: ")
    ]
    walked = str(page) in TESTS or ("how-to" in page.parts and '"docs/how-to' in TESTS)
    assert unmarked == [] or walked, unmarked


def test_the_tutorial_begins_also_where_there_is_no_venv(tmp_path: Path) -> None:
    """As after the commands of *Install*, which put the exporter elsewhere."""
    first = shell("docs/tutorial.md")[0].text.partition("exporter init")[0]
    assert ".venv" in first
    subprocess.run(["bash", "-euc", first], cwd=tmp_path, check=True, timeout=60)


def test_set_up_without_make_then_the_tutorial_and_all_after_it(tmp_path: Path) -> None:
    clone = copy_to(tmp_path / "clone")
    # Nothing but the ports differs from what is pasted, since the usual ones may be taken.
    receiver = str(free_port())
    snippets = [*shell("docs/configuration.md"), *shell("docs/install.md"), *shell("docs/tutorial.md")]
    own = [Fence(each.line, each.language, each.text.replace("--port 8080", f"--port {receiver}")) for each in snippets]
    config = clone / "exporter/cli/init/exporter.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{receiver}"), "utf-8")
    environ = environment(tmp_path) | {"EXPORTER__OPS__PORT": str(free_port())}

    done = paste([PLAIN, *own, *shell("docs/operation.md")], clone, environ)

    mine = tmp_path / "my-exporter/data"
    said = (mine / "exporter.log").read_text(encoding="utf-8") if (mine / "exporter.log").exists() else ""
    assert done.returncode == 0, done.stderr + done.stdout + said
    assert "tests collected" in done.stdout or "test_readme.py" in done.stdout
    records = (mine / "received.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["idempotency_key"] for line in records] == ["local:change-1", "local:change-2"]


def test_no_snippet_is_left_out() -> None:
    """Commands stand on no other of these pages than those that are pasted above."""
    pasted = {"docs/configuration.md", "docs/install.md", "docs/tutorial.md", "docs/operation.md"}
    assert {page for page in FORMERLY if shell(page)} == pasted


def test_the_sample_event_gives_the_sample_body(tmp_path: Path) -> None:
    event, body = (json.loads(fence.text) for fence in every("json"))
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
    assert len(every("yaml")) >= 2
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/partner").write_text("s3cret\n", encoding="utf-8")
    file = tmp_path / "exporter.yaml"
    for fence in every("yaml"):
        file.write_text(fence.text, encoding="utf-8")
        loaded = load(file, {"PARTNER_CLIENT_ID": "exporter", "EXPORTER__OPS__PORT": "9465"})
        assert isinstance(loaded, Loaded), loaded
        assert loaded.settings.ops.port == 9465
    assert "EXPORTER__OPS__PORT=9465" in TEXTS["docs/configuration.md"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_files_that_it_names_exist(page: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:config|docs|tests|benchmarks|\.ci)/[\w./-]*|(?:[A-Z]+\.md|compose\.yaml))`", text))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_metrics_that_they_name_exist() -> None:
    metrics = Metrics(log_lines_lost=lambda: 0)
    metrics.of("d")
    ProcessMetrics(metrics, "1", Build("compiled", "3.13.1"), ConfigurationHealth(time.time), lambda: 0)
    rendered = generate_latest(metrics.registry).decode()
    named = {name for text in TEXTS.values() for name in re.findall(r"`(exporter_\w+)`", text)}
    assert named
    assert [name for name in sorted(named) if f"# TYPE {name} " not in rendered] == []

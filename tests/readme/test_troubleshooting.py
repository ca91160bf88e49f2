"""docs/troubleshooting.md: it has every reason and code that there is, and its commands run beside an installation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from clean_clone import ROOT
from fences import Fence, fences
from how_to import Place
from typer.main import get_command

from exporter.cli.commands import command_line
from exporter.outbox.verdict import DeadLetterReason, PauseReason
from exporter.profile.decision import Reason
from exporter.state.bad_record import BadReason

PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^##+ (.+?)\n(.*?)(?=^##+ |\Z)", PAGE, re.MULTILINE | re.DOTALL))
PAGES = [ROOT / "docs/troubleshooting.md", *sorted((ROOT / "docs/how-to").glob("*.md"))]
#: What a file of the exporter answers with.
STATUS = re.compile(r"\b(?:problem|BadHead|refused|failed)\(\s*(?:request, problem\()?(\d{3})")
GATEWAY = re.compile(r'(?:refused|failed)\((\d{3}), "([\w-]+)"')

INSTALLATION = """
# config/exporter.yaml
schemas:
  - id: https://ns.example.com/acme/schemas/people
    groups: [person]
    fields: {personalEmail.address: string}
    identities: [{path: personalEmail.address, namespace: Email, primary: true}]
datasets: [{id: people, schema: https://ns.example.com/acme/schemas/people}]
sources:
  - name: crm
    flows: [{name: people, dataset: people}]
destinations:
  - name: partner
    endpoint: http://127.0.0.1:8080/profiles
    attributes: [person.name.firstName]
    require_membership: false
""".lstrip()
BEGIN = """
mkdir -p data
exporter serve 2> data/serve.log & serving=$!
exporter run 2> data/run.log & daemon=$!
until curl --silent --fail --output data/ready.txt http://127.0.0.1:9465/ready; do sleep 0.2; done
until exporter status > data/status.txt 2>&1; do sleep 0.2; done
echo '{"profileId": "p-1", "profile": {}}' > data/events.jsonl
exporter send data/events.jsonl
"""
END = "kill $serving $daemon && wait $serving && wait $daemon"


def first_cells(section: str) -> str:
    """The first column of a section's tables."""
    return "\n".join(line.split("|")[1] for line in SECTIONS[section].splitlines() if line.startswith("|"))


@pytest.mark.parametrize(
    ("section", "reasons"),
    [
        ("Everything is excluded", get_args(Reason)),
        ("A destination is paused", get_args(PauseReason)),
        ("Dead letters pile up", get_args(DeadLetterReason)),
        ("Records are taken and nothing comes of them", get_args(BadReason)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_reason_stands_there(section: str, reasons: tuple[str, ...]) -> None:
    assert reasons
    assert [reason for reason in reasons if f"`{reason}`" not in first_cells(section)] == []


def test_every_status_of_the_data_plane_stands_there() -> None:
    files = (ROOT / "exporter/source/collection").rglob("*.py")
    found = {status for file in files for status in STATUS.findall(file.read_text(encoding="utf-8"))}
    # Those whose numbers stand elsewhere: refused tokens, and what is overloaded.
    known = found | {"401", "503"}
    assert {"400", "404", "413", "429", "431", "501"} <= found | {"400"}
    assert [status for status in sorted(known) if status not in first_cells("A sender is refused")] == []


def test_every_code_of_the_gateway_stands_there() -> None:
    found = GATEWAY.findall((ROOT / "exporter/source/control/gateway.py").read_text(encoding="utf-8"))
    cells = first_cells("A client of the control plane is refused")
    assert len(found) >= 7
    assert [(status, code) for status, code in found if status not in cells or f"`{code}`" not in cells] == []


def commands(text: str) -> list[str]:
    """Every command of the exporter that a page names, in its snippets or in a line."""
    snippets = "\n".join(fence.text for fence in fences(text) if fence.language == "sh")
    inline = re.findall(r"`(exporter [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return [*inline, *re.findall(r"(?<![/\w])exporter (?!\()[a-z]+[^|;&<>\n)]*", snippets)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_that_a_page_names_exist(page: Path) -> None:
    found = sorted(set(commands(page.read_text(encoding="utf-8"))))
    assert found
    exporter: Any = get_command(command_line())
    for command in found:
        at = exporter
        words = command.split()[1:]
        while words and (below := getattr(at, "commands", None)) is not None:
            name = words.pop(0)
            assert name in below, command
            at = below[name]
        known = {option for parameter in at.params for option in (*parameter.opts, *parameter.secondary_opts)}
        named = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert named <= known, command


def test_its_commands_run_beside_an_installation(tmp_path: Path) -> None:
    found = fences(PAGE)
    assert PAGE.count("\n```") == 2 * len(found) > 0
    assert all(fence.language == "sh" and fence.not_run is None for fence in found)
    beside = [Fence(0, "yaml", INSTALLATION), Fence(0, "sh", BEGIN), *found, Fence(0, "sh", END)]
    printed = [ran.printed for ran in Place(tmp_path).run(beside)]
    assert len(printed) == len(found) + 2
    assert "partner" in printed[1]

"""The pages that are made from the code are as the code would make them now, and leave nothing of it out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from typer.main import get_command

from exporter.cli.commands import command_line
from exporter.outbox.verdict import DeadLetterReason, PauseReason
from exporter.profile.decision import Reason
from exporter.profile.event.event import read
from exporter.profile.malformed import Malformed
from exporter.settings.tree import Settings
from reference import exit_codes, reasons
from reference.event_schema import event_schema
from reference.log_calls import Line, NoLiteral, lines
from reference.log_events import every_line
from reference.log_meanings import MEANINGS
from reference.pages import PAGES

ROOT = Path(__file__).parents[2]
ALL = [event for meanings in MEANINGS.values() for event in meanings]


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    """Where it fails: ``make reference``."""
    page = PAGES[name]
    assert (ROOT / "docs" / page.file).read_text(encoding="utf-8") == page.text()


# -- the configuration


def test_every_key_has_a_row() -> None:
    page = PAGES["configuration"].text()
    schema = Settings.model_json_schema(mode="validation")
    keys = {key for section in (schema, *schema["$defs"].values()) for key in section.get("properties", {})}
    assert len(keys) > 100
    assert [key for key in sorted(keys) if f"| `{key}` |" not in page] == []


# -- the log


def test_every_line_of_the_log_has_a_meaning_and_stands_there_once() -> None:
    assert sorted(ALL) == sorted(every_line()), "exporter/ and reference/log_meanings.py differ"


def test_a_line_that_nobody_could_list_is_found(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text('self._log.info("begun", count=1, **more)\nmath.log(2)\n', encoding="utf-8")
    found = lines(tmp_path)
    assert found == {"begun": Line(("info",), ("count", "…"))}
    (tmp_path / "two.py").write_text("log.warning(event)\n", encoding="utf-8")
    with pytest.raises(NoLiteral, match=r"two\.py:1"):
        lines(tmp_path)


# -- reasons and exit codes


def test_every_reason_has_a_meaning() -> None:
    assert set(reasons.PAUSES) == set(get_args(PauseReason))
    assert set(reasons.LETTERS) == set(get_args(DeadLetterReason))
    assert set(reasons.EXCLUDED) == set(get_args(Reason))


def test_every_exit_code_has_a_meaning() -> None:
    assert set(exit_codes.codes()) == set(exit_codes.MEANINGS)
    assert exit_codes.codes()[78] == "EXIT_CONFIG"


def commands(command: Any, *words: str) -> Iterator[str]:
    """Every command below ``command`` that does something, with its words."""
    below = getattr(command, "commands", {})
    for name, each in below.items():
        yield from commands(each, *words, name)
    if not below:
        yield " ".join(words)


def test_of_every_command_is_told_what_1_says() -> None:
    never = ("preview", "schema")
    assert {*exit_codes.NO, *never} == {*commands(get_command(command_line()))}


# -- the event


@pytest.mark.parametrize(
    "event",
    [
        {"profileId": "p", "profile": {}},
        {"profileId": "p", "profile": {}, "changes": None, "id": None, "destination": None, "occurredAt": True},
        {"profileId": "p", "profile": {"person": 1}, "unknown": [], "traceparent": 1},
        {"profileId": "p", "profile": {}, "changes": {"segments": [{"id": "s", "to": "exited"}], "identities": True}},
        {"profileId": "p", "profile": {}, "changes": {"segments": [{"id": "s", "from": None, "to": "existing"}]}},
        {"profileId": "p", "profile": {}, "changes": {"identities": ["ecid"], "attributes": ["a"], "joined": ["q"]}},
        {"profileId": "p"},
        {"profile": {}},
        {"profileId": "", "profile": {}},
        {"profileId": 1, "profile": {}},
        {"profileId": "p", "profile": []},
        {"profileId": "p", "profile": None},
        {"profileId": "p", "profile": {}, "id": ""},
        {"profileId": "p", "profile": {}, "id": 5},
        {"profileId": "p", "profile": {}, "destination": 5},
        {"profileId": "p", "profile": {}, "changes": []},
        {"profileId": "p", "profile": {}, "changes": {"segments": [{"id": "s"}]}},
        {"profileId": "p", "profile": {}, "changes": {"segments": [{"id": "s", "to": "left"}]}},
        {"profileId": "p", "profile": {}, "changes": {"backfill": "yes"}},
        {"profileId": "p", "profile": {}, "changes": {"attributes": "person"}},
    ],
    ids=json.dumps,
)
def test_the_schema_of_events_takes_what_is_read_and_refuses_the_rest(event: dict[str, Any]) -> None:
    checker = jsonschema.Draft202012Validator(event_schema())
    malformed = isinstance(read(json.dumps(event).encode(), 1 << 20), Malformed)
    assert checker.is_valid(event) != malformed

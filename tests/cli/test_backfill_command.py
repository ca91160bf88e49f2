"""``exporter backfill`` as people and scripts run it, over a store of profiles of its own; nobody serves it here."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from exporter.cli.backfill.following import _progress
from exporter.cli.commands import command_line
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import Backfill
from exporter.source.profiles.sqlite.store import open_sqlite


class Place:
    """A configuration with three destinations, one of them switched off and one that maps nothing."""

    def __init__(self, folder: Path) -> None:
        self.profiles = folder / "profiles.db"
        self.file = folder / "exporter.yaml"
        destination = {"endpoint": "http://127.0.0.1:9/"}
        config = {
            "queue": {"path": str(folder / "queue.db")},
            "intake": {"path": str(folder / "intake.db")},
            "state": {"path": str(folder / "state.db")},
            "profiles": {"path": str(self.profiles)},
            "destinations": [
                {"name": "crm", "segments": ["s", {"namespace": "own", "id": "t"}], **destination},
                {"name": "mail", "segments": ["s"], "enabled": False, **destination},
                {"name": "plain", **destination},
            ],
        }
        self.file.write_text(yaml.safe_dump(config), encoding="utf-8")

    def made(self) -> Place:
        """With a store of profiles."""
        self.backfills()
        return self

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(command_line(["backfill"]), ["backfill", *words, "--config", str(self.file)])

    def backfills(self) -> list[Backfill]:
        async def read() -> list[Backfill]:
            async with open_sqlite(self.profiles, Rules()) as store:
                return list(await store.backfills())

        return asyncio.run(read())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize(
    ("words", "segments"),
    [
        ((), {("ups", "s"), ("own", "t")}),
        (("--segment", "t"), {("own", "t")}),
        (("--segment", "ups:s", "--segment", "t"), {("ups", "s"), ("own", "t")}),
        (("--all",), set()),
    ],
)
def test_it_asks_for_what_is_meant_and_says_what_is_in_the_way(
    place: Place, words: tuple[str, ...], segments: set[tuple[str, str]]
) -> None:
    done = place.made().run("crm", "--no-wait", *words)
    assert (done.exit_code, done.stdout) == (0, "backfill 1 of crm is asked for: 0 profiles\n")
    assert "no `exporter serve` of this configuration runs" in done.stderr
    assert "no `exporter run` reads events for crm" in done.stderr
    [asked] = place.backfills()
    assert (asked.destination, set(asked.segments)) == ("crm", segments)


def test_the_same_again_is_the_backfill_that_is_under_way(place: Place) -> None:
    place.made().run("crm", "--no-wait")
    again = place.run("crm", "--no-wait", "--json")
    assert "backfill 1 of crm is under way already" in again.stderr
    assert json.loads(again.stdout)["number"] == 1
    assert place.run("crm", "--no-wait", "--all", "--json").stdout.startswith('{"number": 2,')
    assert len(place.backfills()) == 2


def test_a_destination_that_is_switched_off_is_told_of(place: Place) -> None:
    done = place.made().run("mail", "--no-wait")
    assert "mail is switched off" in done.stderr
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("cmr",), "no destination is called 'cmr'"),
        (("crm", "--segment", "x"), "no mapped segment is called 'x'"),
        (("plain",), "plain maps no segment: --all tells every profile"),
        (("crm", "--all", "--segment", "s"), "--all and --segment exclude each other"),
    ],
)
def test_what_there_is_not_is_refused(place: Place, words: tuple[str, ...], reason: str) -> None:
    done = place.made().run(*words, "--no-wait")
    assert done.exit_code == 2
    assert reason in " ".join(done.stderr.replace("│", " ").split())
    assert place.backfills() == []


def test_where_there_are_no_profiles_none_are_made(place: Place) -> None:
    done = place.run("crm")
    assert done.exit_code == 1
    assert "there are no profiles yet" in done.stderr
    assert not place.profiles.exists()


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "100")
    begun = Backfill(3, "crm", [("ups", "s")], 0, 0, 4, 0, False)
    with _progress(begun) as show:
        show(replace(begun, done=2))
        show(replace(begun, done=4, finished=True))
    told = capsys.readouterr().err
    if terminal:
        assert "backfill 3 of crm" in told
        assert "100%" in told
    else:
        assert told == "backfill 3 of crm: 0 of 4 profiles\nbackfill 3 of crm: 4 of 4 profiles\n"

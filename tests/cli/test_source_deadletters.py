"""``exporter source deadletters`` as people and scripts run it, over a state and an intake of its own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from exporter.cli.source.deadletters import deadletters_of
from exporter.cli.source.way_in import WayIn
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch
from exporter.source.settings.intake import JournalIntake
from exporter.state.bad_record import NewBadRecord
from exporter.state.kinds import open_state
from exporter.state.sqlite.settings import SqliteSettings

GROUP = "exporter-intake"
INLET = "0123456789abcdef" * 4


def bad(number: int, **values: Any) -> NewBadRecord:
    """A record that was not valid, and stands as a byte and JSON in the intake."""
    given: dict[str, Any] = {
        "name": f"1000:0:{number}",
        "inlet": INLET,
        "source": "crm",
        "flow": "flow-1",
        "dataset": "dataset-1",
        "reason": "xdm",
        "detail": "/person/name is no text",
        "taken": 1_700_000_000_000,
        "kept": 1_700_000_000_000 + 1000 * number,
        "message": b"\x01" + json.dumps({"name": f"Zoë {number}"}).encode(),
        "violations": json.dumps([{"keyword": "type", "instance": "Zoë"}]).encode(),
    }
    return NewBadRecord(**{**given, **values})


def refused(number: int) -> NewBadRecord:
    return bad(number, reason="batch_message", message=b'{"name": "refused"}', violations=b"[]")


def body_of(message: bytes) -> bytes | None:
    return message[1:] if message.startswith(b"\x01") else None


@dataclass(frozen=True)
class Place:
    """A folder with a state and an intake."""

    way_in: WayIn

    def run(self, *words: str) -> Result:
        app = typer.Typer()
        app.add_typer(deadletters_of(lambda _: self.way_in), name="deadletters")
        app.command("other")(lambda: None)
        return CliRunner().invoke(app, ["deadletters", *words])

    def listed(self, *words: str) -> list[str]:
        done = self.run("list", "--json", *words)
        assert done.exit_code == 0, done.output
        return [json.loads(line)["xactionId"] for line in done.stdout.splitlines()]

    def keep(self, *records: NewBadRecord) -> None:
        async def keep() -> None:
            async with open_state(self.way_in.state) as state:
                for record in records:
                    if record.reason == "batch_message":
                        await state.bad_records.remember_refused([record])
                    else:
                        await state.bad_records.keep([record], 1 << 30)

        asyncio.run(keep())

    def intake(self) -> list[bytes]:
        """All that stands in the intake."""

        async def read() -> list[bytes]:
            async with (
                open_queue(self.way_in.intake, (GROUP,), lambda _: None) as queue,
                queue.subscribe("looking", "earliest") as subscription,
            ):
                bodies: list[bytes] = []
                while (subscription.lag().messages or 0) > len(bodies):
                    batch = await subscription.receive(500)
                    assert isinstance(batch, Batch)
                    bodies += [bytes(message.body) for message in batch.messages]
                return bodies

        return asyncio.run(read())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    state, intake = SqliteSettings(path=tmp_path / "state.db"), JournalIntake(path=tmp_path / "intake.db")
    return Place(WayIn(state, intake, (GROUP,), body_of))


def test_list_for_scripts_and_for_people(place: Place) -> None:
    place.keep(bad(1), bad(2, flow="", reason="bug"), refused(3))
    done = place.run("list", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout.splitlines()[0]) == {
        "xactionId": "1000:0:1",
        "source": "crm",
        "inlet": "01234567",
        "flow": "flow-1",
        "dataset": "dataset-1",
        "reason": "xdm",
        "detail": "/person/name is no text",
        "taken": "2023-11-14T22:13:20.000Z",
        "kept": "2023-11-14T22:13:21.000Z",
    }
    table = place.run("list").stdout
    assert table.splitlines()[0].split() == ["NAME", "KEPT", "SOURCE", "FLOW", "DATASET", "REASON", "NOTE"]
    assert len(table.splitlines()) == 4
    for text in (done.output, table):
        assert "Zo" not in text, "what was sent is shown on demand only"
        assert INLET not in text


def test_filters_and_order_of_list(place: Place) -> None:
    place.keep(bad(1), bad(2, source="web", flow="flow-2"), bad(3, reason="mapping"), refused(4))
    assert place.listed("--source", "web") == ["1000:0:2"]
    assert place.listed("--flow", "flow-1", "--reason", "xdm") == ["1000:0:1"]
    assert place.listed("--reason", "batch_message") == ["1000:0:4"]
    assert place.listed("--since", "2023-11-14T22:13:22Z", "--until", "2023-11-14T22:13:23Z") == ["1000:0:2"]
    assert place.listed("--since", "1h") == []
    assert place.listed("--newest", "--limit", "2") == ["1000:0:4", "1000:0:3"]
    assert place.listed("--limit", "1") == ["1000:0:1"]
    assert place.listed("1000:0:3", "nobody") == ["1000:0:3"]
    assert place.run("list", "--since", "yesterday").exit_code == 2
    assert place.run("list", "--reason", "nonsense").exit_code == 2


def test_sources_and_flows_go_by_their_names_and_unknown_ones_are_refused(place: Place) -> None:
    way_in = replace(
        place.way_in,
        sources=["crm", "shop"],
        flows=lambda: {"flow-1": "people", "flow-2": "same", "flow-3": "same", "flow-4": "new"},
    )
    place = Place(way_in)
    for words in (["list"], ["replay"], ["purge", "--yes"]):
        assert place.run(*words, "--source", "crn").exit_code == 2, "nothing is there at all"
    place.keep(bad(1), bad(2, source="gone", flow="gone"))
    assert place.listed("--flow", "people") == place.listed("--flow", "flow-1") == ["1000:0:1"]
    assert place.listed("--source", "gone", "--flow", "gone") == ["1000:0:2"]
    assert place.listed("--source", "shop") == place.listed("--flow", "new") == []
    for words in (["list"], ["replay"], ["purge", "--yes"]):
        for option, name, said in (
            ("--source", "crn", "did you mean crm?"),
            ("--flow", "peopel", "did you mean people?"),
            ("--flow", "same", "2 flows have the name same"),
        ):
            done = place.run(*words, option, name)
            assert done.exit_code == 2
            assert said in " ".join(done.output.replace("│", " ").split())
    assert len(place.listed()) == 2


def test_a_refused_element_goes_by_the_name_that_its_sender_was_told(place: Place) -> None:
    place.keep(bad(1, name="1000:0:7:1", reason="batch_message"))
    assert place.listed("1000:0:7-1") == ["1000:0:7:1"]
    shown = json.loads(place.run("show", "1000:0:7-1", "--json").stdout)
    assert shown["xactionId"] == "1000:0:7:1"
    assert place.run("purge", "1000:0:7-1", "--yes").stdout == "1 deleted\n"


def test_show(place: Place) -> None:
    place.keep(bad(1), refused(2), bad(3, message=b"\x02\xff\x1b[2J"))
    shown = [json.loads(place.run("show", f"1000:0:{number}", "--json").stdout) for number in (1, 2, 3)]
    assert shown[0]["body"] == {"name": "Zoë 1"}
    assert shown[0]["violations"] == [{"keyword": "type", "instance": "Zoë"}]
    assert shown[1]["body"] == {"name": "refused"}
    assert shown[2]["bodyText"] == "\\x02\\xff\\x1b[2J"
    people = place.run("show", "1000:0:1").stdout
    assert '"name": "Zoë 1"' in people
    assert INLET not in people
    assert "\x1b" not in place.run("show", "1000:0:3").stdout
    missing = place.run("show", "nobody")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "there is no bad record nobody" in missing.output


def test_replay_puts_the_messages_at_the_end_of_the_intake_and_leaves_the_letters(place: Place) -> None:
    place.keep(bad(1), refused(2), bad(3, reason="mapping"), bad(4))
    done = place.run("replay", "--all", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"asked": 3, "leftOut": 1, "missing": 0}
    assert place.intake() == [bad(1).message, bad(3).message, bad(4).message]
    assert len(place.listed()) == 4
    done = place.run("replay", "--reason", "mapping")
    assert done.stdout == "replay of 1 bad record asked for\n"
    assert place.intake()[3:] == [bad(3).message]


def test_replay_by_name(place: Place) -> None:
    place.keep(bad(1), refused(2))
    done = place.run("replay", "1000:0:1", "1000:0:1", "nobody", "--json")
    assert done.exit_code == 1, "one of them is not there"
    assert json.loads(done.stdout) == {"asked": 1, "leftOut": 0, "missing": 1}
    done = place.run("replay", "1000:0:2")
    assert done.exit_code == 0
    assert "1 left out: refused before it was taken, so only the sender has it" in done.stdout
    assert place.intake() == [bad(1).message]


def test_replay_of_more_than_is_in_memory_at_a_time(place: Place) -> None:
    place.keep(*(bad(number, message=b"\x01" + bytes(1_500_000)) for number in range(5)))
    assert json.loads(place.run("replay", "--all", "--json").stdout)["asked"] == 5
    assert [len(body) for body in place.intake()] == [1_500_001] * 5


def test_a_full_intake_takes_what_fits_and_says_so(place: Place) -> None:
    place.keep(*(bad(number, message=b"\x01" + bytes(3_000_000)) for number in range(5)))
    section = JournalIntake.model_validate({**place.way_in.intake.model_dump(), "max_bytes": 7_000_000})
    done = Place(replace(place.way_in, intake=section)).run("replay", "--all", "--json")
    assert done.exit_code == 1
    asked = json.loads(done.stdout.splitlines()[0])["asked"]
    assert 0 < asked < 5
    assert "error: the intake: " in done.output
    assert len(place.intake()) == asked
    assert len(place.listed()) == 5


def test_purge_wants_a_confirmation(place: Place) -> None:
    place.keep(bad(1), bad(2, reason="bug"), refused(3))
    done = place.run("purge", "--all")
    assert done.exit_code == 2
    assert "give --yes" in done.output
    assert json.loads(place.run("purge", "--reason", "bug", "--yes", "--json").stdout) == {"purged": 1}
    assert place.listed() == ["1000:0:1", "1000:0:3"]
    assert place.run("purge", "--all", "--yes").stdout == "2 deleted\n"


@pytest.mark.parametrize("words", [["replay"], ["purge", "--yes"]])
def test_which_must_be_said(place: Place, words: list[str]) -> None:
    place.keep(bad(1))
    assert place.run(*words).exit_code == 2
    assert place.listed() == ["1000:0:1"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list"], 0),
        (["replay", "--all"], 0),
        (["replay", "n"], 1),
        (["purge", "--all", "--yes"], 0),
        (["show", "n"], 1),
    ],
)
def test_looking_makes_no_state(place: Place, words: list[str], code: int) -> None:
    assert place.run(*words).exit_code == code
    assert not place.way_in.state.exists()


def test_a_state_that_cannot_be_used_is_said(place: Place, tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("no database at all, but long enough to be looked at" * 100)
    done = place.run("list")
    assert done.exit_code == 1
    assert "the bad records cannot be reached" in done.output

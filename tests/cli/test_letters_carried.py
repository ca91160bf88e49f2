"""``exporter deadletters export`` and ``import`` (contract.md#dead-letters)."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from letters_command import Place, letter
from warm_command import warm_command

from exporter.cli.shared.letters import PAGE
from exporter.state.kinds import State

BODY = b'{"profileId": "p-1",\n "profile": {"points": 12345678901234567890123, "name": "Zo\xc3\xab"}}'


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Place:
    """A state of its own, which is not there yet."""
    folder = tmp_path / "other"
    folder.mkdir()
    return Place(folder)


def bodies(place: Place) -> dict[int, bytes]:
    """The events of the letters, by position."""
    found: dict[int, bytes] = {}

    async def read(state: State) -> None:
        for each in place.listed():
            letter = await state.letters.letter(each["id"])
            assert letter is not None
            found[letter.position] = letter.body

    place.with_state(read)
    return found


def without_id(place: Place) -> list[dict[str, object]]:
    return [{name: value for name, value in each.items() if name != "id"} for each in place.listed()]


def test_what_was_exported_is_imported_byte_for_byte(place: Place, other: Place, tmp_path: Path) -> None:
    place.put(letter(1, body=BODY), letter(2, body=b"\xff\x00no json", profile_id=None, status=None, reason="bug"))
    place.put(letter(3), delivered=(("p-3", "j", 9),))
    place.put(letter(4, answer=b"\x00" * 2000))
    file = tmp_path / "letters.jsonl"
    done = place.run("deadletters", "export", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "4 dead letters exported\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "they are personal data"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["event"] for each in lines] == ["e-1", "e-2", "e-3", "e-4"]
    assert lines[0]["eventText"] == BODY.decode()
    done = other.run("deadletters", "import", str(file))
    assert (done.returncode, done.stdout) == (0, "4 dead letters stored\n")
    assert done.stderr == f"note: made {other.state.path}\n"
    assert without_id(other) == without_id(place)
    assert [each["superseded"] for each in other.listed()] == [False, False, True, False]
    assert other.listed()[3]["answer"] == "\\x00" * 1024, "an answer is not cut again"
    assert bodies(other) == bodies(place)


def test_more_letters_than_are_read_at_once(place: Place, other: Place, tmp_path: Path) -> None:
    place.put(*(letter(number) for number in range(2 * PAGE + 3)))
    file = tmp_path / "letters.jsonl"
    assert place.run("deadletters", "export", str(file)).returncode == 0
    assert other.run("deadletters", "import", str(file)).stdout == f"{2 * PAGE + 3} dead letters stored\n"
    assert without_id(other) == without_id(place)
    assert other.run("deadletters", "list").stderr == "1,003 dead letters: 1,003 rejected\n"


def test_a_letter_that_is_there_is_not_doubled_and_stays_as_it_is(place: Place, tmp_path: Path) -> None:
    place.put(letter(1), letter(2))
    file = tmp_path / "letters.jsonl"
    assert place.run("deadletters", "export", str(file)).returncode == 0
    assert place.run("deadletters", "purge", "1", "--yes").returncode == 0
    place.put(letter(2, attempts=5))
    done = place.run("deadletters", "import", str(file))
    assert (done.returncode, done.stdout) == (0, "1 dead letter stored; 1 left out, which was there already\n")
    assert [(each["position"], each["attempts"]) for each in place.listed()] == [(2, 5), (1, 1)]
    done = place.run("deadletters", "import", str(file), "--json")
    assert json.loads(done.stdout) == {"stored": 0, "known": 2}


def test_malformed_lines_are_named_and_nothing_is_stored(place: Place, other: Place, tmp_path: Path) -> None:
    place.put(letter(1), letter(2))
    file = tmp_path / "letters.jsonl"
    assert place.run("deadletters", "export", str(file)).returncode == 0
    good = json.loads(file.read_text().splitlines()[0])
    twice = {**good, "eventBase64": "AA=="}
    bad = ["{nope", json.dumps({**good, "reason": "because"}), json.dumps(twice), json.dumps({**good, "position": -1})]
    file.write_text(f"\n{json.dumps(good)}\n" + "".join(f"{line}\n" for line in bad))
    done = other.run("deadletters", "import", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    *mistakes, last = done.stderr.splitlines()
    assert [line.split(" is no ")[0] for line in mistakes] == [f"error: {file}:{number}" for number in (3, 4, 5, 6)]
    assert last == "error: nothing was stored: 4 lines are malformed"
    assert "p-1" not in done.stderr, "what stands in a line is personal data"
    assert not other.state.path.exists()


def test_a_choice_over_a_pipe(place: Place, other: Place) -> None:
    place.put(letter(1), letter(2, reason="bug"), letter(3, destination="gone"))
    out = place.run("deadletters", "export", "-", "--reason", "rejected")
    assert out.stderr == "2 dead letters exported\n"
    done = subprocess.run(
        [*warm_command(), "deadletters", "import", "-", "--config", str(other.config)],
        input=out.stdout,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "2 dead letters stored\n"
    assert "note: the configuration has no such destination, and nothing sends letters of gone\n" in done.stderr
    assert [(each["destination"], each["position"]) for each in other.listed()] == [("crm", 1), ("gone", 3)]


def test_a_file_is_not_replaced_by_accident(place: Place, tmp_path: Path) -> None:
    place.put(letter(1))
    file = tmp_path / "letters.jsonl"
    file.write_text("mine\n")
    file.chmod(0o644)
    done = place.run("deadletters", "export", str(file))
    assert (done.returncode, file.read_text()) == (1, "mine\n")
    assert "--force" in done.stderr
    assert place.run("deadletters", "export", str(file), "--force").returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text().splitlines()) == 1


def test_no_room_for_more_is_said_and_what_was_stored_stays(place: Place, other: Place, tmp_path: Path) -> None:
    place.put(*(letter(number, body=b"x" * 400_000) for number in range(20)))
    file = tmp_path / "letters.jsonl"
    assert place.run("deadletters", "export", str(file)).returncode == 0
    settings = json.loads(other.config.read_text())
    settings["destinations"][0]["delivery"] = {"dead_letters_max_bytes": 5_000_000}
    other.config.write_text(json.dumps(settings))
    done = other.run("deadletters", "import", str(file))
    assert done.returncode == 1
    assert "the dead letters of crm have no room for more" in done.stderr
    stored = len(other.listed())
    assert done.stdout == f"{stored} dead letters stored\n"
    assert 0 < stored < 20


@pytest.mark.parametrize("words", [("export", "-"), ("export", "{}/x")])
def test_without_a_state_there_is_nothing_to_export(place: Place, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = place.run("deadletters", *(word.format(tmp_path) for word in words))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "0 dead letters exported\n")
    assert not place.state.path.exists()


def test_a_destination_that_is_none_is_named(place: Place, tmp_path: Path) -> None:
    done = place.run("deadletters", "export", str(tmp_path / "x"), "--destination", "crn")
    assert done.returncode == 2
    assert "did you mean crm?" in done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("prepare", [lambda file: file.mkdir(), lambda _: None])
def test_a_file_that_cannot_be_read_is_said(place: Place, tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    prepare(tmp_path / "x")
    done = place.run("deadletters", "import", str(tmp_path / "x"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {tmp_path / 'x'}: ")


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999Z"]
)
@pytest.mark.parametrize("key", ["at", "firstAt"])
def test_a_time_that_could_not_be_shown_is_refused(place: Place, tmp_path: Path, key: str, at: str) -> None:
    place.put(letter(1))
    file = tmp_path / "letters.jsonl"
    assert place.run("deadletters", "export", str(file)).returncode == 0
    file.write_text(json.dumps({**json.loads(file.read_text()), "position": 2, key: at}) + "\n")
    done = place.run("deadletters", "import", str(file))
    assert done.returncode == 1
    assert "between the years 1 and 9999" in done.stderr
    assert place.run("deadletters", "list").returncode == 0

"""``exporter deadletters`` as people and scripts run it (contract.md#the-command, contract.md#dead-letters)."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from letters_command import Place, letter

from exporter.cli.shared.moments import parse_when
from exporter.daemon.interventions import ByHand
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import document
from exporter.daemon.ops.local_socket import serve_locally
from exporter.settings.tree import Settings
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.kinds import State, open_state
from exporter.state.letter import Filter, Letter, Stored
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.status import ConfigStatus, Health


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_list_for_scripts(place: Place) -> None:
    place.put(letter(1), letter(2), letter(3, profile_id=None, status=None, reason="malformed"))
    place.put(delivered=(("p-2", "j", 9),))
    one, two, three = place.listed()
    assert one == {
        "id": 1,
        "destination": "crm",
        "profileId": "p-1",
        "event": "e-1",
        "reason": "rejected",
        "detail": "the endpoint answered 422",
        "status": 422,
        "attempts": 1,
        "firstAt": "2023-11-14T22:13:20.000Z",
        "at": "2023-11-14T22:13:21.000Z",
        "superseded": False,
        "replay": "none",
        "group": "exporter.crm",
        "lane": "j",
        "position": 1,
        "answer": "bad\\x1b[2J",
    }
    assert two["superseded"] is True
    assert (three["profileId"], three["status"], three["reason"]) == (None, None, "malformed")


def test_list_has_no_limit_unless_given(place: Place) -> None:
    place.put(*(letter(position) for position in range(1203)))
    assert [each["position"] for each in place.listed()] == list(range(1203))
    assert [each["position"] for each in place.listed("--limit", "501")] == list(range(501))


def test_filters_of_list(place: Place) -> None:
    now = time.time()
    place.put(letter(1), letter(2, reason="bug", at=now), letter(3, at=now - 7200), letter(4))
    place.put(delivered=(("p-4", "j", 9),))

    def found(*arguments: str) -> list[int]:
        return [each["position"] for each in place.listed(*arguments)]

    assert found("--reason", "bug") == [2]
    assert found("--since", "1h") == [2]
    assert found("--since", "2023-12-01T00:00:00Z") == [2, 3]
    assert found("--until", "1h", "--since", "3h") == [3]
    assert found("--profile", "p-3") == [3]
    assert found("--destination", "crm", "--profile", "nobody") == []
    assert found("--only-superseded") == [4]
    assert found("1", "2", "77") == [1, 2]


def test_list_and_show_for_people(place: Place) -> None:
    place.put(letter(1), letter(2, body=b"\xffno json\x1b[2J", event_id="e-" + "x" * 200))
    done = place.run("deadletters", "list")
    assert done.returncode == 0, done.stderr
    head, first, second = done.stdout.splitlines()
    assert head.split() == [
        "ID",
        "AT",
        "DESTINATION",
        "REASON",
        "STATUS",
        "TRIES",
        "PROFILE",
        "EVENT",
        "ANSWER",
        "NOTE",
    ]
    assert first.split()[-4:] == ["1", "p-1", "e-1", "bad\\x1b[2J"], "what the partner answered"
    assert "e-" + "x" * 200 in second, "on a pipe nothing is shortened"
    assert done.stderr == "2 dead letters: 2 rejected\n"
    assert "Zoë" not in done.stdout, "the event is shown on demand only"
    done = place.run("deadletters", "show", "1")
    assert done.returncode == 0, done.stderr
    assert '"name": "Zoë"' in done.stdout
    assert "bad\\x1b[2J" in done.stdout
    done = place.run("deadletters", "show", "2")
    assert "\\xffno json\\x1b[2J" in done.stdout
    assert "\x1b" not in done.stdout


def test_show_for_scripts(place: Place) -> None:
    place.put(letter(1), letter(2, body=b"[NaN]"), letter(3, body=b"null"), letter(4, body=b"[" * 100_000))
    one, two, three, four = (json.loads(place.run("deadletters", "show", str(n), "--json").stdout) for n in range(1, 5))
    assert one["body"] == {"profileId": "p-1", "profile": {"name": "Zoë"}}
    assert one["answer"] == "bad\\x1b[2J"
    assert two["bodyText"] == "[NaN]"
    assert three["body"] is None
    assert len(four["bodyText"]) == 100_000
    done = place.run("deadletters", "show", "5")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no dead letter 5" in done.stderr


def test_half_an_emoji_in_an_event_can_be_shown(place: Place) -> None:
    place.put(letter(1, body=rb'{"profileId": "p-1", "profile": {"name": "Zo\ud83d", "\udc00": "\u00eb"}}'))
    done = place.run("deadletters", "show", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body"]["profile"] == {"name": "Zo\ud83d", "\udc00": "ë"}
    done = place.run("deadletters", "show", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"name": "Zo\\ud83d"' in done.stdout


def test_replay_without_a_daemon_stays_asked_and_says_so(place: Place) -> None:
    place.put(letter(1), letter(2), letter(3))
    place.put(delivered=(("p-2", "j", 9),))
    done = place.run("deadletters", "replay", "--destination", "crm")
    assert done.returncode == 0, done.stderr
    assert "replay of 2 dead letters asked for" in done.stdout
    assert "1 left out" in done.stdout
    assert "no daemon answers" in done.stderr
    assert [each["replay"] for each in place.listed()] == ["asked", "none", "asked"]
    done = place.run("deadletters", "replay", "--all", "--superseded", "--json")
    assert json.loads(done.stdout) == {"asked": 3, "leftOut": 0, "missing": 0}
    assert {each["replay"] for each in place.listed()} == {"asked_superseded"}


def test_replay_by_id(place: Place) -> None:
    place.put(letter(1), letter(2), letter(3))
    done = place.run("deadletters", "replay", "3", "77", "--json")
    assert done.returncode == 1, "one of them is not there"
    assert json.loads(done.stdout) == {"asked": 1, "leftOut": 0, "missing": 1}
    assert [each["replay"] for each in place.listed()] == ["none", "none", "asked"]


def test_replay_for_a_destination_that_does_not_run_says_so(place: Place) -> None:
    place.put(letter(1, destination="old"))
    done = place.run("deadletters", "replay", "--destination", "old")
    assert done.returncode == 0
    assert "old is not an enabled destination" in done.stderr


@pytest.mark.parametrize("words", [["replay"], ["purge", "--yes"], ["list"], ["list", "--json"]])
def test_a_destination_that_is_none_is_named(place: Place, words: list[str]) -> None:
    for _ in range(2):  # without a store, then with one
        done = place.run("deadletters", *words, "--destination", "crn")
        assert "no destination is called 'crn' (crm); did you mean crm?\n" in done.stderr
        assert (done.returncode, done.stdout) == (2, "")
        assert place.run("deadletters", *words, "--destination", "crm").returncode == 0
        place.put(letter(1))


def test_letters_of_a_destination_that_was_removed_can_be_purged(place: Place) -> None:
    place.put(letter(1, destination="old"))
    done = place.run("deadletters", "purge", "--destination", "old", "--reason", "bug", "--yes")
    assert (done.returncode, done.stdout) == (0, "0 deleted\n")
    done = place.run("deadletters", "purge", "--destination", "old", "--yes")
    assert (done.returncode, done.stdout) == (0, "1 deleted\n")


def test_all_are_those_of_the_destinations_that_the_configuration_has(place: Place) -> None:
    """Another configuration may share the state; a destination that was removed is named to be meant."""
    place.put(letter(1), letter(2, destination="old"), letter(3, destination="old", reason="bug"))
    table = place.run("deadletters", "list").stdout.splitlines()
    assert [("destination not configured" in row) for row in table[1:]] == [False, True, True]
    for words in (["replay", "--all"], ["purge", "--all", "--yes"]):
        done = place.run("deadletters", *words)
        assert done.returncode == 0
        assert "no such destination: dead letters of old (2); --destination" in done.stderr
        assert [each["replay"] for each in place.listed("--destination", "old")] == ["none", "none"]
    done = place.run("deadletters", "purge", "--reason", "bug", "--yes")
    assert (done.stdout, "of old (1);" in done.stderr) == ("0 deleted\n", True)
    assert [each["position"] for each in place.listed()] == [2, 3]
    assert place.run("deadletters", "purge", "2", "--yes").stdout == "1 deleted\n"


def test_replay_waits_for_a_daemon_in_another_process(place: Place) -> None:
    """This process is the daemon: one is delivered, one fails again, one is superseded, one purged, one excluded."""
    place.put(letter(1), letter(2), letter(3), letter(4), letter(5))

    async def daemon() -> tuple[int, bytes]:
        async with open_state(place.state) as state, asyncio.timeout(60):
            crm = state.letters.of("crm", "exporter.crm", 1 << 30)
            await crm.open()
            command = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "exporter", "deadletters", "replay", "--all", "--wait", "--json",
                "--config", str(place.config), stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            one, two, three, four, five = await _all_requested(crm, 5)
            assert await crm.delivered(one.id) == Stored()
            assert await crm.failed(two.id, letter(2, attempts=2)) == Stored()
            assert await crm.put([], [("p-3", "j", 50)]) == Stored()
            assert await crm.superseded(three.id)
            assert await state.letters.purge(Filter(ids=(four.id,))) == 1
            assert await crm.superseded(four.id)
            assert await crm.excluded(five.id) == Stored()
            out, _ = await command.communicate()
            assert command.returncode is not None
            return command.returncode, out

    code, out = asyncio.run(daemon())
    assert json.loads(out) == {
        "asked": 5,
        "leftOut": 0,
        "missing": 0,
        "delivered": 1,
        "failed": 1,
        "supersededMeanwhile": 1,
        "purgedMeanwhile": 1,
        "excluded": 1,
    }
    assert code == 1, "one failed again"
    assert [(each["position"], each["attempts"]) for each in place.listed()] == [(2, 2), (3, 1)]


async def _all_requested(crm: DataflowLetters, count: int) -> list[Letter]:
    found: list[Letter] = []
    while len(found) < count:
        found += await crm.requested(10)
        await asyncio.sleep(0.05)
    return found


def test_purge_wants_a_confirmation(place: Place) -> None:
    place.put(letter(1), letter(2), letter(3))
    done = place.run("deadletters", "purge", "--all")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert len(place.listed()) == 3
    done = place.run("deadletters", "purge", "1", "--yes")
    assert (done.returncode, done.stdout) == (0, "1 deleted\n")
    done = place.run("deadletters", "purge", "--reason", "rejected", "--yes", "--json")
    assert json.loads(done.stdout) == {"purged": 2}
    assert place.listed() == []


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(("answer", "left"), [(b"n\n", 2), (b"y\n", 0)])
def test_purge_asks_on_a_terminal(place: Place, answer: bytes, left: int) -> None:
    place.put(letter(1), letter(2))
    controller, terminal = os.openpty()
    try:
        command = subprocess.Popen(
            [sys.executable, "-m", "exporter", "deadletters", "purge", "--all", "--config", str(place.config)],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.write(controller, answer)
        _, asked = command.communicate(timeout=60)
    finally:
        os.close(controller)
        os.close(terminal)
    assert b"Delete 2 dead letters" in asked
    assert command.returncode == (1 if left else 0)
    assert len(place.listed()) == left


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["purge", "--yes"],
        ["replay", "not-a-number"],
        ["list", "--reason", "because"],
        ["list", "--since", "yesterday"],
        ["list", "--limit", "0"],
        ["replay", "--nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage(place: Place, arguments: list[str]) -> None:
    place.put(letter(1))
    done = place.run("deadletters", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr


def test_looking_makes_no_store(place: Place) -> None:
    done = place.run("deadletters", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert place.run("deadletters", "purge", "--all", "--yes").stdout == "0 deleted\n"
    assert place.run("deadletters", "show", "1").returncode == 1
    assert not place.state.path.exists()


def test_a_store_that_is_none(place: Place) -> None:
    place.state.path.parent.mkdir()
    place.state.path.write_bytes(b"something else entirely" * 100)
    done = place.run("deadletters", "list")
    assert done.returncode == 1
    assert str(place.state.path) in done.stderr
    assert "Traceback" not in done.stderr
    assert place.state.path.read_bytes().startswith(b"something else")


def test_a_wrong_configuration(place: Place) -> None:
    place.config.write_text("nonsense: 1\n")
    done = place.run("deadletters", "list")
    assert done.returncode == 78
    assert "nonsense" in done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 910.0),
        ("1.5m", 910.0),
        ("2h", -6200.0),
        ("1d", -85400.0),
        ("1w", -603800.0),
        ("1970-01-01T00:00:05Z", 5.0),
        ("1970-01-01T01:00:05+0100", 5.0),
        ("5", None),
        ("2026", None),
        ("10 s", 990.0),
        ("2W", -1_208_600.0),
        ("500ms", 999.5),
        ("-1h", None),
        ("1y", None),
        ("yesterday", None),
    ],
)
def test_times(text: str, expected: float | None) -> None:
    assert parse_when(text, 1000.0) == expected


def test_a_named_daemon_asks_in_its_own_state_and_no_configuration_is_read(place: Place) -> None:
    place.put(letter(1), letter(2), letter(3, destination="of another"))
    path = place.config.parent / "s"
    place.config.write_text("not: [yaml")

    async def daemon(*words: str) -> tuple[int | None, str, str]:
        async with open_state(place.state) as state:

            @asynccontextmanager
            async def opened() -> AsyncIterator[State]:
                yield state

            settings = Settings.model_validate({"destinations": [{"name": "crm", "endpoint": "http://127.0.0.1:9/"}]})
            acts = ByHand(lambda: settings, opened, lambda: 7.0, "alice")
            status = document(0.0, ConfigStatus(), ())
            desk = Desk(Metrics(), lambda: Health(True), lambda: status, configure(io.StringIO(), False), acts)
            async with serve_locally([path], desk):
                command = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "exporter", "deadletters", "replay", *words, "--socket", str(path),
                    "--config", str(place.config), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                )  # fmt: skip
                out, err = await command.communicate()
                return command.returncode, out.decode(), err.decode()

    assert asyncio.run(daemon("1", "9")) == (1, "replay of 1 dead letter asked for\n1 of the ids is not there\n", "")
    code, _, err = asyncio.run(daemon("--destination", "crn"))
    assert (code, err) == (2, "error: no destination is called crn; did you mean crm?\n")
    assert asyncio.run(daemon("--all", "--json"))[:2] == (0, '{"asked": 2, "leftOut": 0, "missing": 0}\n')


def test_a_named_daemon_that_does_not_answer_is_a_failure(place: Place) -> None:
    done = place.run("deadletters", "replay", "--all", "--socket", str(place.config.parent / "nobody"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "no daemon answers at" in done.stderr


@pytest.mark.parametrize("words", [("show",), ("list",), ("replay",), ("purge", "--yes")])
def test_an_id_that_no_letter_can_have_is_refused(place: Place, words: tuple[str, ...]) -> None:
    place.put(letter(1))
    done = place.run("deadletters", *words, str(2**63))
    assert (done.returncode, done.stdout) == (2, "")
    assert "Invalid value for 'ID'" in done.stderr

"""``exporter test``: what a person and a program see of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from exporter.cli.test import command

CONFIG = """
destinations:
  - name: crm
    endpoint: https://partner.example.com/profiles?team=a
    headers: {x-team: growth, X-Api-Key: k3y}
    auth: {kind: bearer, token: t0ken-of-crm}
    segments: [s]
    attributes: [person]
  - name: mail
    endpoint: https://mail.example.com/
    segments: [t]
    include_segment_timestamps: true
"""

ENTERED = """
tests:
  - name: entered
    event: &event
      id: e-1
      profileId: p-1
      changes: {segments: [{id: s, from: null, to: realized}]}
      profile:
        person: {name: {first: John, last: Doe}}
        segmentMembership: {ups: {s: {status: realized, lastQualificationTime: 2026-11-20T10:15:00Z}}}
    expect:
      crm:
        triggers: [segment]
        body:
          person: {name: {first: John, last: Doe}}
          segmentMembership: {ups: {s: {status: realized, lastQualificationTime: 2026-11-20T10:15:00Z}}}
        headers: {X-Team: growth, authorization: Bearer **********, X-API-Key: "**********", X-Other: null}
        url: https://partner.example.com/profiles?team=a
      mail: {excluded: no_trigger}
"""

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exporter.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    app = typer.Typer(rich_markup_mode=None)
    app.command("test")(command.run_tests)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "--config", "exporter.yaml"])

    return run


def write(folder: Path, text: str, name: str = "a.test.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def event(profile: str, changes: str = "{segments: [{id: s, to: realized}]}") -> str:
    return f"{{profileId: p, changes: {changes}, profile: {profile}}}"


def one_test(event: str, expect: str) -> str:
    return f"tests:\n  - {{name: n, event: {event}, expect: {{{expect}}}}}\n"


def test_what_is_as_expected_passes_and_nothing_is_made(run: Run, folder: Path) -> None:
    write(folder, ENTERED)
    before = sorted(folder.rglob("*"))
    result = run()
    assert result.stdout == "ok      a.test.yaml:3: entered\n1 test: 1 passed, 0 failed\n"
    assert (result.stderr, result.exit_code) == ("", 0)
    assert sorted(folder.rglob("*")) == before


def test_a_failure_names_each_place_with_both_values(run: Run, folder: Path) -> None:
    text = ENTERED.replace("triggers: [segment]", "triggers: [identity]")
    text = text.replace("X-Team: growth", "X-Team: sales").replace("X-Other: null", "X-Other: x, x-team: null")
    text = text.replace(
        "          person: {name: {first: John, last: Doe}}", "          person: {name: {first: 5, mid: A}}"
    )
    write(folder, text.replace("?team=a", "").replace("no_trigger", "not_a_member"))
    result = run()
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "FAILED  a.test.yaml:3: entered",
        "  crm: triggers",
        '    expected  ["identity"]',
        '    actual    ["segment"]',
        "  crm: url",
        '    expected  "https://partner.example.com/profiles"',
        '    actual    "https://partner.example.com/profiles?team=a"',
        "  crm: headers.X-Team",
        '    expected  "sales"',
        '    actual    "growth"',
        "  crm: headers.X-Other",
        '    expected  "x"',
        "    actual    nothing",
        "  crm: headers.x-team",
        "    expected  nothing",
        '    actual    "growth"',
        "  crm: body.person.name.first",
        "    expected  5",
        '    actual    "John"',
        "  crm: body.person.name.mid",
        '    expected  "A"',
        "    actual    nothing",
        "  crm: body.person.name.last",
        "    expected  nothing",
        '    actual    "Doe"',
        "  mail: excluded",
        '    expected  "not_a_member"',
        '    actual    "no_trigger"',
        "1 test: 0 passed, 1 failed",
    ]


@pytest.mark.parametrize(
    ("changes", "expected", "told"),
    [
        (
            "{segments: [{id: s, to: realized}]}",
            "{excluded: no_trigger}",
            ("excluded: no_trigger", "exported: segment"),
        ),
        ("{segments: [{id: s, to: realized}]}", "{malformed: x}", ("malformed: x", "exported: segment")),
        ("{}", "{triggers: [segment], body: {}}", ("exported: segment", "excluded: no_trigger")),
        ("{}", "{body: {}}", ("exported", "excluded: no_trigger")),
        (
            "{backfill: 1}",
            "{body: {}}",
            ("exported", "malformed: changes.backfill: must be a boolean or null, not a number"),
        ),
        ("{}", "", ("nothing yet; --update writes what is sent", "excluded: no_trigger")),
        ("{}", "{}", ("nothing yet; --update writes what is sent", "excluded: no_trigger")),
    ],
)
def test_another_end_than_expected_is_told_in_words(
    run: Run, folder: Path, changes: str, expected: str, told: tuple[str, str]
) -> None:
    write(folder, one_test(event("{}", changes), f"crm: {expected}"))
    result = run()
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:4] == ["  crm", f"    expected  {told[0]}", f"    actual    {told[1]}"]


@pytest.mark.parametrize("place", ["changes.backfill", '"changes.backfill: must be a boolean or null, not a number"'])
def test_malformed_is_expected_by_its_place_or_as_a_whole(run: Run, folder: Path, place: str) -> None:
    write(folder, one_test(event("{}", "{backfill: 1}"), f"crm: {{malformed: {place}}}"))
    assert run().exit_code == 0


def test_json_is_one_object_for_each_test(run: Run, folder: Path) -> None:
    more = "  - {name: second, event: *event, expect: {crm: {body: {}}}}\n"
    write(folder, ENTERED.replace("mail: {excluded: no_trigger}", "mail: {excluded: tombstone}") + more)
    result = run("--json")
    assert result.exit_code == 1
    first, second = map(json.loads, result.stdout.splitlines())
    assert first == {
        "file": "a.test.yaml",
        "line": 3,
        "name": "entered",
        "passed": False,
        "differences": [{"destination": "mail", "path": "excluded", "expected": "tombstone", "actual": "no_trigger"}],
    }
    assert second["differences"][0] == {
        "destination": "crm",
        "path": "body.person",
        "actual": {"name": {"first": "John", "last": "Doe"}},
    }
    assert result.stderr == "2 tests: 0 passed, 2 failed\n"


def test_one_destination_only(run: Run, folder: Path) -> None:
    only_crm = "  - {name: second, event: *event, expect: {crm: {excluded: no_trigger}}}\n"
    write(folder, ENTERED.replace("[segment]", "[identity]") + only_crm)
    result = run("--destination", "mail")
    assert result.stdout == "ok      a.test.yaml:3: entered\n1 test: 1 passed, 0 failed\n"
    unknown = run("--destination", "male")
    assert (unknown.exit_code, "no destination is called 'male' (crm, mail); did you mean mail?" in unknown.stderr) == (
        2,
        True,
    )
    write(folder, ENTERED.replace("      mail: {excluded: no_trigger}\n", ""))
    nothing = run("--destination", "mail")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert nothing.stderr == "error: no test expects anything for mail\n"


def test_dates_times_and_leading_zeros_are_text_and_numbers_keep_their_digits(run: Run, folder: Path) -> None:
    person = (
        "{date: 2026-11-20, time: 2026-11-20T10:15:00Z, clock: 12:30, no: NO, zip: 01234, "
        "big: 12345678901234567890123, price: 1.10, exp: 1E5, yes: true, none: null, "
        'quoted: "1", under: 1_000, plus: +1, deep: [1, {a: ~}]}'
    )
    write(folder, one_test(event(f"{{person: {person}}}"), "crm: {body: {}}"))
    result = run("--json")
    [difference] = json.loads(result.stdout, parse_float=str)["differences"]
    assert '"price": 1.10' in result.stdout
    assert difference["actual"] == {
        "date": "2026-11-20",
        "time": "2026-11-20T10:15:00Z",
        "clock": "12:30",
        "no": "NO",
        "zip": "01234",
        "big": 12345678901234567890123,
        "price": "1.10",
        "exp": "1E5",
        "yes": True,
        "none": None,
        "quoted": "1",
        "under": "1_000",
        "plus": "+1",
        "deep": [1, {"a": None}],
    }


@pytest.mark.parametrize(
    ("sent", "expected", "is_same"),
    [("1", "1.0", True), ("1", '"1"', False), ("true", "1", False), ("1.10", "1.1", True), ("[1]", "[1, 2]", False)],
)
def test_values_are_compared_as_json(run: Run, folder: Path, sent: str, expected: str, is_same: bool) -> None:
    write(folder, one_test(event(f"{{person: {{x: {sent}}}}}"), f"crm: {{body: {{person: {{x: {expected}}}}}}}"))
    assert run().exit_code == (not is_same)


def test_an_event_of_a_file_beside_the_tests(run: Run, folder: Path) -> None:
    (folder / "more/events").mkdir(parents=True)
    changes = {"segments": [{"id": "s", "to": "realized"}]}
    entered = {"profileId": "p", "changes": changes, "profile": {"person": {"a": 1}}}
    write(folder, json.dumps(entered, indent=2), "more/events/one.json")
    file = write(
        folder,
        "tests: [{name: n, event_file: events/one.json, expect: {crm: {body: {person: {a: 1}}}}}]",
        "more/any-name.yaml",
    )
    result = run(file)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, f"ok      {file}:1: n")


MISTAKES = """\
tests:
  - name: first
    event: {profileId: p}
    event_file: one.json
    expect: {crn: {excluded: no_trigger}}
  - name: first
    expect: {crm: {excluded: nowhere, body: {}}}
    evnt: {}
  - name: third
    event_file: none.json
    expect: {crm: {tiggers: [segment], headers: {a: [b]}, malformed: }}
  - name: fourth
    name: fifth
    event: !file secret
    expect: {}
  - name: sixth
    event_file: two.json
    expect: {crm: {triggers: [segments]}}
test: []
"""


def test_all_mistakes_at_once_with_file_line_path_and_reason(run: Run, folder: Path) -> None:
    write(folder, MISTAKES)
    write(folder, "tests: []\n", "b.test.yaml")
    write(folder, "- 1\n", "c.test.yaml")
    write(folder, "{}\n{}\n", "two.json")
    result = run()
    assert (result.exit_code, result.stdout) == (78, "")
    assert result.stderr.splitlines() == [
        "a.test.yaml:4: tests[0].event_file: give either event or event_file",
        "a.test.yaml:5: tests[0].expect.crn: no destination is called 'crn'; did you mean crm?",
        "a.test.yaml:6: tests[1]: needs an event or an event_file",
        "a.test.yaml:6: tests[1].name: the name is taken by another test (line 2)",
        "a.test.yaml:7: tests[1].expect.crm.excluded: what is excluded is not sent: this does not go with body",
        "a.test.yaml:7: tests[1].expect.crm.excluded: should be 'no_trigger', 'switched_off', 'not_a_member', "
        "'other_destination' or 'tombstone'",
        "a.test.yaml:8: tests[1].evnt: unknown key; did you mean event?",
        "a.test.yaml:10: tests[2].event_file: the file none.json cannot be read: No such file or directory",
        "a.test.yaml:11: tests[2].expect.crm.malformed: must not be null",
        "a.test.yaml:11: tests[2].expect.crm.headers.a: should be text",
        "a.test.yaml:11: tests[2].expect.crm.tiggers: unknown key; did you mean triggers?",
        "a.test.yaml:13: tests[3].name: this key is given twice (first in line 12)",
        "a.test.yaml:14: tests[3].event: the tag !file is not known here",
        "a.test.yaml:15: tests[3].expect: needs at least 1 item",
        "a.test.yaml:17: tests[4].event_file: the file two.json holds 2 events; a test has one",
        "a.test.yaml:18: tests[4].expect.crm.triggers[0]: should be 'segment', 'identity', 'attribute' or 'backfill'",
        "a.test.yaml:19: test: unknown key; did you mean tests?",
        "b.test.yaml:1: tests: needs at least 1 item",
        "c.test.yaml:1: the file must hold a mapping, with tests",
        "19 mistakes in the tests",
    ]


def test_no_tests_at_all_is_a_failure(run: Run) -> None:
    result = run()
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: there are no tests: no *.test.yaml beside exporter.yaml, nor in destinations_dir\n"
    assert run("nowhere.test.yaml").exit_code == 2


def test_a_wrong_configuration_is_told_as_everywhere(run: Run, folder: Path) -> None:
    write(folder, CONFIG.replace("segments", "segmnts", 1), "exporter.yaml")
    write(folder, ENTERED)
    result = run()
    assert result.exit_code == 78
    assert "exporter.yaml:7: destinations[0].segmnts: unknown key; did you mean segments?" in result.stderr


def test_keys_of_events_that_nobody_knows_are_noted(run: Run, folder: Path) -> None:
    write(folder, ENTERED.replace("      profile:", "      ocurredAt: x\n      profile:"))
    result = run()
    assert result.exit_code == 0
    assert result.stderr == "note: a.test.yaml:3: ocurredAt is not known and ignored; did you mean occurredAt?\n"


def test_tests_beside_destinations_are_found_and_are_no_destinations(run: Run, folder: Path) -> None:
    write(folder, CONFIG + "destinations_dir: more\n", "exporter.yaml")
    write(folder, "{name: third, endpoint: https://third.example.com/, segments: [s]}", "more/third.yaml")
    write(folder, ENTERED.replace("mail:", "third: {triggers: [segment]}\n      mail:"), "more/third.test.yaml")
    write(folder, ENTERED, "b.test.yml")
    write(folder, "broken: [", "more/.hidden.test.yaml")
    result = run()
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "ok      b.test.yml:3: entered",
        "ok      more/third.test.yaml:3: entered",
        "2 tests: 2 passed, 0 failed",
    ]


def test_a_destination_in_a_file_of_tests_name_does_not_vanish(run: Run, folder: Path) -> None:
    write(folder, CONFIG + "destinations_dir: more\n", "exporter.yaml")
    write(folder, "{name: third, endpoint: https://third.example.com/}", "more/partner.test.yaml")
    result = run()
    assert result.exit_code == 78
    assert result.stderr.splitlines()[0] == (
        "more/partner.test.yaml:1: a file whose name ends with .test.yaml holds tests, and this one a destination: "
        "rename it"
    )


SECRETS = """
queue: {kind: nats, url: "${QUEUE}", credentials: !file gone/creds}
state: {kind: redis, url: !file gone/url}
ops: {port: "${PORT}"}
destinations:
  - name: crm
    endpoint: https://h.example.com/hooks/${HOOK}/in?site=${SITE}
    headers: {X-Team: "${TEAM}", X-Odd: !file gone/odd, X-Mixed: "a ${TEAM}"}
    tls: {client_cert_file: gone/tls.crt, client_key_file: gone/tls.key}
    auth: {kind: oauth2_password, token_url: "https://${LOGIN}/", client_id: "${ID}", client_secret: !file gone/secret,
           username: "${USER_OF_CRM:-u}", password: !file "${FOLDER}/pass", tls: {ca_file: "${CA}"}}
    segments: [s]
    delivery: {rate: "${RATE}"}
  - {name: mail, endpoint: "${MAIL}", auth: {kind: bearer, token: "${TOKEN}"}, segments: [t]}
"""
SECRETS_TESTS = """
tests:
  - name: n
    event: {profileId: p, changes: {segments: [{id: s, to: realized}]}, profile: {}}
    expect:
      crm:
        url: https://h.example.com/hooks/**********/in?site=**********
        headers: {X-Team: "**********", X-Odd: "**********", X-Mixed: "**********", Authorization: "Bearer **********"}
      mail: {excluded: no_trigger}
"""


def test_no_secret_needs_to_be_here(run: Run, folder: Path) -> None:
    write(folder, SECRETS, "exporter.yaml")
    write(folder, SECRETS_TESTS)
    result = run()
    assert result.exit_code == 0, result.output
    [note] = result.stderr.splitlines()
    about, _, names = note.partition("): ")
    assert about == "note: not here, so something stands in (secrets are masked anyway"
    assert set(names.split(", ")) == {
        *("QUEUE", "HOOK", "SITE", "TEAM", "gone/odd", "gone/tls.crt", "gone/tls.key", "LOGIN", "ID", "gone/secret"),
        *("FOLDER", "CA", "TOKEN", "gone/creds", "gone/url", "PORT", "RATE", "MAIL"),
    }


def test_files_of_the_way_in_need_not_be_here_either(run: Run, folder: Path) -> None:
    way_in = """
serve:
  tls: {cert_file: gone/serve.crt, key_file: gone/serve.key, client_ca_file: gone/clients.pem}
  tokens: {static: [{name: loader, token: !file gone/loader}]}
  ims: {clients: [{client_id: a, secret: !file gone/acme, org: o, jwt_public_key_file: gone/acme.pem}]}
"""
    write(folder, SECRETS + way_in, "exporter.yaml")
    write(folder, SECRETS_TESTS)
    result = run()
    assert result.exit_code == 0, result.output
    absent = {f"gone/{name}" for name in ("serve.crt", "serve.key", "clients.pem", "loader", "acme", "acme.pem")}
    assert absent <= set(result.stderr.strip().partition("): ")[2].split(", "))


def test_with_the_secrets_the_same_tests_pass(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "gone").mkdir()
    for name in ("odd", "secret", "pass"):
        (folder / "gone" / name).write_text(f"{name}-of-crm\n")
    (folder / "gone/url").write_text("redis://redis.example.com\n")
    text = SECRETS.replace("    tls: {client_cert_file: gone/tls.crt, client_key_file: gone/tls.key}\n", "")
    for gone in (', tls: {ca_file: "${CA}"}', ", credentials: !file gone/creds"):
        text = text.replace(gone, "")
    write(folder, text, "exporter.yaml")
    for name in ("QUEUE", "HOOK", "SITE", "TEAM", "LOGIN", "ID", "TOKEN"):
        monkeypatch.setenv(name, f"real-{name.lower()}")
    monkeypatch.setenv("FOLDER", "gone")
    monkeypatch.setenv("QUEUE", "nats://nats.example.com")
    monkeypatch.setenv("MAIL", "https://mail.example.com/")
    monkeypatch.setenv("PORT", "1234")
    monkeypatch.setenv("RATE", "5")
    write(folder, SECRETS_TESTS)
    result = run()
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("segments: [s]", "segments: ['${SEGMENT}']"),
        ("segments: [s]", "attributes: ['person.${SEGMENT}']"),
        ("segments: [s]", "require_membership: '${SEGMENT}'"),
        ("segments: [s]", "activate_on: {segments: '${SEGMENT}'}"),
        ("ops:", "max_event_bytes: ${SEGMENT}\nops:"),
        ("name: crm", "name: 'crm${SEGMENT}'"),
        ("ops:", "destinations_dir: ${SEGMENT}\nops:"),
    ],
)
def test_what_decides_what_is_sent_has_to_be_here(run: Run, folder: Path, old: str, new: str) -> None:
    write(folder, SECRETS.replace(old, new), "exporter.yaml")
    write(folder, SECRETS_TESTS)
    result = run()
    assert result.exit_code == 78
    [problem, count] = result.stderr.splitlines()
    assert problem.startswith("exporter.yaml:")
    assert "the environment variable SEGMENT is not set" in problem
    assert count == "1 mistake in the configuration"


def test_times_of_mappings_are_the_same_everywhere(run: Run, folder: Path) -> None:
    body = (
        "{segmentMembership: {ups: {t: {status: realized, mappingCreatedAt: 946684800000, "
        "mappingUpdatedAt: 946684800000}}}}"
    )
    sent = event("{segmentMembership: {ups: {t: {status: realized}}}}", "{segments: [{id: t, to: realized}]}")
    write(folder, one_test(sent, f"mail: {{body: {body}}}"))
    result = run()
    assert (result.exit_code, result.stderr) == (0, ""), result.stdout


NO_NETWORK = """
import sys
def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.gethostname",):
        raise SystemExit(f"used the network: {event} {arguments}")
sys.addaudithook(watch)
from exporter.cli.app import main
main()
"""


def test_the_command_itself_reaches_for_no_network_and_no_database(folder: Path) -> None:
    (folder / "exporter.yaml").write_text(SECRETS, encoding="utf-8")
    write(folder, SECRETS_TESTS)
    before = sorted(folder.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, "test", "--config", "exporter.yaml"],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "ok      a.test.yaml:3: n\n1 test: 1 passed, 0 failed\n"), done.stderr
    assert sorted(folder.rglob("*")) == before


def test_help_answers(run: Run) -> None:
    shown: Any = run("--help")
    assert shown.exit_code == 0
    for words in ("*.test.yaml", "--update", "--destination", "--json", "78"):
        assert words in " ".join(shown.stdout.split())


def test_a_destination_that_is_switched_off_is_noted_once(run: Run, folder: Path) -> None:
    config = folder / "exporter.yaml"
    config.write_text(config.read_text().replace("  - name: crm\n", "  - name: crm\n    enabled: false\n"))
    more = "  - {name: second, event: *event, expect: {crm: {triggers: [segment]}}}\n"
    write(folder, ENTERED + more)
    result = run()
    assert result.exit_code == 0
    note = "note: crm is switched off (enabled: false), so it exports nothing now\n"
    assert result.stderr.count(note) == result.stderr.count("switched off") == 1


def test_a_file_whose_only_test_is_wrong_is_not_called_empty(run: Run, folder: Path) -> None:
    write(folder, "tests:\n  - 5\n")
    result = run()
    assert (result.exit_code, result.stderr) == (
        78,
        "a.test.yaml:2: tests[0]: should be a mapping\n1 mistake in the tests\n",
    )

"""``exporter preview``: what a person and a program see of it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import typer
from standard_input import standard_input
from typer.testing import CliRunner, Result

from exporter.cli.preview import command as preview
from exporter.state.kinds import open_state

CONFIG = """
state: {kind: sqlite, path: %(folder)s/state.db}
max_event_bytes: 2000
segments:
  - {id: s, name: Lawn cars, created_at: 1, updated_at: 2}
destinations:
  - name: crm
    endpoint: https://partner.example.com/profiles?team=a
    query: {v: "2"}
    headers: {x-team: growth}
    auth: {kind: bearer, token: t0ken-of-crm}
    segments: [s]
    attributes: [person.name, loyalty.points]
  - name: mail
    endpoint: https://mail.example.com/
    segments: [{id: t, mapping_created_at: 3, mapping_updated_at: 4}]
    include_segment_timestamps: true
    position_header: false
"""

PROFILE: dict[str, Any] = {
    "person": {"name": "Zoë O'Hara", "gender": "f"},
    "loyalty": {"points": 12345678901234567890123},
    "segmentMembership": {"ups": {"s": {"status": "realized"}}},
}
ENTERS = {"segments": [{"id": "s", "from": None, "to": "realized"}]}
BODY = {**PROFILE, "person": {"name": "Zoë O'Hara"}}

Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "exporter.yaml"
    file.write_text(CONFIG % {"folder": tmp_path}, encoding="utf-8")
    return file


@pytest.fixture
def run(config: Path) -> Run:
    app = typer.Typer()
    app.command()(preview.preview)

    def run(*arguments: object, stdin: bytes = b"") -> Result:
        with standard_input(stdin):
            return CliRunner().invoke(app, [*map(str, arguments), "--config", str(config)])

    return run


def event(event_id: str | None = "e-1", changes: Any = ENTERS, **more: Any) -> dict[str, Any]:
    whole = {"id": event_id, "profileId": "p-1", "occurredAt": "2026-11-20T10:15:00Z", "changes": changes}
    return {**whole, "profile": PROFILE, **more}


def write(folder: Path, *events: Any) -> Path:
    file = folder / "events.jsonl"
    file.write_text(
        "".join(f"{one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)}\n" for one in events),
        encoding="utf-8",
    )
    return file


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_json_has_every_pair_in_the_order_of_file_and_configuration(run: Run, tmp_path: Path) -> None:
    file = write(
        tmp_path, event(), event("e-2", {"identities": True}, destination="crm"), event("e-3", {"backfill": 1})
    )
    assert lines(run(file, "--format", "json")) == [
        {
            "event": "e-1",
            "destination": "crm",
            "profileId": "p-1",
            "exported": True,
            "triggers": ["segment"],
            "request": {
                "method": "POST",
                "url": "https://partner.example.com/profiles?team=a&v=2",
                "headers": {
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"exporter/{preview_version()}",
                    "x-team": "growth",
                    "Authorization": "Bearer **********",
                    "Idempotency-Key": "crm:e-1",
                    "Exporter-Position": "preview-1",
                },
                "body": BODY,
            },
        },
        {"event": "e-1", "destination": "mail", "profileId": "p-1", "exported": False, "reason": "no_trigger"},
        {
            "event": "e-2",
            "destination": "crm",
            "profileId": "p-1",
            "exported": True,
            "triggers": ["identity"],
            "request": {
                "method": "POST",
                "url": "https://partner.example.com/profiles?team=a&v=2",
                "headers": {
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"exporter/{preview_version()}",
                    "x-team": "growth",
                    "Authorization": "Bearer **********",
                    "Idempotency-Key": "crm:e-2",
                    "Exporter-Position": "preview-2",
                },
                "body": BODY,
            },
        },
        {"event": "e-2", "destination": "mail", "profileId": "p-1", "exported": False, "reason": "other_destination"},
        *(
            {
                "event": "e-3",
                "destination": name,
                "profileId": "p-1",
                "malformed": "changes.backfill: must be a boolean or null, not a number",
            }
            for name in ("crm", "mail")
        ),
    ]


def preview_version() -> str:
    from exporter import __version__

    return __version__


def test_the_body_is_exactly_what_is_sent(run: Run, tmp_path: Path) -> None:
    result = run(write(tmp_path, event()), "--destination", "crm", "--json")
    assert '"loyalty":{"points":12345678901234567890123}' in result.stdout


def test_one_line_each_though_the_file_is_pretty(run: Run, tmp_path: Path) -> None:
    profile = {**PROFILE, "person": {"name": {"first": "Zoë", "more": ["a", {"b": 1}]}}}
    file = tmp_path / "pretty.json"
    file.write_text(json.dumps(event(profile=profile), indent=2), encoding="utf-8")
    [line] = lines(run(file, "--json", "--destination", "crm"))
    assert line["request"]["body"]["person"] == profile["person"]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_events_counts_its_lines(run: Run, tmp_path: Path, indent: int | None) -> None:
    file = tmp_path / "list.json"
    file.write_text("\n\n" + json.dumps([event(None), 3, event(None)], indent=indent), encoding="utf-8")
    result = run(file, "--json", "--destination", "crm")
    found = lines(result)
    assert [line["event"].rpartition(":")[0] for line in found] == ["list.json"] * 3
    numbers = [int(line["event"].rpartition(":")[2]) for line in found]
    text = file.read_text().splitlines()
    assert numbers == ([3, 3, 3] if indent is None else [4, text.index("  3,") + 1, text.index("  3,") + 2])
    assert found[1]["malformed"] == "byte 0: must be an object, not a number"


def test_an_event_without_id_gets_one_of_file_and_line_and_a_note_says_so(run: Run, tmp_path: Path) -> None:
    result = run(write(tmp_path, event(), "", event(None)), "--json", "--destination", "crm")
    assert [line["event"] for line in lines(result)] == ["e-1", "events.jsonl:3"]
    assert lines(result)[1]["request"]["headers"]["Exporter-Position"] == "preview-3"
    assert result.stderr.startswith("note: 1 event without an id")


def test_a_line_that_cannot_be_read_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    deep = '{"id":"d","profileId":"p","profile":{"a":' + "[" * 500 + "]" * 500 + "}}"
    file = write(tmp_path, "{nope", deep, event(big="x" * 3000), event("last"))
    found = lines(run(file, "--json", "--destination", "crm"))
    assert [(line["event"], line.get("malformed", "").partition(":")[0]) for line in found] == [
        ("events.jsonl:1", "byte 1"),
        ("d", "byte 239"),
        ("e-1", "byte 2000"),
        ("last", ""),
    ]


def test_a_wrong_type_in_the_profile_is_malformed_where_a_trigger_fired(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, event(profile={"identityMap": {"ecid": [{"id": 5}]}}))
    first, second = lines(run(file, "--json"))
    assert first["malformed"] == "profile.identityMap.ecid[0].id: must be a string, not a number"
    assert second["reason"] == "no_trigger"


def test_half_an_emoji_that_is_not_sent_is_no_fault(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(event(profile={**PROFILE, "nick": "\ud83d"})) + "\n" + json.dumps(event("e-2")))
    assert [line["exported"] for line in lines(run(file, "--json", "--destination", "crm"))] == [True, True]


def test_times_that_are_missing_or_odd_are_noted(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, event(), event(occurredAt=None), event(occurredAt="noon"), event(occurredAt=1795169700))
    result = run(file, "--json")
    assert all("malformed" not in line for line in lines(result))
    assert [note for note in result.stderr.splitlines() if "occurredAt" in note] == [
        f"note: 1 event without occurredAt, first {file}:2: latency begins when the queue takes it",
        f"note: 1 event with an occurredAt that is no time, first {file}:3: latency begins when the queue takes it",
    ]


def test_keys_that_nobody_knows_are_named_with_a_guess(run: Run, tmp_path: Path) -> None:
    misspelt = {
        "atributes": ["x"],
        "segments": [{"id": "s", "to": "realized", "form": None}],
        "joined": ["p-2"],
        "joind": [],
    }
    cloud = {"specversion": "1.0", "subjct": "p", "partitionkey": "p", "data": event(traceparent="x", ocurredAt="x")}
    profile = {"identitymap": {}, "identity": 1, "segmentMembership": {}}
    file = write(tmp_path, event(changes=misspelt, profileid="x", profile=profile), cloud)
    result = run(file, "--json")
    assert result.stderr.splitlines() == [
        f"note: {file}:1: profileid is not known and ignored; did you mean profileId?",
        f"note: {file}:1: changes.atributes is not known and ignored; did you mean attributes?",
        f"note: {file}:1: changes.joind is not known and ignored; did you mean joined?",
        f"note: {file}:1: changes.segments[].form is not known and ignored; did you mean from?",
        f"note: {file}:1: profile.identitymap is an attribute; did you mean identityMap?",
        f"note: {file}:2: subjct is not known and ignored; did you mean subject?",
        f"note: {file}:2: data.ocurredAt is not known and ignored; did you mean occurredAt?",
    ]


def test_stdin(run: Run) -> None:
    result = run("-", "--json", "--destination", "crm", stdin=b"\xef\xbb\xbf" + json.dumps(event(None)).encode())
    assert [line["event"] for line in lines(result)] == ["stdin:1"]


def test_http_is_the_requests_text(run: Run, tmp_path: Path) -> None:
    result = run(write(tmp_path, event(), event("e\x1b[31m", {})), "--destination", "crm")
    assert result.exit_code == 0
    body = json.dumps(BODY, ensure_ascii=False, separators=(",", ":"))
    # Attributes stand in the order of the configuration.
    assert result.stdout == (
        "# e-1 to crm: exported (segment)\n"
        "POST /profiles?team=a&v=2 HTTP/1.1\n"
        "Host: partner.example.com\n"
        "Content-Type: application/json\n"
        "Accept-Encoding: identity\n"
        f"User-Agent: exporter/{preview_version()}\n"
        "x-team: growth\n"
        "Authorization: Bearer **********\n"
        "Idempotency-Key: crm:e-1\n"
        "Exporter-Position: preview-1\n"
        f"Content-Length: {len(body.encode())}\n"
        f"\n{body}\n\n"
        "# e\\x1b[31m to crm: not exported (no_trigger)\n"
    )


SECRETS = """
state: {kind: sqlite, path: %(folder)s/state.db}
destinations:
  - name: crm
    endpoint: %(endpoint)s/in/!PATH!?code=c0de&v=2
    headers:
      X-Api-Key: k3y
      Cookie: session=1
      X-Plain: it's $HOME
      X-Author: Bob
      X-Odd: !file odd
    query: {access_token: t0ken, from: "a b", odd: "pass-word &1"}
    auth: {kind: oauth2_client_credentials, token_url: https://t.example.com/, client_id: me, client_secret: s3cret}
    segments: [s]
    attributes: [person.name]
"""


@pytest.fixture
def secrets(config: Path, tmp_path: Path) -> Callable[[str], None]:
    (tmp_path / "odd").write_text("pass-word &1\n")

    def write(endpoint: str) -> None:
        config.write_text(SECRETS.replace("!PATH!", "p") % {"folder": tmp_path, "endpoint": endpoint})

    return write


@pytest.mark.parametrize("style", ["http", "curl", "json"])
def test_no_format_shows_a_secret(run: Run, secrets: Callable[[str], None], tmp_path: Path, style: str) -> None:
    secrets("https://h.example.com")
    result = run(write(tmp_path, event()), "--format", style)
    assert result.exit_code == 0, result.output
    for secret in ("c0de", "k3y", "session=1", "t0ken", "s3cret", "pass-word", "%261"):
        assert secret not in result.output
    for plain in ("v=2", "Bob", "from=a%20b", "$HOME"):
        assert plain in result.output


FROM_ENVIRONMENT = """
state: {kind: sqlite, path: %(folder)s/state.db}
destinations:
  - name: off
    enabled: false
    endpoint: https://off.example.com/
  - name: crm
    endpoint: "https://h.example.com/in?site=${VALUE}"
    headers: {X-Team: "${VALUE}", X-Mixed: "plain ${VALUE}", X-Short: !file short, X-Env: prod}
    query: {"from where": "${VALUE} &", v: "2", none: "${NONE}"}
    attributes: [person.name]
    require_membership: false
  - name: text
    endpoint: https://h.example.com/in?plain=shown
    headers: "x-team:${VALUE},x-env:prod"
    query: "a=${VALUE}&${VALUE}=="
    attributes: [person.name]
    require_membership: false
"""


@pytest.mark.parametrize("style", ["http", "curl", "json"])
def test_no_format_shows_a_header_or_query_value_from_the_environment(
    run: Run, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    monkeypatch.setenv("VALUE", "hunter2")
    monkeypatch.setenv("NONE", "")
    (tmp_path / "short").write_text("qzx \n")
    config.write_text(FROM_ENVIRONMENT % {"folder": tmp_path})
    result = run(write(tmp_path, event(changes={"attributes": ["person.name"]})), "--format", style)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("/in?") == 2
    assert "hunter2" not in result.output
    assert "qzx" not in result.output
    for plain in ("prod", "v=2", "none=", "site=", "from%20where=", "plain=shown", "a="):
        assert plain in result.output


HIDDEN_ELSEWHERE = """
state: {kind: sqlite, path: %(folder)s/state.db}
destinations:
  - name: crm
    endpoint: "https://h.example.com/hooks/${HOOK}/in?apikey=a1b2&accessKey=c3d4"
    headers: {X-Copy: "as t0ken-of-crm is", X-Pass: e5f6}
    auth: {kind: bearer, token: t0ken-of-crm}
    attributes: [person.name]
    require_membership: false
"""


@pytest.mark.parametrize("style", ["http", "curl", "json"])
def test_no_format_shows_what_is_a_secret_elsewhere_in_the_configuration(
    run: Run, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    monkeypatch.setenv("HOOK", "T0/B0/xyz")
    config.write_text(HIDDEN_ELSEWHERE % {"folder": tmp_path})
    result = run(write(tmp_path, event(changes={"attributes": ["person.name"]})), "--format", style)
    assert result.exit_code == 0, result.output
    for secret in ("T0/", "xyz", "a1b2", "c3d4", "t0ken", "e5f6"):
        assert secret not in result.output
    for plain in ("h.example.com", "/hooks/", "/in?", "as ", "Zo"):
        assert plain in result.output


class Received(BaseHTTPRequestHandler):
    """Keeps what it was sent, on its server."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got = (self.path, dict(self.headers), body)  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_a_curl_command_pasted_into_a_shell_sends_the_request(
    run: Run, secrets: Callable[[str], None], tmp_path: Path
) -> None:
    with HTTPServer(("127.0.0.1", 0), Received) as server:
        secrets(f"http://127.0.0.1:{server.server_port}")
        file = write(tmp_path, event("it's $HOME `id` \\"))
        command = run(file, "--format", "curl").stdout
        [expected] = lines(run(file, "--json"))
        thread = Thread(target=server.handle_request)
        thread.start()
        variables = {
            "EXPORTER_X_API_KEY": "k3y",
            "EXPORTER_COOKIE": "session=1",
            "EXPORTER_X_ODD": "odd",
            "EXPORTER_AUTHORIZATION": "t",
            "EXPORTER_CODE": "c0de",
            "EXPORTER_ACCESS_TOKEN": "t0ken",
            "EXPORTER_ODD": "o",
        }
        environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        subprocess.run(
            ["sh", "-eu", "-c", command], env={**environ, **variables}, check=True, timeout=60, capture_output=True
        )
        thread.join(60)
    path, headers, body = server.got  # type: ignore[attr-defined]
    assert path == "/in/p?code=c0de&v=2&access_token=t0ken&from=a%20b&odd=o"
    assert json.loads(body) == expected["request"]["body"]
    shown = expected["request"]["headers"]
    assert headers["Authorization"] == "Bearer t"
    assert headers["X-Api-Key"] == "k3y"
    assert {name: headers[name] for name in ("Idempotency-Key", "X-Plain", "User-Agent", "Content-Type")} == {
        name: shown[name] for name in ("Idempotency-Key", "X-Plain", "User-Agent", "Content-Type")
    }
    assert set(headers) - {"Host", "Content-Length"} == set(shown)


def test_mapping_times_come_from_the_configuration_or_are_now_with_a_note(
    run: Run, config: Path, tmp_path: Path
) -> None:
    enters = {"segments": [{"id": "t", "from": None, "to": "realized"}]}
    profile = {"segmentMembership": {"ups": {"t": {"status": "realized"}}}}
    file = write(tmp_path, event(changes=enters, profile=profile))
    result = run(file, "--json", "--destination", "mail")
    [line] = lines(result)
    entry = line["request"]["body"]["segmentMembership"]["ups"]["t"]
    assert entry == {"status": "realized", "mappingCreatedAt": 3, "mappingUpdatedAt": 4}
    assert result.stderr == ""
    assert "Exporter-Position" not in line["request"]["headers"]

    config.write_text(config.read_text().replace("{id: t, mapping_created_at: 3, mapping_updated_at: 4}", "t"))
    result = run(file, "--json", "--destination", "mail")
    entry = lines(result)[0]["request"]["body"]["segmentMembership"]["ups"]["t"]
    assert entry["mappingCreatedAt"] == entry["mappingUpdatedAt"] > 1_700_000_000_000
    assert "mapped just now" in result.stderr
    assert not (tmp_path / "state.db").exists()


def test_mapping_times_that_a_daemon_noted_are_used(run: Run, config: Path, tmp_path: Path) -> None:
    import asyncio

    from exporter.state.sqlite.settings import SqliteSettings

    async def note() -> None:
        async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
            await state.mapping_times.first_seen("mail", [("ups", "t")], 1_650_000_000_000)

    asyncio.run(note())
    config.write_text(config.read_text().replace("{id: t, mapping_created_at: 3, mapping_updated_at: 4}", "t"))
    profile = {"segmentMembership": {"ups": {"t": {"status": "realized"}}}}
    file = write(tmp_path, event(changes={"identities": True}, profile=profile))
    result = run(file, "--json", "--destination", "mail")
    entry = lines(result)[0]["request"]["body"]["segmentMembership"]["ups"]["t"]
    assert entry["mappingCreatedAt"] == 1_650_000_000_000
    assert result.stderr == ""


def test_a_disabled_destination_is_shown_with_a_note(run: Run, config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text().replace("- name: mail", "- name: mail\n    enabled: false"))
    result = run(write(tmp_path, event()), "--json")
    assert [line["destination"] for line in lines(result)] == ["crm", "mail"]
    assert "note: mail is switched off (enabled: false)" in result.stderr


def test_an_empty_file_gives_nothing_and_a_note(run: Run, tmp_path: Path) -> None:
    result = run(write(tmp_path, ""), "--json")
    assert lines(result) == []
    assert "holds no event" in result.stderr


def test_wrong_use_is_2_and_a_wrong_configuration_78(run: Run, config: Path, tmp_path: Path) -> None:
    file = write(tmp_path, event())
    assert run(tmp_path / "missing.jsonl").exit_code == 2
    assert run(file, "--format", "xml").exit_code == 2
    unknown = run(file, "--destination", "none")
    assert unknown.exit_code == 2
    assert "none" in unknown.stderr
    config.write_text("destinations: [{name: a}]")
    assert run(file).exit_code == 78


def test_the_real_command(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path, event())
    command = [sys.executable, "-m", "exporter", "preview", str(file), "--config", str(config), "--json"]
    done = subprocess.run(command, capture_output=True, timeout=120, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0, shlex.join(command) + done.stderr.decode()
    assert [json.loads(line)["destination"] for line in done.stdout.splitlines()] == ["crm", "mail"]
    assert json.loads(done.stdout.splitlines()[0])["request"]["body"] == BODY

"""What of a request is taken for a secret when it is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exporter.cli.commands import command_line
from exporter.settings.masking import Masking, masked

STARS = "**********"


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "X-Auth", "X-Auth-Token", "x-authentication", "auth-key", "authkey", "Cookie", "X-Api-Key"),
        *("x-apikey", "apikey", "Ocp-Apim-Subscription-Key", "x-functions-key", "client_secret", "password", "pwd"),
        *("api_key", "api-key", "apiKey", "accessKey", "accesskey", "subscriptionKey", "user_key", "hapikey", "X-Pass"),
        *("passphrase", "X-Goog-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "x-hmac", "jwt", "id_token"),
        *("client_assertion", "authToken", "X-XSRF-TOKEN", "sid", "otp", "set-cookie", "privateKey", "pin", "bearer"),
        *("access_token", "sig", "X-Signature", "x-session-id", "credentials", "code", "key"),
    ],
)
def test_some_names_are_of_secrets(name: str) -> None:
    assert masked(Masking([]).header(name, "v4lue")) == STARS
    assert masked(Masking([]).url(f"https://h/p?a=1&{name}=v4lue")) == f"https://h/p?a=1&{name}={STARS}"


@pytest.mark.parametrize(
    "name",
    [
        "x-team",
        "x-env",
        "X-Author",
        "x-authors",
        "author-id",
        "country-code",
        "keyboard",
        "keynote",
        "passenger",
        "spin",
        "signal",
        "design",
        "inside",
        "errorCode",
        "monkey-id",
        "monkey",
        "source",
        "v",
        "Accept",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert masked(Masking([]).header(name, "v4lue")) == "v4lue"
    assert masked(Masking([]).url(f"https://h/p?{name}=v4lue")) == f"https://h/p?{name}=v4lue"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("Bearer abc", f"Bearer {STARS}"), ("basic eDp5", f"basic {STARS}"), ("abc", STARS), ("", "")],
)
def test_an_authorization_keeps_its_scheme(value: str, shown: str) -> None:
    assert masked(Masking([]).header("Authorization", value)) == shown


def test_what_came_from_a_file_is_masked_wherever_it_stands() -> None:
    masking = Masking(["pass word&", "ab", ""])
    assert masked(masking.header("x-team", "pass word&")) == STARS
    assert masked(masking.header("x-team", "in pass word& out")) == f"in {STARS} out"
    assert masked(masking.url("https://h/pass%20word%26/x?a=1pass%20word%26")) == f"https://h/{STARS}/x?a=1{STARS}"
    assert masked(masking.header("x-team", "ab")) == STARS
    assert masked(masking.url("https://h/abc?v=ab&w=abc")) == f"https://h/abc?v={STARS}&w=abc"


@pytest.mark.parametrize("written", ["PASS word/", "pass+word%2f", "pass%2520word%252F", "cGFzcyB3b3JkLw"])
def test_it_is_masked_however_it_is_written_there(written: str) -> None:
    assert masked(Masking(["pass word/"]).header("x-team", f"é {written};")) == f"é {STARS};"
    assert masked(Masking(["pass word/"]).url(f"https://h/p?v=1{written}")) == f"https://h/p?v=1{STARS}"


def test_what_is_told_to_come_from_elsewhere_is_masked() -> None:
    masking = Masking([], ["X-Team", "authorization"], ["v=1", "t0ken==", "s3cret", "", "w="])
    assert masked(masking.header("x-team", "growth")) == STARS
    assert masked(masking.header("Authorization", "Bearer t")) == f"Bearer {STARS}"
    assert masked(masking.header("x-env", "growth")) == "growth"
    assert masked(masking.url("https://h/v=1?v=1&v=2&t0ken==&s3cret")) == f"https://h/v=1?v={STARS}&v=2&{STARS}&{STARS}"
    assert masked(masking.url("https://h/?&u=1")) == "https://h/?&u=1"


@pytest.mark.parametrize("url", ["https://h", "https://h/?", "https://h/?a", "https://h/?a=&b", "https://h/?&&a=1"])
def test_a_url_without_secrets_is_unchanged(url: str) -> None:
    assert masked(Masking([]).url(url)) == url


@pytest.mark.parametrize(
    ("variables", "url", "shown"),
    [
        (["T0ken"], "https://T0ken.example/in/T0ken/x", f"https://T0ken.example/in/{STARS}/x"),
        (["https://h/services/T0/x?a=b"], "https://h/services/T0/x/in", f"https://h/{STARS}/in"),
        (["https://h", "https://h/", "", "/"], "https://h/in", "https://h/in"),
        (["ab"], "https://h/ab/abc", f"https://h/{STARS}/abc"),
        (["a b/c"], "https://h/a%20b/c", f"https://h/{STARS}"),
    ],
)
def test_what_of_the_path_comes_from_a_variable_is_masked(variables: list[str], url: str, shown: str) -> None:
    assert masked(Masking([], variables=variables).url(url)) == shown


ENDPOINTS = """
state: {kind: sqlite, path: %(folder)s/state.db}
queue: {kind: memory}
defaults: {require_membership: false}
destinations:
  - {name: plain, endpoint: "https://h.example.com/in?v=2&key=k3y", query: {sig: s1g, team: growth}}
  - {name: elsewhere, endpoint: "https://h.example.com/hooks/${HOOK}/in", query: {site: "${HOOK}", odd: !file odd}}
"""


def test_every_command_shows_an_endpoint_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets by name and by origin are hidden, in the path too; what stands there in plain text is recognised."""
    shown = [
        f"https://h.example.com/in?v=2&key={STARS}&sig={STARS}&team=growth",
        f"https://h.example.com/hooks/{STARS}/in?site={STARS}&odd={STARS}",
    ]
    monkeypatch.setenv("HOOK", "T0ken")
    (tmp_path / "odd").write_text("pass-word\n")
    config, events = tmp_path / "exporter.yaml", tmp_path / "events.jsonl"
    config.write_text(ENDPOINTS % {"folder": tmp_path})
    events.write_text(json.dumps({"id": "e", "profileId": "p", "changes": {"backfill": True}, "profile": {}}))

    app = command_line(("check", "preview"))
    checked = CliRunner().invoke(app, ["check", "--json", "--config", str(config)])
    assert [each["endpoint"] for each in json.loads(checked.stdout)["destinations"]] == shown
    previewed = CliRunner().invoke(app, ["preview", str(events), "--format", "json", "--config", str(config)])
    assert [json.loads(line)["request"]["url"] for line in previewed.stdout.splitlines()] == shown
    for result in (checked, previewed):
        assert not re.search("T0ken|pass-word|k3y|s1g", result.output)

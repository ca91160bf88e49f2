"""What is refused is named by its field and said in a sentence, whatever pydantic or Python call it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.problems import Problems

NUL = "a path must not contain a NUL character"
FOLDER = "this is a folder: name a file in it"
LISTENING = "should be an address to listen on, as 127.0.0.1, ::1 or 0.0.0.0, or the name of this host"
ASCII = "a token must be printable ASCII, without spaces at its ends"
SHORT = "should be 1 to 64 letters (A to Z), digits, dots, hyphens or underscores, and neither . nor .."


def problems(folder: Path, text: str) -> list[tuple[str, str]]:
    file = folder / "exporter.yaml"
    file.write_text(text)
    found = load(file, {})
    assert isinstance(found, Problems), text
    return [(problem.path, problem.reason) for problem in found.problems]


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        *((f'{key}: {{path: "a\\0b"}}', f"{key}.path", NUL) for key in ("queue", "state", "intake", "profiles")),
        *((f'{key}: "a\\0b"', key, NUL) for key in ("destinations_dir", "sources_dir", "segments_file")),
        ('ops: {socket: "a\\0b"}', "ops.socket", NUL),
        ('defaults: {tls: {ca_file: "a\\0b"}}', "defaults.tls.ca_file", NUL),
        *((f"queue: {{path: '{path}'}}", "queue.path", FOLDER) for path in ("", ".", "..", "/")),
        ("state: {path: .}", "state.path", FOLDER),
        ("queue: {max_bytes: 1kB}", "queue.max_bytes", "should be at least 65536 bytes"),
        *((f"ops: {{host: '{host}'}}", "ops.host", LISTENING) for host in ("", "a b", "300.1.1.1", "http://a", "a:1")),
        ("serve: {host: a b, ops: {host: 1.2.3.999}}", "serve.host", LISTENING),
        *((f"ops: {{token: {token}}}", "ops.token", ASCII) for token in ("ä", "' a'")),
        ("serve: {tokens: {static: [{name: a, token: ä}]}}", "serve.tokens.static[0].token", ASCII),
        ("ops: {token: !file [a]}", "ops.token", "!file wants the path of a file, as text"),
        ("ops: {token: !file {a: b}}", "ops.token", "!file wants the path of a file, as text"),
        ("ops: {token: !other [a]}", "ops.token", "the tag !other is not known here"),
        *(
            (f"destinations: [{{name: {n}, endpoint: 'http://a/'}}]", "destinations[0].name", SHORT)
            for n in ("ä", "''", ".", "..", "x" * 65)
        ),
        ("sources: [{name: a b}]", "sources[0].name", SHORT),
        ("sources: [{name: ..}]", "sources[0].name", SHORT),
        ("profiles: {merge: people}", "profiles.merge", "should be timestamp, or a list of datasets"),
        ("identities: {ignore: n/a}", "identities.ignore", "should be a list"),
        ("backfill: {lag: many}", "backfill.lag", "should be a whole number"),
        ("profiles: {coalesce: 7}", "profiles.coalesce", "should be true or false"),
        ("serve: {org_id: ''}", "serve.org_id", "must not be empty"),
        ("serve: {tenant: A}", "serve.tenant", "should be small letters (a to z) and digits"),
        (
            "serve: {tokens: {jwks: [{url: HTTP://a.example/, issuer: i, audience: a}]}}",
            "serve.tokens.jwks[0].url",
            "keys are fetched by https only, but from this machine",
        ),
    ],
)
def test_a_mistake_and_its_field(tmp_path: Path, text: str, path: str, reason: str) -> None:
    assert (path, reason) in problems(tmp_path, text)


@pytest.mark.parametrize("host", ["::1", "::", "fe80::1%eth0", "0.0.0.0", "127.1", "localhost", "my-host.local", "h2"])
def test_an_address_to_listen_on(tmp_path: Path, host: str) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(f"ops: {{host: '{host}'}}")
    found = load(file, {})
    assert isinstance(found, Loaded), found.render()
    assert found.settings.ops.host == host


def test_no_field_leaves_its_form_to_pydantics_words() -> None:
    """A pattern that pydantic itself checks is told as a regular expression."""
    package = Path(__file__).parents[2] / "exporter"
    settings = [file for file in package.rglob("*.py") if "Section)" in (text := file.read_text()) and "Field(" in text]
    assert len(settings) > 10
    assert [file.name for file in settings if re.search(r"\bpattern=", file.read_text())] == []

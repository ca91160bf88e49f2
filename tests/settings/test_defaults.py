"""``defaults``: what every destination has unless it says otherwise, and where mistakes in it are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.auth.bearer import Bearer
from exporter.auth.oauth2_client_credentials import OAuth2ClientCredentials
from exporter.settings.destination import Destination
from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.problems import Problems


def write(folder: Path, text: str, name: str = "exporter.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def loaded(file: Path, **environ: str) -> Loaded:
    found = load(file, environ)
    assert isinstance(found, Loaded), found.render()
    return found


def destinations(file: Path, **environ: str) -> dict[str, Destination]:
    return {destination.name: destination for destination in loaded(file, **environ).settings.destinations}


def refused(file: Path, **environ: str) -> list[str]:
    found = load(file, environ)
    assert isinstance(found, Problems)
    return [str(problem).removeprefix(f"{file.parent}/") for problem in found.problems]


DEFAULTS = """
defaults:
  endpoint: https://partner.example.com/
  headers: {x-team: growth, x-env: prod}
  attributes: [personID, person]
  tls: {ca_file: ca.pem}
  auth: {kind: oauth2_client_credentials, token_url: 'https://partner.example.com/t', client_id: common}
  delivery: {timeout: 30s, rate: 100/s, window: {events: 50}}
"""


def test_mappings_are_merged_lists_replaced_and_the_destination_wins(tmp_path: Path) -> None:
    write(tmp_path, "x", "ca.pem")
    write(tmp_path, "s3cret", "secrets/a")
    write(tmp_path, "name: b\nauth: {kind: bearer, token: t}\ntls: {}\n", "more/b.yaml")
    file = write(
        tmp_path,
        "destinations_dir: more\n" + DEFAULTS + "destinations:\n"
        "  - name: a\n    endpoint: https://a.example.com/\n    headers: {x-env: test}\n    attributes: [loyalty]\n"
        "    auth: {client_secret: !file secrets/a}\n    delivery: {rate: 5/m, window: {bytes: 1MiB}}\n"
        "  - name: c\n    auth: {kind: none}\n    headers: 'x-own: 1'\n    tls: {ca_file: null}\n",
    )
    found = destinations(file)
    a, b, c = found["a"], found["b"], found["c"]
    assert (a.endpoint, b.endpoint) == ("https://a.example.com/", "https://partner.example.com/")
    assert (a.headers, c.headers) == (
        {"x-team": "growth", "x-env": "test"},
        {"x-own": "1", "x-team": "growth", "x-env": "prod"},
    )
    assert (a.attributes, b.attributes) == (("loyalty",), ("personID", "person"))
    assert isinstance(a.auth, OAuth2ClientCredentials)
    assert (a.auth.client_id, a.auth.client_secret.reveal()) == ("common", "s3cret")
    assert isinstance(b.auth, Bearer)
    assert c.auth.kind == "none"
    assert (a.tls.ca_file, b.tls.ca_file, c.tls.ca_file) == (tmp_path / "ca.pem", tmp_path / "ca.pem", None)
    assert (a.delivery.timeout, b.delivery.timeout) == (30, 30)
    assert (a.delivery.rate, b.delivery.rate) == (5 / 60, 100)
    assert (a.delivery.window.events, a.delivery.window.bytes) == (50, 1024**2)


@pytest.mark.parametrize(
    ("shared", "own", "headers"),
    [
        ("'a:b,c:d'", "{c: e}", {"a": "b", "c": "e"}),
        ("{a: b}", "'c:d'", {"a": "b", "c": "d"}),
        ("'a:b'", "'c:d'", {"a": "b", "c": "d"}),
        ("'a:b'", "''", {}),
        ("'a:b'", "{}", {"a": "b"}),
        ("'a:1,B:2'", "{b: 3}", {"a": "1", "b": "3"}),
        ("{x-team: a}", "'X-Team:b'", {"X-Team": "b"}),
    ],
)
def test_headers_are_merged_in_either_form(tmp_path: Path, shared: str, own: str, headers: dict[str, str]) -> None:
    text = (
        f"defaults: {{headers: {shared}}}\ndestinations: [{{name: a, endpoint: 'https://a.example/', headers: {own}}}]"
    )
    assert destinations(write(tmp_path, text))["a"].headers == headers


@pytest.mark.parametrize(
    ("shared", "own", "query", "noted"),
    [
        ("'v=2&s=a%20b'", "{v: 3, x: 1}", {"v=3", "x=1", "s=a%20b"}, False),
        ("{v: 2}", "'x=1'", {"v=2", "x=1"}, False),
        ("'v=2&v=3'", "{x: 1}", {"x=1"}, True),
        ("{v: 2}", "'token'", {"token"}, True),
        ("'v=2'", "''", {""}, False),
    ],
)
def test_queries_are_merged_where_their_text_says_what_a_mapping_would(
    tmp_path: Path, shared: str, own: str, query: set[str], noted: bool
) -> None:
    text = f"defaults: {{query: {shared}}}\ndestinations: [{{name: a, endpoint: 'https://a.example/', query: {own}}}]"
    found = loaded(write(tmp_path, text))
    assert set(found.settings.destinations[0].query.split("&")) == query
    assert any(note.startswith("a: its query replaces the one of defaults") for note in found.notes) == noted


def test_a_text_that_is_merged_is_told_as_what_it_is(tmp_path: Path) -> None:
    text = "defaults: {headers: '%s'}\ndestinations: [{name: a, endpoint: 'https://a.example/', headers: {c: d}}]"
    file = write(tmp_path, text % "x-api-key:k,b:1")
    assert "a: headers.x-api-key stands in the file in plain text; use !file or ${NAME}" in loaded(file).notes
    found = loaded(write(tmp_path, text % "x-api-key:${KEY},b:1"), KEY="k")
    assert not any("plain text" in note for note in found.notes)
    assert {("destinations", 0, "headers", name) for name in ("x-api-key", "b")} <= found.indirect
    assert ("destinations", 0, "headers", "c") not in found.indirect


def test_nothing_of_them_is_kept_beside_the_destinations(tmp_path: Path) -> None:
    file = write(tmp_path, "defaults: {auth: {kind: bearer, token: hunter2}}\n")
    assert "hunter2" not in repr(loaded(file).settings)
    assert loaded(file).settings.defaults == {}


def test_the_environment_overrides_them(tmp_path: Path) -> None:
    file = write(tmp_path, "destinations: [{name: a, endpoint: 'https://a.example/', delivery: {retries: [1]}}]\n")
    a = destinations(file, EXPORTER__DEFAULTS__DELIVERY__RATE="7", EXPORTER__DEFAULTS__PROXY="http://p.example:1")["a"]
    assert (a.delivery.rate, a.delivery.retries, a.proxy) == (7, (1,), "http://p.example:1")
    assert refused(file, EXPORTER__DEFAULTS__DELIVERY__RATE="fast") == [
        "environment: EXPORTER__DEFAULTS__DELIVERY__RATE: should be a rate, as 300, 300/s or 100/10s"
    ]
    assert refused(file, EXPORTER__DEFAULTS="x") == ["environment: EXPORTER__DEFAULTS: should be a mapping"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_mistake_is_told_once_at_its_own_place(tmp_path: Path, count: int) -> None:
    text = (
        "defaults:\n"
        "  name: x\n"
        "  description: x\n"
        "  headers: {'bad name': x, x-a: '${MISSING}'}\n"
        "  delivery: {rate: fast, tmeout: 1}\n"
        "  attribtues: []\n"
        "  segments: [a, b, a]\n"
        "  tls: {ca_file: nowhere.pem}\n"
        "  auth: {kind: bearr}\n"
        "destinations:\n"
    )
    text += "".join(f"  - {{name: d{number}, endpoint: 'https://d.example/'}}\n" for number in range(count))
    found = refused(write(tmp_path, text if count else text.replace("destinations:\n", "")))
    assert [problem.split(": ")[:2] for problem in found] == [
        ["exporter.yaml:2", "defaults.name"],
        ["exporter.yaml:3", "defaults.description"],
        ["exporter.yaml:4", "defaults.headers.x-a"],
        ["exporter.yaml:4", "defaults.headers.bad name"],
        ["exporter.yaml:5", "defaults.delivery.rate"],
        ["exporter.yaml:5", "defaults.delivery.tmeout"],
        ["exporter.yaml:6", "defaults.attribtues"],
        ["exporter.yaml:7", "defaults.segments[2]"],
        ["exporter.yaml:8", "defaults.tls.ca_file"],
        ["exporter.yaml:9", "defaults.auth.kind"],
    ]
    assert "exporter.yaml:6: defaults.attribtues: unknown key; did you mean attributes?" in found
    assert "exporter.yaml:5: defaults.delivery.tmeout: unknown key; did you mean timeout?" in found


def test_what_is_wrong_for_one_destination_alone_names_it(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "defaults:\n  endpoint: https://a.example/\n  headers: {authorization: x}\n"
        "  auth: {kind: oauth2_client_credentials, token_url: 'https://a.example/t'}\n"
        "destinations:\n  - {name: a, auth: {kind: none}}\n  - {name: b, auth: {client_id: b, client_secret: b}}\n"
        "  - {name: c}\n  - {name: d, auth: {kind: bearer}}\n",
    )
    assert refused(file) == [
        *(
            f"exporter.yaml:3: defaults.headers.authorization: auth of kind {kind} sets this header {beside}"
            for kind, beside in (
                ("oauth2_client_credentials", f"(beside {file}:7: destinations[1].auth) (destination b)"),
                ("oauth2_client_credentials", f"(beside {file}:4: defaults.auth) (destination c)"),
                ("bearer", f"(beside {file}:9: destinations[3].auth) (destination d)"),
            )
        ),
        "exporter.yaml:4: defaults.auth.client_id: this key is required (destination c)",
        "exporter.yaml:4: defaults.auth.client_secret: this key is required (destination c)",
        "exporter.yaml:9: destinations[3].auth.token: this key is required (destination d)",
    ]


def test_a_header_of_the_defaults_in_another_case_is_the_same_header(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "defaults:\n  headers: {x-team: a}\n"
        "destinations:\n  - {name: a, endpoint: 'https://a.example/', headers: {X-Team: b}}\n",
    )
    assert dict(loaded(file).settings.destinations[0].headers) == {"X-Team": "b"}


@pytest.mark.parametrize("text", ["defaults: []\n", "defaults: x\n", "defaults:\n"])
def test_they_are_a_mapping(tmp_path: Path, text: str) -> None:
    file = write(tmp_path, text + "destinations: [{name: a, endpoint: 'https://a.example/'}]\n")
    assert refused(file) == ["exporter.yaml:1: defaults: should be a mapping"]


def test_values_from_elsewhere_and_secrets_in_the_file_are_known_in_each_destination(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "defaults:\n  endpoint: https://a.example/\n  headers: {x: '${X}', x-api-key: plain}\n"
        "destinations:\n  - {name: a}\n  - {name: b, headers: {x: own}}\n",
    )
    found = loaded(file, X="x")
    assert found.indirect == {("defaults", "headers", "x"), ("destinations", 0, "headers", "x")}
    assert [note for note in found.notes if "plain text" in note] == [
        f"{name}: headers.x-api-key stands in the file in plain text; use !file or ${{NAME}}" for name in "ab"
    ]

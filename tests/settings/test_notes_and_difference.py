"""Notes on a valid configuration, and what a reload finds changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exporter.sections.regular_file import stamp_of
from exporter.sections.section import ReadAnew, Secret
from exporter.settings.difference import Difference, difference
from exporter.settings.loading.load import Loaded, load
from exporter.settings.tree import Settings


def notes_of(tmp_path: Path, destination: str, rest: str = "", **environ: str) -> list[str]:
    file = tmp_path / "exporter.yaml"
    text = f"destinations:\n  - name: crm\n    segments: [a]\n    attributes: [personID]\n{destination}{rest}"
    file.write_text(text, encoding="utf-8")
    found = load(file, environ)
    assert isinstance(found, Loaded), found.render()
    return list(found.notes)


HTTPS = "    endpoint: https://crm.example.com/\n"
HTTP = "    endpoint: http://crm.example.com/\n"
TOKEN = "    auth: {kind: bearer, token: '${TOKEN}'}\n"
OAUTH = (
    "    auth: {kind: oauth2_client_credentials, token_url: 'https://crm.example.com/', client_id: c, "
    "client_secret: '${TOKEN}', "
)


@pytest.mark.parametrize(
    ("ims", "api", "note"),
    [
        ("{}", "", None),
        ("null", "", None),
        ("{open: true}", "", None),
        ("{lifetime: 1h}", "", None),
        ("{}", "{host: 0.0.0.0, auth: tokens}", None),
        ("{enabled: false, lifetime: 1h}", "{host: 0.0.0.0, auth: tokens}", None),
        ("{clients: [{client_id: a, secret: '${SECRET}', org: c}]}", "{host: 0.0.0.0, auth: tokens}", None),
        (
            "{lifetime: 1h}",
            "{host: 0.0.0.0, auth: tokens}",
            "serve.ims: others reach 0.0.0.0, and there are no clients: nobody gets a token",
        ),
        (
            "{open: true}",
            "{host: 0.0.0.0, auth: tokens, open: true}",
            "serve.ims.open: anybody who reaches 0.0.0.0 gets a token",
        ),
    ],
)
def test_who_gets_tokens_is_noted_where_that_may_surprise(tmp_path: Path, ims: str, api: str, note: str | None) -> None:
    found = notes_of(tmp_path, HTTPS, f"serve: {{ims: {ims}, api: {api or '{}'}}}\n", SECRET="b")
    assert [each for each in found if each.startswith("serve.ims")] == ([] if note is None else [note])


def test_nothing_to_note(tmp_path: Path) -> None:
    assert notes_of(tmp_path, HTTPS + TOKEN, TOKEN="t") == []
    assert notes_of(tmp_path, HTTP) == []
    for host in ("127.0.0.1", "localhost:80", "[::1]", "127.9.9.9"):
        assert notes_of(tmp_path, f"    endpoint: http://{host}/\n" + TOKEN, TOKEN="t") == []
    (tmp_path / "token").write_text("t")
    assert notes_of(tmp_path, HTTPS + "    auth: {kind: bearer, token: !file token}\n") == []
    assert notes_of(tmp_path, HTTPS + "    headers: 'x-api-key:${TOKEN}'\n", TOKEN="t") == []
    assert notes_of(tmp_path, HTTPS + "    headers: {x-team: ''}\n") == []
    assert notes_of(tmp_path, HTTPS + OAUTH + "tls: {}, proxy: none, extra: {key: ['${TOKEN}', a]}}\n", TOKEN="t") == [
        "crm: auth.extra.key.1 stands in the file in plain text; use !file or ${NAME}"
    ]
    # The token server takes the destination's certificates where it has none of its own.
    tls = f"    endpoint: http://localhost/\n    tls: {{ca_file: '{__file__}'}}\n"
    assert notes_of(tmp_path, tls + OAUTH + "}\n", TOKEN="t") == []
    for url in ("redis://u:${TOKEN}@redis.example.com/0", "redis://redis.example.com/0"):
        assert notes_of(tmp_path, HTTPS, f"queue: {{kind: redis, url: '{url}'}}\n", TOKEN="t") == []
    shared = "queue: {kind: redis, url: 'redis://127.0.0.1/0'}\n"
    assert notes_of(tmp_path, HTTPS, shared, EXPORTER__QUEUE__URL="redis://u:t@redis.example.com/0") == []


@pytest.mark.parametrize(
    ("destination", "rest", "note"),
    [
        (HTTP + TOKEN, "", "crm: credentials go to the endpoint over plain http"),
        (
            HTTPS,
            "tracing: {otlp_endpoint: 'http://collector:4317'}\n",
            "tracing.otlp_endpoint: 4317 is usually OTLP over gRPC; over HTTP, as here, it is 4318",
        ),
        (HTTP + "    headers: {X-Api-Key: '${TOKEN}'}\n", "", "crm: credentials go to the endpoint over plain http"),
        (
            HTTPS + "    auth: {kind: bearer, token: hunter2}\n",
            "",
            "crm: auth.token stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS + OAUTH + "proxy: 'http://user:hunter2@proxy.example.com:3128'}\n",
            "",
            "crm: auth.proxy stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS + OAUTH + "proxy: 'http://user:${EMPTY}@proxy.example.com:3128'}\n",
            "",
            "crm: auth.proxy names a user without a password",
        ),
        (
            HTTPS + OAUTH + "extra: {client_assertion: ['${EMPTY}', '${EMPTY}']}}\n",
            "",
            "crm: auth.extra.client_assertion is empty",
        ),
        (
            HTTPS
            + OAUTH.replace("https://crm.example.com/", "http://localhost/")
            + f"tls: {{ca_file: '{__file__}'}}}}\n",
            "",
            "crm: auth.tls is set, but the token_url is http: no certificate is used",
        ),
        (
            f"    endpoint: http://localhost/\n    tls: {{ca_file: '{__file__}'}}\n" + OAUTH + "tls: {}}\n",
            "",
            "crm: tls is set, but the endpoint is http: no certificate is used",
        ),
        (
            HTTPS + "    proxy: 'http://user:hunter2@proxy.example.com:3128'\n",
            "",
            "crm: proxy stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS + OAUTH + "extra: {resource: r, client_assertion: hunter2}}\n",
            "",
            "crm: auth.extra.client_assertion stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS + "    headers: {x-api-key: hunter2, x-team: growth}\n",
            "",
            "crm: headers.x-api-key stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS,
            "queue: {kind: nats, user: u, password: hunter2}\n",
            "queue.password stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS + "    headers: 'x-team:growth,x-api-key:hunter2'\n",
            "",
            "crm: headers.x-api-key stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS,
            "queue: {kind: redis, url: 'redis://u:hunter2@redis.example.com/0'}\n",
            "queue.url stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS,
            "state: {kind: redis, url: 'rediss://:hunter2@redis.example.com'}\n",
            "state.url stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS,
            "queue:\n  kind: kafka\n  sasl:\n    mechanism: OAUTHBEARER\n    auth: {token_url: 'https://i.example/', "
            "client_id: c, client_secret: '${TOKEN}', proxy: 'http://u:hunter2@proxy.example.com'}\n",
            "queue.sasl.auth.proxy stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS,
            "intake: {kind: redis, url: 'redis://u:hunter2@redis.example.com/0'}\n",
            "intake.url stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            HTTPS + "    proxy: 'http://user:${EMPTY}@proxy.example.com:3128'\n",
            "",
            "crm: proxy names a user without a password",
        ),
        (HTTPS + "    headers: {x-api-key: '${EMPTY}'}\n", "", "crm: headers.x-api-key is empty"),
        (
            HTTPS + OAUTH + "extra: {resource: '', client_assertion: '${EMPTY}'}}\n",
            "",
            "crm: auth.extra.client_assertion is empty",
        ),
        (
            HTTPS + "    include_segment_names: true\n",
            "",
            "crm: the catalogue lacks the mapped segment ups/a: its name will be missing",
        ),
        (
            HTTPS + "    include_segment_names: true\n    include_segment_timestamps: true\n",
            "segments: [{id: a, name: A, created_at: 1}]\n",
            "crm: the catalogue is incomplete for ups/a: createdAt and updatedAt will be missing",
        ),
        (HTTPS + "    enabled: false\n", "", "no destination is enabled: nothing will be exported"),
    ],
)
def test_notes(tmp_path: Path, destination: str, rest: str, note: str) -> None:
    found = notes_of(tmp_path, destination, rest, TOKEN="t", EMPTY="")
    assert found == [note]
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("way_in", "note"),
    [
        (
            "serve: {tokens: {static: [{name: a, token: '${TOKEN}'}, {name: b, token: hunter2}]}}\n",
            "serve.tokens.static.1.token stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            "serve: {ims: {clients: [{client_id: a, secret: hunter2, org: c}]}}\n",
            "serve.ims.clients.0.secret stands in the file in plain text; use !file or ${NAME}",
        ),
        (
            "datasets: [{id: a, schema: s}]\nschemas: [{id: s, fields: {k: string}, identities: "
            "[{path: k, namespace: K, primary: true}]}]\nprofiles: {merge: [a, b]}\n",
            "profiles.merge: no dataset b is declared, and what is not listed there is in no profile",
        ),
    ],
)
def test_notes_on_the_way_in(tmp_path: Path, way_in: str, note: str) -> None:
    found = notes_of(tmp_path, HTTPS, way_in, TOKEN="t")
    assert [each for each in found if not each.startswith("no source is configured")] == [note]


def test_a_mapping_without_attributes_or_segments(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("destinations:\n  - {name: a, endpoint: 'https://a.example/', segments: [s]}\n")
    found = load(file, {})
    assert isinstance(found, Loaded)
    assert [note.startswith("a: no attributes are mapped; a unique identifier") for note in found.notes] == [True]
    file.write_text("destinations:\n  - {name: a, endpoint: 'https://a.example/', attributes: [personID]}\n")
    found = load(file, {})
    assert isinstance(found, Loaded)
    assert [note.startswith("a: no segments are mapped and require_membership is on") for note in found.notes] == [True]


def settings(*destinations: dict[str, Any], **keys: Any) -> Settings:
    listed = [{"endpoint": "https://e.example/", "segments": ["a"], **keys_of} for keys_of in destinations]
    return Settings.model_validate({"destinations": listed, **keys})


CRM: dict[str, Any] = {"name": "crm"}
NOTHING = Difference((), (), (), (), (), ())


def test_equal_configurations_differ_in_nothing() -> None:
    assert difference(settings(CRM), settings(CRM)) == Difference((), (), (), ("crm",), (), ())
    assert difference(Settings(), Settings()) == NOTHING


def test_added_removed_changed_and_same() -> None:
    old = settings(CRM, {"name": "gone"}, {"name": "other"}, {"name": "off"})
    new = settings({"name": "new"}, {"name": "other"}, {**CRM, "query": "a=1"}, {"name": "off", "enabled": False})
    assert difference(old, new) == Difference(("new",), ("gone", "off"), ("crm",), ("other",), (), ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"endpoint": "https://f.example/"}),
        ({}, {"headers": {"x": "y"}}),
        ({"auth": {"kind": "bearer", "token": "a"}}, {"auth": {"kind": "bearer", "token": "b"}}),
        ({}, {"delivery": {"window": {"events": 5}}}),
        ({}, {"segments": ["a", "b"]}),
        ({}, {"activate_on": {"identities": False}}),
    ],
)
def test_what_changes_a_destination(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = difference(settings({**CRM, **before}), settings({**CRM, **after}))
    assert (found.changed, found.same) == (("crm",), ())


def test_a_description_changes_nothing() -> None:
    assert difference(settings(CRM), settings({**CRM, "description": "new words"})).same == ("crm",)


def test_the_catalogue_changes_only_those_that_send_from_it() -> None:
    destinations = (
        {"name": "plain"},
        {"name": "names", "include_segment_names": True},
        {"name": "times", "include_segment_timestamps": True},
        {"name": "elsewhere", "segments": ["b"], "include_segment_names": True},
    )
    old = settings(*destinations, segments=[{"id": "a", "name": "A", "created_at": 1}])
    renamed = settings(*destinations, segments=[{"id": "a", "name": "B", "created_at": 1}])
    retimed = settings(*destinations, segments=[{"id": "a", "name": "A", "created_at": 2}])
    gone = settings(*destinations)
    assert difference(old, renamed).changed == ("names",)
    assert difference(old, retimed).changed == ("times",)
    assert difference(old, gone).changed == ("names", "times")


def test_what_needs_a_restart_and_what_does_not() -> None:
    assert difference(settings(CRM), settings(CRM, queue={"kind": "memory"})).needs_restart == ("queue",)
    assert difference(settings(CRM), settings(CRM, state={"kind": "sqlite", "path": "x"})).needs_restart == ("state",)
    assert difference(settings(CRM), settings(CRM, ops={"port": 0})).needs_restart == ("ops",)
    assert difference(settings(CRM), settings(CRM, tracing={"sample": 1})).needs_restart == ("tracing",)
    found = difference(settings(CRM), settings(CRM, drain=1, memory="1MiB"))
    assert (found.live, found.same, found.needs_restart) == (("drain", "memory"), ("crm",), ())
    assert difference(settings(CRM), settings(CRM, max_event_bytes=5)).changed == ("crm",)


@pytest.mark.parametrize("section", ["queue", "state"])
def test_another_password_in_the_file_of_a_redis_needs_no_restart(section: str, tmp_path: Path) -> None:
    """It is read for each connection."""
    file = tmp_path / "password"

    def redis(password: Secret) -> Settings:
        return settings(CRM, **{section: {"kind": "redis", "username": "u", "password": password}})

    before, after = (redis(ReadAnew(text, file)) for text in ("one", "two"))
    assert difference(before, after).needs_restart == ()
    other = redis(ReadAnew("one", tmp_path / "other"))
    assert difference(before, other).needs_restart == (section,)
    assert difference(redis(ReadAnew("one")), redis(ReadAnew("two"))).needs_restart == (section,)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    file.write_text("one")
    return file


def _replace(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


@pytest.mark.parametrize("key", ["ca_file", "client_cert_file", "client_key_file"])
def test_a_certificate_that_was_renewed_changes_the_destination_that_names_it(pem: Path, key: str) -> None:
    names = {"client_cert_file": str(pem), key: str(pem)}

    def now() -> Settings:
        return settings({**CRM, "tls": names}, {"name": "other"})

    before = now()
    pem.touch()
    assert difference(before, now()).same == ("crm", "other"), "it was only touched"
    _replace(pem, "two")
    found = difference(before, now())
    assert (found.changed, found.same) == (("crm",), ("other",))


@pytest.mark.parametrize(
    "sections",
    [
        {"queue": {"kind": "kafka", "tls": "{}"}},
        {"queue": {"kind": "redis", "url": "rediss://redis.example/0", "tls": "{}"}},
        {"state": {"kind": "redis", "url": "rediss://redis.example/0", "tls": "{}"}},
    ],
)
def test_a_certificate_of_the_queue_is_stale_and_keeps_nothing_else_from_changing(
    pem: Path, sections: dict[str, dict[str, Any]]
) -> None:
    def now(**more: Any) -> Settings:
        with_tls = {key: {**section, "tls": {"ca_file": str(pem)}} for key, section in sections.items()}
        return settings({**CRM, **more}, **with_tls)

    before = now()
    _replace(pem, "two")
    found = difference(before, now(query="a=1"))
    assert (found.stale, found.needs_restart, found.changed) == (tuple(sections), (), ("crm",))


def test_a_password_in_a_file_that_is_read_once_is_stale(tmp_path: Path) -> None:
    def kafka(password: Secret, **more: str) -> Settings:
        sasl = {"mechanism": "PLAIN", "username": "u", "password": password}
        return settings(CRM, queue={"kind": "kafka", "sasl": sasl, **more})

    one, two = (Secret(text, tmp_path / "password") for text in ("one", "two"))
    found = difference(kafka(one), kafka(two))
    assert (found.stale, found.needs_restart) == (("queue",), ())
    found = difference(kafka(one), kafka(two, topic="other"))
    assert (found.stale, found.needs_restart) == ((), ("queue",))
    found = difference(kafka(Secret("one")), kafka(Secret("two")))
    assert (found.stale, found.needs_restart) == ((), ("queue",))


def test_a_url_in_a_file_is_stale(tmp_path: Path) -> None:
    def redis(text: str) -> Settings:
        (tmp_path / "url").write_text(text)
        file = tmp_path / "exporter.yaml"
        file.write_text("queue: {kind: redis, url: !file url}\n")
        found = load(file, {})
        assert isinstance(found, Loaded)
        return found.settings

    found = difference(redis("redis://u:one@redis.example/0\n"), redis("redis://u:two@redis.example/0\n"))
    assert (found.stale, found.needs_restart) == (("queue",), ())


def test_what_nats_reads_for_every_connection_needs_nothing(pem: Path, tmp_path: Path) -> None:
    def nats(text: str) -> Settings:
        (tmp_path / "password").write_text(text)
        file = tmp_path / "exporter.yaml"
        file.write_text(f"queue: {{kind: nats, user: u, password: !file password, tls: {{ca_file: {pem}}}}}\n")
        found = load(file, {})
        assert isinstance(found, Loaded)
        return found.settings

    before = nats("one")
    _replace(pem, "two")
    found = difference(before, nats("two"))
    assert (found.stale, found.needs_restart) == ((), ())


def test_files_of_certificates_are_watched_as_they_were_when_they_were_read(pem: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    file = tmp_path / "exporter.yaml"
    file.write_text(
        f"queue: {{kind: kafka, tls: {{ca_file: {pem}}}}}\n"
        "destinations:\n  - {name: a, endpoint: 'https://a.example/', tls: {client_cert_file: ca.pem}, "
        "auth: {kind: bearer, token: !file token}}\n"
    )
    found = load(file, {})
    assert isinstance(found, Loaded)
    assert dict(found.watched) == {each: stamp_of(each) for each in (tmp_path / "token", pem)}
    _replace(pem, "one")
    assert found.watched[pem] != stamp_of(pem)


def test_a_socket_whose_path_no_system_takes_is_noted(tmp_path: Path) -> None:
    (note,) = notes_of(tmp_path, HTTPS, f"ops: {{socket: /tmp/{'s' * 103}}}\n")
    assert note.startswith("ops.socket is 108 bytes long, and this system takes at most 10")
    assert notes_of(tmp_path, HTTPS, f"ops: {{socket: /tmp/{'s' * 98}}}\n") == []

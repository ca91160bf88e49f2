"""Loading: files and environment together, several files, and what is said where something is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from exporter.auth.bearer import Bearer
from exporter.queues.kinds import QueueSettings
from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.problems import Problems

DESTINATION = """
destinations:
  - name: crm
    endpoint: https://crm.example.com/profiles
    segments: [a]
    attributes: [personID]
"""

KINDS_OF_QUEUE = TypeAdapter[Any](QueueSettings).json_schema()["discriminator"]["mapping"]


def write(folder: Path, text: str, name: str = "exporter.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def loaded(file: Path, **environ: str) -> Loaded:
    found = load(file, environ)
    assert isinstance(found, Loaded), found.render()
    return found


def refused(file: Path, **environ: str) -> list[tuple[str, int | None, str, str]]:
    found = load(file, environ)
    assert isinstance(found, Problems)
    return [(Path(problem.file).name, problem.line, problem.path, problem.reason) for problem in found.problems]


def test_numbers_switches_and_sizes_are_read_from_text(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        DESTINATION
        + """
    enabled: false
    headers: {x-number: 1.10, x-no: NO}
    delivery: {retries: [0.5, 1], rate: "50", window: {bytes: 8MiB}}
ops: {port: "${PORT}"}
drain: 2.5
""",
    )
    settings = loaded(file, PORT="0").settings
    destination = settings.destinations[0]
    assert destination.headers == {"x-number": "1.10", "x-no": "NO"}
    assert (destination.enabled, destination.delivery.retries, destination.delivery.rate) == (False, (0.5, 1.0), 50.0)
    assert (destination.delivery.window.bytes, settings.ops.port, settings.drain) == (8 * 1024**2, 0, 2.5)
    assert settings.running == ()


def test_a_password_of_digits_stays_as_it_is(tmp_path: Path) -> None:
    file = write(tmp_path, DESTINATION + "    auth:\n      kind: bearer\n      token: ${TOKEN}\n")
    auth = loaded(file, TOKEN="0123").settings.destinations[0].auth
    assert isinstance(auth, Bearer)
    assert auth.token.reveal() == "0123"


def test_the_environment_overrides_scalars(tmp_path: Path) -> None:
    file = write(tmp_path, "queue: {path: a.db}\ndestinations_dir: nowhere\n" + DESTINATION)
    found = loaded(
        file,
        EXPORTER__QUEUE__PATH="b.db",
        EXPORTER__QUEUE__MAX_BYTES="1GiB",
        EXPORTER__STATE__PATH="c.db",
        EXPORTER__DRAIN="0",
        EXPORTER__DESTINATIONS_DIR="null",
        EXPORTER_CONFIG="elsewhere.yaml",
        EXPORTER="x",
    )
    settings = found.settings
    assert settings.queue.kind == "journal"
    assert settings.queue.path == Path("b.db")
    assert settings.queue.max_bytes == 1024**3
    assert settings.state.kind == "sqlite"
    assert (settings.state.path, settings.drain, settings.destinations_dir) == (Path("c.db"), 0, None)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("EXPORTER__QUEU__PATH", "x", "overrides no key of the configuration; did you mean EXPORTER__QUEUE__PATH?"),
        ("EXPORTER__", "x", "overrides no key of the configuration"),
        ("EXPORTER__QUEUE__PAHT", "x", "unknown key; did you mean path?"),
        ("EXPORTER__QUEUE__PATH__X", "x", "should be a path"),
        ("EXPORTER__QUEUE", "journal", "should be a mapping"),
        ("EXPORTER__QUEUE__KIND", "rabbit", f"should be one of {', '.join(map(repr, sorted(KINDS_OF_QUEUE)))}"),
        ("EXPORTER__OPS__PORT", "70000", "should be less than or equal to 65535"),
        ("EXPORTER__OPS", '{"port": 1}', "should be a mapping"),
        ("EXPORTER__DESTINATIONS__0__NAME", "x", "what stands in a list cannot be overridden"),
        ("EXPORTER__SEGMENTS", "[]", "what stands in a list cannot be overridden"),
        ("EXPORTER__MEMORY", "lots", "should be a size, as 1048576 or 16MiB"),
    ],
)
def test_a_bad_override_is_reported_by_its_name(tmp_path: Path, name: str, value: str, reason: str) -> None:
    file = write(tmp_path, "queue: {path: a.db}\nops: {port: 1}\n" + DESTINATION)
    assert refused(file, **{name: value}) == [("environment", None, name, reason)]


def test_a_folder_of_destinations_in_the_order_of_names(tmp_path: Path) -> None:
    file = write(tmp_path, "destinations_dir: more\n" + DESTINATION)
    for name in ("b.yaml", "a.yml", "c.txt", ".hidden.yaml"):
        write(tmp_path, f"name: {name[0]}\nendpoint: https://{name[0]}.example.com/\n", f"more/{name}")
    found = loaded(file)
    assert [destination.name for destination in found.settings.destinations] == ["crm", "a", "b"]
    assert [path.name for path in found.files] == ["exporter.yaml", "a.yml", "b.yaml"]


def test_mistakes_in_several_files_are_reported_together(tmp_path: Path) -> None:
    file = write(tmp_path, "destinations_dir: more\ndestinations: []\nbad: 1\n")
    write(tmp_path, "- name: x\n", "more/a.yaml")
    write(tmp_path, "name: b\n\nendpoint: https://b.example.com/\ndelivery:\n  rate: -1\n", "more/b.yaml")
    write(tmp_path, "name: b\n", "more/c.yaml")
    write(tmp_path, "name: [}\n", "more/d.yaml")
    assert [(name, line, path) for name, line, path, _ in refused(file)] == [
        ("exporter.yaml", 3, "bad"),
        ("a.yaml", 1, ""),
        ("b.yaml", 5, "delivery.rate"),
        ("c.yaml", 1, "name"),
        ("c.yaml", 1, "endpoint"),
        ("d.yaml", 1, ""),
    ]


@pytest.mark.parametrize(
    ("text", "line", "path", "reason"),
    [
        ("", 1, "", "the file must hold a mapping"),
        ("- a\n", 1, "", "the file must hold a mapping"),
        ("drain: 1\ndestinations: {a: b}\n", 2, "destinations", "should be a list"),
        ("destinations:\n  - just text\n", 2, "destinations[0]", "should be a mapping"),
        ("destinations_dir: nowhere\n", 1, "destinations_dir", "the folder cannot be read: No such file or directory"),
        ("segments_file: nowhere.yaml\n", None, "", "the file cannot be read: No such file or directory"),
        (
            "segments:\n  - id: a\n  - {id: a, namespace: ups}\n",
            3,
            "segments[1]",
            "this segment is in the catalogue twice (first at [0])",
        ),
        ("segments: [{id: a}]\nsegments_file: s.yaml\n", 2, "segments_file", "give either segments or segments_file"),
        (
            "queue: {path: x.db}\nstate: {path: ./x.db}\n",
            2,
            "state.path",
            "state needs a file of its own, not the queue's",
        ),
        ("drain:\n  - 1\n", 1, "drain", "should be a duration, as 10, 10s or 1.5m"),
        ("max_event_bytes: 1.5 parsecs\n", 1, "max_event_bytes", "should be a size, as 1048576 or 16MiB"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, text: str, line: int | None, path: str, reason: str
) -> None:
    [(_, found_line, found_path, found_reason)] = refused(write(tmp_path, text))
    assert (found_line, found_path, found_reason) == (line, path, reason)


def test_checks_between_keys_are_told_beside_other_mistakes(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("x")
    file = write(
        tmp_path,
        """drain: soon
queue: {path: x.db, max_bytes: much}
state:
  path: ./x.db
segments:
  - {id: s, created_at: -1}
  - {id: s}
destinations:
  - name: a b
    endpoint: nowhere
    proxy: http://proxy.example.com:3128
    headers:
      bad name: x
      authorization: x
    auth:
      kind: bearer
    tls:
      ca_file: missing.pem
      client_key_file: key.pem
    segments:
      - a
      - ""
      - {id: a, namespace: ups}
    delivery:
      rate: -1
      transport: lean
  - name: c
    endpoint: https://c.example.com/
    headers: {authorization: x, x-team: é}
    proxy: http://proxy.example.com:3128
    auth: {kind: bearer, token: t}
""",
    )
    assert [problem[1:3] for problem in refused(file)] == [
        (1, "drain"),
        (2, "queue.max_bytes"),
        (4, "state.path"),
        (6, "segments[0].created_at"),
        (7, "segments[1]"),
        (9, "destinations[0].name"),
        (10, "destinations[0].endpoint"),
        (13, "destinations[0].headers.bad name"),
        (14, "destinations[0].headers.authorization"),
        (15, "destinations[0].auth.token"),
        (17, "destinations[0].tls"),
        (18, "destinations[0].tls.ca_file"),
        (22, "destinations[0].segments[1]"),
        (23, "destinations[0].segments[2]"),
        (25, "destinations[0].delivery.rate"),
        (26, "destinations[0].delivery.transport"),
        (29, "destinations[1].headers.authorization"),
        (29, "destinations[1].headers.x-team"),
    ]


@pytest.mark.parametrize(
    ("kind", "problems"),
    [
        (
            "{kind: kafka, topic: 'a b', sasl: {mechanism: PLAIN, token: t}, tls: {client_key_file: key.pem}}",
            {"queue.topic", "queue.sasl", "queue.tls"},
        ),
        ("{kind: nats, stream: 'a b', user: u}", {"queue.stream", "queue.user"}),
        ("{kind: redis, stream: '', username: u}", {"queue.stream", "queue.username"}),
    ],
)
def test_checks_of_other_queues_are_told_beside_other_mistakes(tmp_path: Path, kind: str, problems: set[str]) -> None:
    (tmp_path / "key.pem").write_text("x")
    assert {path for _, _, path, _ in refused(write(tmp_path, f"queue: {kind}\n"))} == problems


def test_checks_of_what_oauth_needs_are_told_beside_other_mistakes(tmp_path: Path) -> None:
    auth = "{kind: oauth2_client_credentials, token_url: nowhere, client_id: a, extra: {grant_type: x, '': y}}"
    found = refused(write(tmp_path, DESTINATION + f"    auth: {auth}\n"))
    assert "extra must not name grant_type: the exporter sets it" in [reason for *_, reason in found]
    assert len(found) == 4


def test_a_check_between_keys_waits_for_a_value_that_is_wrong_itself(tmp_path: Path) -> None:
    text = "drain: soon\nqueue: {path: [a]}\nstate: {path: data/queue.db}\n" + DESTINATION
    text += "    proxy: nowhere\n    delivery: {transport: lean}\n    tls: {client_key_file: k.pem}\n"
    paths = [problem[2] for problem in refused(write(tmp_path, text))]
    assert paths == ["drain", "queue.path", "destinations[0].proxy", "destinations[0].tls.client_key_file"]


def test_a_check_between_keys_sees_what_the_environment_overrides(tmp_path: Path) -> None:
    file = write(tmp_path, "drain: soon\nqueue: {path: a.db}\nstate: {path: b.db}\n")
    assert refused(file, EXPORTER__QUEUE__PATH="c.db") == [refused(file)[0]]
    same = "state needs a file of its own, not the queue's"
    assert refused(file, EXPORTER__QUEUE__PATH=f"{tmp_path}/b.db")[1:] == [("exporter.yaml", 3, "state.path", same)]
    assert refused(file, EXPORTER__STATE__PATH=f"{tmp_path}/a.db")[1:] == [
        ("environment", None, "EXPORTER__STATE__PATH", same)
    ]


def test_every_part_of_headers_written_as_text_is_judged(tmp_path: Path) -> None:
    file = write(tmp_path, DESTINATION + '    headers: "x,a:1,y,A:2,b c:\\u0001"\n')
    assert [(reason[:21], reason[21:42]) for *_, reason in refused(file)] == [
        ("part 1 between commas", " has no colon; write "),
        ("part 3 between commas", " has no colon; write "),
        ("part 4 between commas", ": this header is give"),
        ("part 5 between commas", ": a header's name mus"),
        ("part 5 between commas", ": a header's value mu"),
    ]


def test_every_mistake_in_a_destination_names_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        "name: shop\nheaders: {x-b: 日本, x-b: c}\nendpoint: 'https://b.example/\\0'\n"
        "auth: {kind: bearer, token: !file t}\n",
        "more/b.yaml",
    )
    text = "destinations_dir: more\ndrain: soon\n" + DESTINATION
    text += '    headers: {x-a: "a\\rb", x-b: "${V}"}\n    query: "a\\nb"\n    auth: {kind: bearer, token: "a\\0"}\n'
    text += "  - endpoint: nowhere\n  - {name: '${NAME}', endpoint: nowhere}\n  - no mapping\n"
    text += "  - {name: [], endpoint: x}\n"
    found = load(write(tmp_path, text), {"NAME": "hunter2", "EXPORTER__OPS__PORT": "x", "V": "ü€"})
    assert isinstance(found, Problems)
    named = [(problem.path, problem.destination) for problem in found.problems]
    assert named == [
        ("drain", None),
        ("destinations[0].headers.x-a", "crm"),
        ("destinations[0].headers.x-b", "crm"),
        ("destinations[0].query", "crm"),
        ("destinations[0].auth.token", "crm"),
        ("destinations[1].name", None),
        ("destinations[1].endpoint", None),
        ("destinations[2].endpoint", None),
        ("destinations[3]", None),
        ("destinations[4].name", None),
        ("destinations[4].endpoint", None),
        ("headers.x-b", "shop"),
        ("headers.x-b", "shop"),
        ("endpoint", "shop"),
        ("auth.token", "shop"),
        ("EXPORTER__OPS__PORT", None),
    ]
    assert "headers.x-a: a header's value must not contain CR, LF, NUL" in found.render()
    assert "control character (destination crm)\n" in found.render()
    assert "hunter2" not in found.render()


def test_segments_that_could_not_be_had_are_not_the_same(tmp_path: Path) -> None:
    file = write(tmp_path, DESTINATION.replace("[a]", "[{id: '${A}'}, {id: '${B}'}]"))
    assert [reason for *_, reason in refused(file)] == [f"the environment variable {name} is not set" for name in "AB"]


@pytest.mark.parametrize(
    ("kind", "key", "meant"), [("journal", "pth", "path"), ("kafka", "topik", "topic"), ("nats", "strem", "stream")]
)
def test_an_unknown_key_of_any_kind_of_queue_has_a_suggestion(tmp_path: Path, kind: str, key: str, meant: str) -> None:
    [(*_, reason)] = refused(write(tmp_path, f"queue: {{kind: {kind}, {key}: x}}\n"))
    assert reason == f"unknown key; did you mean {meant}?"


def test_places_of_values_from_elsewhere_are_told_without_the_values(tmp_path: Path) -> None:
    write(tmp_path, "hunter2\n", "secret")
    write(
        tmp_path, "name: b\nendpoint: https://b.example/${V}\nheaders: {x: !file ../secret, y: plain}\n", "more/b.yaml"
    )
    text = DESTINATION + "    headers: {x-a: 'a ${V}', x-b: b}\n    query: 'a=${V:-1}'\n"
    found = loaded(write(tmp_path, "destinations_dir: more\n" + text), V="hunter2")
    assert found.indirect == {
        ("destinations", 0, "headers", "x-a"),
        ("destinations", 0, "query"),
        ("destinations", 1, "endpoint"),
        ("destinations", 1, "headers", "x"),
    }
    assert "hunter2" not in repr(found)


def test_a_missing_key_has_the_line_of_its_section(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "drain: 1\ndestinations:\n  - name: a\n    endpoint: https://a.example/\n    auth:\n      kind: bearer\n",
    )
    assert refused(file) == [("exporter.yaml", 5, "destinations[0].auth.token", "this key is required")]


def test_a_value_that_cannot_be_had_is_reported_once(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "destinations:\n"
        "  - name: ${A}\n    endpoint: ${B}\n    headers: {x: '${C}'}\n    auth: {kind: bearer, token: '${D}'}\n"
        "    segments: ['${E}', '${F}']\n    delivery: {rate: '${G}'}\n"
        "  - name: ${H}\n    endpoint: https://a.example/\n    auth: {kind: '${I}'}\n",
    )
    assert [reason for *_, reason in refused(file)] == [
        f"the environment variable {name} is not set" for name in "ABCDEFGHI"
    ]


def test_the_catalogue_may_be_a_file_of_yaml_or_json(tmp_path: Path) -> None:
    write(tmp_path, "- {id: a, name: 'Costs $${x}'}\n", "lists/catalogue.yaml")
    write(tmp_path, '[\n\t{"id": "a", "name": "Costs ${x} \\ud83d\\ude00", "created_at": 5}\n]', "lists/catalogue.json")
    from_yaml = loaded(write(tmp_path, "segments_file: lists/catalogue.yaml\n"))
    from_json = loaded(write(tmp_path, "segments_file: lists/catalogue.json\n"))
    assert from_yaml.settings.catalogue["ups", "a"].name == "Costs ${x}"
    assert from_json.settings.catalogue["ups", "a"].name == "Costs ${x} 😀"
    assert from_json.settings.catalogue["ups", "a"].created_at == 5
    assert [path.name for path in from_json.files] == ["exporter.yaml", "catalogue.json"]


@pytest.mark.parametrize(
    ("text", "line", "path"),
    [
        ('{"id": 1}', 1, ""),
        ('[\n{"id": "a",}]', 2, ""),
        ('[{"id": "a", "nmae": "b"}]', 1, "[0].nmae"),
        ('[\n{"id": "a"},\n\t{"id": "b",\r\n "created_at": -1}]', 4, "[1].created_at"),
        ('\n[ {}\n, {"id": "b"} ]', 2, "[0].id"),
        ('[{"id": "a,[{\\"\\n"},\n5]', 2, "[1]"),
        ('[{"id": "a"},\n{"id": "a"}]', 2, "[1]"),
        ('[{"id": "a",\n"id": "b"}]', 2, "[0].id"),
        ('[[],\n{"id": []}]', 1, "[0]"),
    ],
)
def test_mistakes_in_a_catalogue_of_json(tmp_path: Path, text: str, line: int | None, path: str) -> None:
    write(tmp_path, text, "catalogue.json")
    found = refused(write(tmp_path, "segments_file: catalogue.json\n"))
    assert [problem[:3] for problem in found][:1] == [("catalogue.json", line, path)]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b'[{"id": "a"}, {"id" "b"}]', 1, "this is not JSON: Expecting ':' delimiter (column 21)"),
        (b'[\n{"id": "\xff"}]', 2, "the file is not UTF-8 text"),
        (b"[" * 100_000, None, "this is nested too deeply"),
    ],
)
def test_a_catalogue_that_cannot_be_read_as_json(tmp_path: Path, content: bytes, line: int | None, reason: str) -> None:
    (tmp_path / "segments.json").write_bytes(content)
    file = write(tmp_path, "segments_file: segments.json\n")
    assert refused(file) == [("segments.json", line, "", reason)]


def test_tls_files_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    write(tmp_path, "x", "more/ca.pem")
    write(tmp_path, "name: a\nendpoint: https://a.example/\ntls: {ca_file: ca.pem}\n", "more/a.yaml")
    file = write(tmp_path, "destinations_dir: more\n" + DESTINATION + "    tls:\n      ca_file: missing.pem\n")
    assert refused(file) == [
        ("exporter.yaml", 9, "destinations[0].tls.ca_file", "the file cannot be read: No such file or directory")
    ]
    file = write(tmp_path, "destinations_dir: more\n")
    assert loaded(file).settings.destinations[0].tls.ca_file == tmp_path / "more/ca.pem"


def test_secret_files_are_told_once_each(tmp_path: Path) -> None:
    write(tmp_path, "t0ken\n", "token")
    file = write(
        tmp_path,
        DESTINATION + "    auth: {kind: bearer, token: !file token}\n    headers: {x-key: !file token}\n",
    )
    found = loaded(file)
    auth = found.settings.destinations[0].auth
    assert isinstance(auth, Bearer)
    assert (auth.token.reveal(), auth.token.file) == ("t0ken", tmp_path / "token")
    assert found.settings.destinations[0].headers == {"x-key": "t0ken"}
    assert found.secret_files == (tmp_path / "token",)


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere.yaml") == [
        ("nowhere.yaml", None, "", "the file cannot be read: No such file or directory")
    ]
    # Not the test's own folder: beside that one other tests may have left a former database.
    folder = tmp_path / "one/two"
    folder.mkdir(parents=True)
    assert refused(folder) == [("two", None, "", "the file cannot be read: Is a directory")]


def test_loading_twice_gives_equal_settings(tmp_path: Path) -> None:
    file = write(tmp_path, DESTINATION)
    assert loaded(file).settings == loaded(file).settings


@pytest.mark.parametrize("key", ["_env_file", "_case_sensitive", "self", "__init__"])
def test_a_key_is_no_option_of_the_library(tmp_path: Path, key: str) -> None:
    [(_, line, path, reason)] = refused(write(tmp_path, f"{key}: nowhere\n"))
    assert (line, path, reason[:11]) == (1, key, "unknown key")


@pytest.mark.parametrize("key", ["queue", "state", "ops", "log"])
@pytest.mark.parametrize("value", ["5", "x", "true", "[a]", "null"])
def test_a_section_that_is_no_mapping_is_told_so(tmp_path: Path, key: str, value: str) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(f"{key}: {value}\n")
    problems = load(file, {})
    assert isinstance(problems, Problems)
    assert [str(each) for each in problems.problems] == [f"{file}:1: {key}: should be a mapping"]


@pytest.mark.parametrize(
    "where", ["defaults: {auth: 5}\n", "destinations: [{name: a, endpoint: 'http://a/', auth: 5}]\n"]
)
def test_an_auth_that_is_no_mapping_is_told_so(tmp_path: Path, where: str) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(where)
    problems = load(file, {})
    assert isinstance(problems, Problems)
    assert [each.reason for each in problems.problems] == ["should be a mapping"]


def test_a_list_whose_only_items_are_wrong_is_not_called_empty(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("destinations: [{name: a, endpoint: 'http://a/', delivery: {retries: [x]}}]\n")
    problems = load(file, {})
    assert isinstance(problems, Problems)
    assert [each.reason for each in problems.problems] == ["should be a duration, as 10, 10s or 1.5m"]


def test_places_from_the_root_can_be_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("exporter.yaml").write_text(
        "drain: x\ndestinations:\n  - {name: a, endpoint: 'http://a/'}\n  - {name: a, endpoint: 'http://a/'}\n"
    )
    problems = load(Path("exporter.yaml"), {"EXPORTER__OPS__PORT": "x"})
    assert isinstance(problems, Problems)
    drain, name, port = [str(each) for each in problems.from_the_root().problems]
    assert drain.startswith(f"{tmp_path}/exporter.yaml:1: drain: ")
    assert f"(beside {tmp_path}/exporter.yaml:3: destinations[0].name)" in name
    assert port.startswith("environment: EXPORTER__OPS__PORT: ")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("queue: {path: a.db}\nintake: {path: a.db}\n", "intake.path"),
        ("state: {path: a.db}\nprofiles: {path: a.db}\n", "profiles.path"),
        (
            "queue: {kind: redis, url: 'redis://x', stream: s}\nintake: {kind: redis, url: 'redis://x', stream: s}\n",
            "intake",
        ),
        ("serve: {hold: 20, drain: 10}\n", "serve.hold"),
        ("serve: {overload_status: 404}\n", "serve.overload_status"),
        ("serve: {api: {host: 0.0.0.0}}\n", "serve.api.auth"),
        ("serve: {api: {host: 0.0.0.0, auth: tokens}, ims: {open: true}}\n", "serve.ims.open"),
        ("serve: {ims: {clients: [{client_id: a, org: b}]}}\n", "serve.ims.clients[0].secret"),
        (
            "serve: {ims: {clients: [{client_id: a, secret: s, org: b}, {client_id: a, secret: t, org: c}]}}\n",
            "serve.ims.clients[1].client_id",
        ),
        (
            "serve: {ims: {clients: [{client_id: a, secret: s, org: b, scopes: ['a,b']}]}}\n",
            "serve.ims.clients[0].scopes[0]",
        ),
        (
            "serve: {ims: {clients: [{client_id: a, secret: s, org: b, jwt_public_key_file: lost.pem}]}}\n",
            "serve.ims.clients[0].jwt_public_key_file",
        ),
        (
            "serve: {ims: {clients: [{client_id: a, secret: s, org: b, jwt_public_key_file: exporter.yaml}]}}\n",
            "serve.ims.clients[0].jwt_public_key_file",
        ),
        (
            "serve: {tokens: {jwks: [{url: 'http://x.y/k', issuer: i, audience: a}]}}\n",
            "serve.tokens.jwks[0].url",
        ),
    ],
)
def test_what_the_way_in_cannot_do_is_refused_at_its_place(tmp_path: Path, text: str, path: str) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(text, encoding="utf-8")
    found = load(file, {})
    assert isinstance(found, Problems)
    assert [problem.path for problem in found.problems] == [path]

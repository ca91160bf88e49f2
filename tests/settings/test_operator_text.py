"""One rule for every secret, and for what stands beside it, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from exporter.redis_server.url import RedisUrl
from exporter.sections.section import ReadAnew, ReadAnewLines, Secret
from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.problems import Problems

HEAD = "destinations:\n  - name: crm\n    endpoint: https://crm.example/\n    attributes: [a]\n    "
OAUTH = "{kind: oauth2_%s, token_url: 'https://id.example/', client_id: c, client_secret: %s%s}"
KAFKA = "queue:\n  kind: kafka\n  sasl: {mechanism: PLAIN, username: u, password: %s}\n"
TOKENS = "queue:\n  kind: kafka\n  sasl: {mechanism: OAUTHBEARER, %s}\n"

#: A configuration with one secret in it, and where that stands.
PLACES: list[tuple[str, tuple[str | int, ...]]] = [
    (HEAD + "auth: {kind: bearer, token: %s}\n", ("destinations", 0, "auth", "token")),
    (HEAD + "auth: " + OAUTH % ("client_credentials", "%s", "") + "\n", ("destinations", 0, "auth", "client_secret")),
    (
        HEAD + "auth: " + OAUTH % ("password", "'x'", ", username: u, password: %s") + "\n",
        ("destinations", 0, "auth", "password"),
    ),
    (
        HEAD + "auth: " + OAUTH % ("password", "'x'", ", username: %s, password: p") + "\n",
        ("destinations", 0, "auth", "username"),
    ),
    (
        HEAD + "auth: " + OAUTH.replace("client_id: c", "client_id: %s") % ("client_credentials", "%s", "x", "") + "\n",
        ("destinations", 0, "auth", "client_id"),
    ),
    (
        HEAD + "auth: " + OAUTH % ("client_credentials", "'x'", ", extra: {client_assertion: %s}") + "\n",
        ("destinations", 0, "auth", "extra", "client_assertion"),
    ),
    (HEAD + "headers: {x-api-key: %s}\n", ("destinations", 0, "headers", "x-api-key")),
    (KAFKA, ("queue", "sasl", "password")),
    (KAFKA.replace("username: u, password: %s", "username: %s, password: p"), ("queue", "sasl", "username")),
    (TOKENS % "token: %s", ("queue", "sasl", "token")),
    (
        TOKENS % ("auth: " + OAUTH.replace("kind: oauth2_%s, ", "") % ("%s", "")),
        ("queue", "sasl", "auth", "client_secret"),
    ),
    ("queue: {kind: nats, user: u, password: %s}\n", ("queue", "password")),
    ("queue: {kind: nats, user: %s, password: p}\n", ("queue", "user")),
    ("queue: {kind: nats, token: %s}\n", ("queue", "token")),
    ("queue: {kind: redis, username: u, password: %s}\n", ("queue", "password")),
    ("state: {kind: redis, password: %s}\n", ("state", "password")),
]
IDS = [".".join(map(str, steps)) for _, steps in PLACES]


def _from_variable(folder: Path, text: str) -> tuple[str, dict[str, str]]:
    del folder
    return '"${SECRET}"', {"SECRET": text}


def _from_file(folder: Path, text: str) -> tuple[str, dict[str, str]]:
    (folder / "secret").write_bytes(text.encode())
    return "!file secret", {}


def _plain(folder: Path, text: str) -> tuple[str, dict[str, str]]:
    del folder
    escaped = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
    return f'"{escaped}"', {}


SOURCES = [_from_variable, _from_file, _plain]
Source = Callable[[Path, str], tuple[str, dict[str, str]]]


def held(settings: Any, steps: tuple[str | int, ...]) -> str:
    for step in steps:
        settings = getattr(settings, str(step)) if isinstance(settings, BaseModel) else settings[step]
    return settings.reveal() if isinstance(settings, Secret) else str(settings)


def read(folder: Path, template: str, source: Source, text: str) -> Loaded | Problems:
    written, environ = source(folder, text)
    file = folder / "exporter.yaml"
    file.write_text(template % written, encoding="utf-8")
    return load(file, environ)


@pytest.mark.parametrize(("template", "steps"), PLACES, ids=IDS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("text", ["hunter2\n", "hunter2\r\n", "\ufeffhunter2", "\ufeffhunter2\r\n\n"])
def test_a_line_break_behind_and_a_byte_order_mark_before_are_no_part_of_it(
    tmp_path: Path, template: str, steps: tuple[str | int, ...], source: Source, text: str
) -> None:
    found = read(tmp_path, template, source, text)
    assert isinstance(found, Loaded), found.render()
    assert held(found.settings, steps) == "hunter2"
    assert not any("blank" in note for note in found.notes)


@pytest.mark.parametrize(("template", "steps"), PLACES, ids=IDS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("text", ["hunter2\nhunter3", "hunter2\rx", "\ufeffhun\x00ter2", "hunter2\x85hunter3"])
def test_a_control_character_within_is_refused_and_not_shown(
    tmp_path: Path, template: str, steps: tuple[str | int, ...], source: Source, text: str
) -> None:
    found = read(tmp_path, template, source, text)
    if "\x85" in text and "headers" in steps:
        assert isinstance(found, Loaded), "Latin-1 characters may stand in a header"
        return
    assert isinstance(found, Problems)
    [problem] = found.problems
    assert path_of(problem.path) == [str(step) for step in steps][: len(path_of(problem.path))]
    assert "hunter" not in found.render()
    if source is _from_file and problem.reason.startswith("a secret"):
        assert str(tmp_path / "secret") in problem.reason


def path_of(path: str) -> list[str]:
    return path.replace("[", ".").replace("]", "").split(".")


@pytest.mark.parametrize("block", ["|", "|-", "|+", ">", "|\r"])
def test_a_block_of_yaml_is_a_secret_like_any_other(tmp_path: Path, block: str) -> None:
    file = tmp_path / "exporter.yaml"
    end = "\r\n" if block.endswith("\r") else "\n"
    text = f"auth:\n      kind: bearer\n      token: {block.strip()}\n        hunter2\n\n"
    file.write_bytes((HEAD + text).replace("\n", end).encode())
    found = load(file, {})
    assert isinstance(found, Loaded), found.render()
    assert held(found.settings, ("destinations", 0, "auth", "token")) == "hunter2"


def test_an_override_and_a_variable_within_a_text_follow_the_rule(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(
        "queue: {kind: redis, url: 'redis://u:${PASSWORD}@redis.example/0'}\nstate: {kind: redis}\n"
        + HEAD
        + "headers: 'x-a:${PASSWORD},x-b:b'\n    query: {key: '${PASSWORD}'}\n"
        "    proxy: 'http://u:${PASSWORD}@proxy.example:3128'\n"
    )
    found = load(file, {"PASSWORD": "hunter2\n", "EXPORTER__STATE__PASSWORD": "\ufeffhunter2\r\n"})
    assert isinstance(found, Loaded), found.render()
    queue: Any = found.settings.queue
    assert queue.url.password.reveal() == "hunter2"
    assert held(found.settings, ("state", "password")) == "hunter2"
    destination = found.settings.destinations[0]
    assert (destination.headers, destination.query) == ({"x-a": "hunter2", "x-b": "b"}, "key=hunter2")
    assert destination.proxy == "http://u:hunter2@proxy.example:3128"


def test_an_encoded_line_break_in_a_url_follows_it_too(tmp_path: Path) -> None:
    """``jq @uri`` makes one of a file's last line break."""
    assert held(RedisUrl("redis://u:hunter2%0A@redis.example/0").password, ()) == "hunter2"
    file = tmp_path / "exporter.yaml"
    text = HEAD + "proxy: 'http://u:hunter2%0A@proxy.example:3128'\n    query: {key: \"hunter2\\nx\"}\n"
    file.write_text("queue: {kind: redis, url: 'redis://u:hun%0Ater2@redis.example/0'}\n" + text)
    found = load(file, {})
    assert isinstance(found, Problems)
    assert [problem.path for problem in found.problems] == [
        "queue.url",
        "destinations[0].proxy",
        "destinations[0].query.key",
    ]
    assert "hun" not in found.render()


@pytest.mark.parametrize(("template", "steps"), PLACES, ids=IDS)
def test_blanks_around_are_noted_and_kept(tmp_path: Path, template: str, steps: tuple[str | int, ...]) -> None:
    found = read(tmp_path, template, _from_variable, "hunter2 \n")
    if "headers" in steps:
        assert isinstance(found, Loaded)
        assert held(found.settings, steps) == "hunter2", "blanks around a header's value are no part of it"
        return
    if steps[-1] == "token" and "auth" in steps:
        assert isinstance(found, Problems), "a bearer's token has no blanks"
        return
    assert isinstance(found, Loaded), found.render()
    assert held(found.settings, steps) == "hunter2 "
    [note] = [note for note in found.notes if "blank" in note]
    assert note.endswith(
        f"{'.'.join(map(str, steps[2:] if steps[0] == 'destinations' else steps))} "
        "begins or ends with a blank, which is sent as a part of it"
    )
    assert "hunter2" not in note


def test_a_secret_of_nothing_but_a_line_break_is_empty(tmp_path: Path) -> None:
    for source in SOURCES:
        found = read(tmp_path, PLACES[1][0], source, "\r\n")
        assert isinstance(found, Problems)
        assert [problem.reason for problem in found.problems] == ["a secret must not be empty"]


CREDENTIALS = "-----BEGIN NATS USER JWT-----\r\neyJ\r\n-----BEGIN USER NKEY SEED-----\r\nSU" + "A" * 56 + "\r\n----\r\n"


def test_only_the_text_of_a_creds_file_has_lines(tmp_path: Path) -> None:
    template = "queue: {kind: nats, credentials: %s}\n"
    found = read(tmp_path, template, _from_file, "\ufeff" + CREDENTIALS)
    assert isinstance(found, Loaded), found.render()
    assert held(found.settings, ("queue", "credentials")) == CREDENTIALS.rstrip()
    assert isinstance(read(tmp_path, template, _from_file, CREDENTIALS + "\0"), Problems)


def test_what_a_file_holds_later_is_used_by_the_same_rule(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    for kind in (Secret, ReadAnew, ReadAnewLines):
        secret = kind("one", file)
        for text, now in _later():
            if text is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(text)
            assert secret.current() == (now if kind is not ReadAnewLines or text != b"a\nb" else "a\nb")
    assert Secret("one").current() == "one"


def _later() -> Iterator[tuple[bytes | None, str]]:
    yield b"\xef\xbb\xbftwo\r\n", "two"
    yield b"a\nb", "one"
    yield b"\xff", "one"
    yield b"\n", "one"
    yield b"x" * (1024**2 + 1), "one"
    yield None, "one"

"""The section ``state`` for Redis: as config/exporter.yaml shows it, and what is refused of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.problems import Problems
from exporter.state.redis.settings import RedisStateSettings

CONFIG = Path(__file__).parents[2] / "config" / "exporter.yaml"
DESTINATION = "destinations:\n  - {name: crm, endpoint: 'https://crm.example.com/', segments: [a], attributes: [b]}\n"


def loaded(folder: Path, section: str) -> Loaded | Problems:
    (folder / "exporter.yaml").write_text(section + DESTINATION)
    return load(folder / "exporter.yaml", {})


def test_the_example_shows_every_key_with_its_default(tmp_path: Path) -> None:
    found = re.search(r"^#state:\n(#  .*\n)+", CONFIG.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    shown = re.sub(r"^#", "", found[0], flags=re.MULTILINE)
    example = loaded(tmp_path, shown)
    assert isinstance(example, Loaded), example.render()
    assert example.settings.state == RedisStateSettings(kind="redis")
    for key in RedisStateSettings.model_fields:
        assert re.search(rf"^  {key}: ?", shown, re.MULTILINE), key


@pytest.mark.parametrize(
    ("section", "refused"),
    [
        ("{kind: redis, url: 'http://127.0.0.1/'}", {"state.url": "must begin with redis://"}),
        ("{kind: redis, path: state.db}", {"state.path": ""}),
        ("{kind: redis, key_prefix: ''}", {"state.key_prefix": ""}),
        ("{kind: redis, username: u}", {"state.username": "needs a password"}),
        ("{kind: redis, tls: {client_key_file: k.pem}}", {"state.tls": ""}),
        ("{kind: etcd}", {"state.kind": "should be one of 'redis', 'sqlite'"}),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, section: str, refused: dict[str, str]) -> None:
    problems = loaded(tmp_path, f"state: {section}\n")
    assert isinstance(problems, Problems)
    said = problems.render()
    for place, reason in refused.items():
        assert place in said
        assert reason in said


def test_neither_url_nor_password_shows_what_is_secret(tmp_path: Path) -> None:
    found = loaded(tmp_path, "state: {kind: redis, url: 'redis://exporter:hunter2@127.0.0.1:6379/0'}\n")
    assert isinstance(found, Loaded)
    assert "hunter2" not in repr(found.settings) + found.settings.model_dump_json()

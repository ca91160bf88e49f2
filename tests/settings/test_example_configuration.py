"""config/exporter.yaml and config/source.yaml: they load, and show every key with its default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, create_model
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from exporter.auth.oauth2_client_credentials import OAuth2ClientCredentials
from exporter.auth.oauth2_password import OAuth2Password
from exporter.settings.loading.load import Loaded, load
from exporter.settings.segments import CatalogueSegment, SegmentMapping
from exporter.settings.tree import Destination, Settings

CONFIG = Path(__file__).parents[2] / "config"
SECRETS = {
    "PARTNER_CRM_SECRET": "1",
    "PARTNER_LOYALTY_SECRET": "2",
    "PARTNER_LOYALTY_PASSWORD": "3",
    "WAREHOUSE_TOKEN": "4",
}
#: What an example has to fill in, so that it cannot show the default itself.
CONTENT = {
    *("name", "description", "endpoint", "segments", "attributes", "destinations"),
    *("schemas", "datasets", "mappings", "sources"),
}


def test_it_loads_from_a_clean_clone_without_secrets_and_without_notes() -> None:
    found = load(CONFIG / "exporter.yaml", {})
    assert isinstance(found, Loaded), found.render()
    assert [(d.name, d.endpoint, d.auth.kind) for d in found.settings.running] == [
        ("local", "http://127.0.0.1:8080/", "none")
    ]
    assert found.notes == ()


def test_the_way_in_loads_without_notes() -> None:
    found = load(CONFIG / "source.yaml", {})
    assert isinstance(found, Loaded), found.render()
    assert [source.name for source in found.settings.sources] == ["crm"]
    assert found.notes == ()


def test_the_tutorial_has_the_ids_of_its_commands() -> None:
    found = load(CONFIG / "tutorial.yaml", {})
    assert isinstance(found, Loaded), found.render()
    assert found.notes == ()
    newer, older, authenticated = found.settings.sources
    assert newer.connection_id == "a59d368a-1152-4673-a46e-bd52e8cdb9a9"
    assert newer.inlet == "667b41cf2dbf3509927da1ebf7e93c20afa727cc8d8373e51da18b62e1b985ec"
    assert older.inlet == "2301a1f761f6d7bf62c5312c535e1076bbc7f14d728e63cdfd37ecbb4344425b"
    assert {flow.id: flow.mapping is None for flow in newer.flows} == {
        "f2ae0194-8bd8-4a40-a4d9-f07bdc3e6ce2": True,
        "1f086c23-2ea8-4d06-886c-232ea8bd061d": False,
        "7c0e6a54-6d0c-4a0d-9d5c-4a1b5d0f2b11": False,
    }
    assert older.flows == authenticated.flows == (newer.flows[1],)
    assert authenticated.authentication
    assert newer.flows[2].mapping == "79a623960d3f4969835c9e00dc90c8df"
    assert [each.id for each in found.settings.datasets] == ["637eb7fadc8a211b6312b65b", "604a18a3bae67d18db6d258c"]


def test_the_examples_load_when_their_secrets_are_there() -> None:
    found = load(CONFIG / "exporter.yaml", {"EXPORTER__DESTINATIONS_DIR": str(CONFIG / "destinations"), **SECRETS})
    assert isinstance(found, Loaded), found.render()
    kinds = {d.name: (d.auth.kind, d.enabled) for d in found.settings.destinations}
    assert kinds == {
        "local": ("none", True),
        "partner-crm": ("oauth2_client_credentials", False),
        "partner-loyalty": ("oauth2_password", False),
        "warehouse": ("bearer", False),
    }


def test_the_example_of_the_page_on_authentication_loads(tmp_path: Path) -> None:
    page = (CONFIG.parent / "docs/authentication.md").read_text(encoding="utf-8")
    file = tmp_path / "exporter.yaml"
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    file.write_text(example, encoding="utf-8")
    found = load(file, {"PARTNER_CLIENT_SECRET": "1"})
    assert isinstance(found, Loaded), found.render()


def shown() -> dict[str, Any]:
    """The way in has a file of its own."""
    found: dict[str, Any] = {}
    for name in ("source.yaml", "exporter.yaml"):
        found |= yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))
    return found


def compared(section: BaseModel, written: dict[str, Any], at: str) -> Iterator[tuple[str, Any, Any]]:
    """Every key of a section that holds its defaults, with what is written there."""
    for key, field in type(section).model_fields.items():
        place = f"{at}.{key}"
        assert key in written, f"{place} is not in config/exporter.yaml"
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            yield from compared(value, written[key], place)
        elif key not in CONTENT:
            yield place, read(field, written[key]), to_jsonable_python(value)


def read(field: FieldInfo, value: Any) -> Any:
    adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
    return to_jsonable_python(adapter.validate_python(value))


def test_every_key_is_shown_with_its_default() -> None:
    written = shown()
    defaults = [
        *compared(Settings(), written, "config"),
        *compared(Destination(name="x", endpoint="https://x.example/"), written["destinations"][0], "destination"),
        *compared(SegmentMapping(id="x"), {"id": "x", **written["destinations"][0]["segments"][1]}, "segment"),
    ]
    assert len(defaults) > 40
    differing = [default for default in defaults if default[1] != default[2] and not default[0].endswith(".id")]
    assert differing == []


def entries(section: type[BaseModel], written: Any, at: str) -> Iterator[str]:
    """Every key of the sections below ``section`` that stand in lists and is not shown there, by its place.

    Of a list that is empty, an entry stands in the comment on its line.
    """
    for key, field in section.model_fields.items():
        if key not in written:
            yield f"{at}.{key}"
            continue
        below = written[key]
        for inner in sections_of(field.annotation):
            if isinstance(below, dict):
                yield from entries(inner, below, f"{at}.{key}")
            elif below:
                missing = {name for name in inner.model_fields if not any(name in entry for entry in below)}
                yield from (f"{at}.{key}[].{name}" for name in missing)
                yield from entries(inner, dict.fromkeys(inner.model_fields) | below[0], f"{at}.{key}[]")
            elif below == []:
                [shown_at] = re.findall(rf"^ *{key}: \[\] +# *(\[\{{.*\}}\])$", SOURCE, re.MULTILINE)
                [entry] = yaml.safe_load(shown_at.replace("!file ", ""))
                yield from (f"{at}.{key}[].{name}" for name in inner.model_fields if name not in entry)


def sections_of(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from sections_of(argument)


SOURCE = (CONFIG / "source.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", ["serve", "identities", "schemas", "datasets", "mappings", "sources"])
def test_every_key_of_an_entry_of_the_way_in_is_shown(key: str) -> None:
    written = yaml.safe_load(SOURCE)
    [section] = sections_of(Settings.model_fields[key].annotation)
    root = create_model("Root", **{key: Settings.model_fields[key].annotation})  # type: ignore[call-overload]
    assert section.model_fields
    assert list(entries(root, {key: written[key]}, "config")) == []


@pytest.mark.parametrize("section", ["datasets", "mappings", "sources"])
def test_an_entry_of_the_way_in_shows_defaults(section: str) -> None:
    """What an entry has to fill in can show none."""
    [model] = sections_of(Settings.model_fields[section].annotation)
    for entry in yaml.safe_load(SOURCE)[section]:
        for name, field in model.model_fields.items():
            if not field.is_required() and name not in ("name", "flows"):
                assert read(field, entry[name]) == to_jsonable_python(field.default), name


@pytest.mark.parametrize("section", [OAuth2ClientCredentials, OAuth2Password, CatalogueSegment])
def test_keys_that_stand_in_comments_are_there_with_their_defaults(section: type[BaseModel]) -> None:
    comments = "\n".join(
        line for line in (CONFIG / "exporter.yaml").read_text(encoding="utf-8").splitlines() if line.startswith("#")
    )
    for key, field in section.model_fields.items():
        shown_at = re.search(rf"^#[ -]*{key}: +(?P<value>[^#\n]*?)(?: +# *(?P<note>.*))?$", comments, re.MULTILINE)
        assert shown_at, f"{key} is not in config/exporter.yaml"
        value, note = shown_at["value"].strip(), shown_at["note"] or ""
        if field.is_required():
            assert key == "id" or "required" in note, key
        elif key != "kind":
            default = to_jsonable_python(field.default)
            assert yaml.safe_load(value) == default or "default" in note, key


def blocks() -> dict[str, tuple[int, int]]:
    """Where each block begins and ends that is commented out, by its key, its kind and its first line."""
    lines = (CONFIG / "exporter.yaml").read_text(encoding="utf-8").splitlines()
    found: dict[str, tuple[int, int]] = {}
    for begin, line in enumerate(lines):
        head = re.fullmatch(r"#(?P<indent> *)(?P<key>[a-z]+):", line)
        if head is None:
            continue
        inner = f"#{head['indent']}  "
        end = next((at for at in range(begin + 1, len(lines)) if not lines[at].startswith(inner)), len(lines))
        kind = re.search(r"kind: +(\S+)", lines[begin + 1])
        found[f"{head['key']} {kind[1] if kind else ''}".strip()] = begin, end
    return found


def test_every_block_in_a_comment_is_found() -> None:
    assert set(blocks()) == {
        *("segments", "defaults"),
        *("auth bearer", "auth oauth2_password", "auth oauth2_client_credentials"),
        *("queue nats", "queue kafka", "queue redis", "state redis"),
    }


@pytest.mark.parametrize("block", blocks())
def test_a_block_loads_where_it_stands_once_its_comment_signs_are_gone(block: str, tmp_path: Path) -> None:
    """What it takes the place of is taken away."""
    (tmp_path / "token").write_text("t")
    lines = (CONFIG / "exporter.yaml").read_text(encoding="utf-8").splitlines()
    begin, end = blocks()[block]
    key, _, kind = block.partition(" ")
    lines[begin:end] = [line[1:].replace("/run/secrets/", f"{tmp_path}/") for line in lines[begin:end]]
    indent = lines[begin].removesuffix(f"{key}:")
    first = next(at for at, line in enumerate(lines) if at != begin and line.startswith(f"{indent}{key}:"))
    last = next(at for at in range(first + 1, len(lines)) if not lines[at].startswith(f"{indent} "))
    del lines[first:last]
    file = tmp_path / "exporter.yaml"
    file.write_text("\n".join(lines), encoding="utf-8")

    found = load(file, {"PARTNER_SECRET": "s", "PARTNER_PASSWORD": "p"})
    assert isinstance(found, Loaded), found.render()
    settings = found.settings
    of_kind = {"queue": settings.queue, "state": settings.state, "auth": settings.running[0].auth}
    assert kind == (of_kind[key].kind if key in of_kind else "")
    assert len(settings.segments) == (key == "segments")
    assert found.notes == ()

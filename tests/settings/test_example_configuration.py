"""config/exporter.yaml: it loads, and shows every key with its default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from exporter.auth.oauth2_client_credentials import OAuth2ClientCredentials
from exporter.auth.oauth2_password import OAuth2Password
from exporter.settings.source import Loaded, load
from exporter.settings.tree import CatalogueSegment, Destination, SegmentMapping, Settings

CONFIG = Path(__file__).parents[2] / "config"
SECRETS = {
    "PARTNER_CRM_SECRET": "1",
    "PARTNER_LOYALTY_SECRET": "2",
    "PARTNER_LOYALTY_PASSWORD": "3",
    "WAREHOUSE_TOKEN": "4",
}
#: What an example has to fill in, so that it cannot show the default itself.
CONTENT = {"name", "description", "endpoint", "segments", "attributes", "destinations"}


def test_it_loads_from_a_clean_clone_without_secrets_and_without_notes() -> None:
    found = load(CONFIG / "exporter.yaml", {})
    assert isinstance(found, Loaded), found.render()
    assert [(d.name, d.endpoint, d.auth.kind) for d in found.settings.running] == [
        ("local", "http://127.0.0.1:8080/", "none")
    ]
    assert found.notes == ()


def test_the_examples_load_when_their_secrets_are_there() -> None:
    found = load(CONFIG / "exporter.yaml", {"EXPORTER__DESTINATIONS_DIR": "destinations", **SECRETS})
    assert isinstance(found, Loaded), found.render()
    kinds = {d.name: (d.auth.kind, d.enabled) for d in found.settings.destinations}
    assert kinds == {
        "local": ("none", True),
        "partner-crm": ("oauth2_client_credentials", False),
        "partner-loyalty": ("oauth2_password", False),
        "warehouse": ("bearer", False),
    }


def shown() -> dict[str, Any]:
    text = (CONFIG / "exporter.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
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

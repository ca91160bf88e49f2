"""docs/reference/configuration.md: every key of the configuration, from the models that read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from exporter.settings.destination import Destination
from exporter.settings.tree import Settings
from reference.markdown import code, prose, table
from reference.values import Schema, default, kind, sections

#: How the text of a section begins that has no key of its own, and how the page does.
HEAD: Final = """\
# Every key of the configuration

This page is made from the models that read the configuration (`python -m reference configuration`). For why one would change a key, read
`config/exporter.yaml` and `config/source.yaml`, which `exporter init` writes; for how files, paths and secrets are read, see
[configuring](../configuration.md). A JSON Schema of the same is printed by `exporter schema`.

A *duration* is a number of seconds, or one with a unit (`500ms`, `10s`, `1.5m`, `2h`, `7d`); a *size* a number of bytes, or one with a
unit (`64KiB`, `16MiB`, `2GB`); a *rate* a number a second, or `100/10s`, `600/min`. A *path* begins at the folder of the file that it
stands in. A *secret* is a text that is never shown; like any text it may be `!file PATH`, or hold `${NAME}` of the environment. A section
whose default is "as below" has the defaults of its own table.

"""
#: Sections that stand at several places are told at the first one.
_ROOT: Final = "The main file"
_FIRST: Final = "destinations"


@dataclass(slots=True)
class _Told:
    """Which section stands where: the place by the name of a section's schema, in the order of the page."""

    definitions: Schema
    places: dict[str, str] = field(default_factory=dict)

    def walk(self, section: Schema, at: str) -> None:
        """Give every section below ``section`` its place: those that are near before those that are deep."""
        below = []
        for key, schema in section.get("properties", {}).items():
            for name, of in sections(schema):
                if name not in self.places:
                    self.places[name] = _place(at, key, of)
                    below.append(name)
        # What destinations share with a queue, such as `tls`, is told where most people look for it.
        for name in sorted(below, key=lambda name: not self.places[name].startswith(_FIRST)):
            self.walk(self.definitions[name], self.places[name])

    def named(self, name: str) -> str:
        """A link to a section's table."""
        return f"[a section](#{_anchor(self.places[name])})"


def _place(at: str, key: str, of: str) -> str:
    path = f"{at}.{key}" if at else key
    return f"{path}[]" if of == "[]" else f"{path} of kind {of}" if of else path


def _anchor(place: str) -> str:
    return re.sub(r"[^\w\- ]", "", place).strip().lower().replace(" ", "-")


def configuration_page() -> str:
    """The text of the page."""
    schema = Settings.model_json_schema(mode="validation")
    # pydantic's schema has no default that a function makes.
    nobody = Destination.model_fields["auth"].get_default(call_default_factory=True, validated_data={})
    schema["$defs"]["Destination"]["properties"]["auth"]["default_kind"] = nobody.kind
    told = _Told(schema["$defs"])
    told.walk(schema, "")
    texts = [HEAD, f"## {_ROOT}\n\n", _keys(schema, told)]
    for name in _in_order(told):
        section = told.definitions[name]
        texts += [f"\n## {told.places[name]}\n\n{prose(section.get('description', ''))}\n\n", _keys(section, told)]
    return "".join(texts)


def _in_order(told: _Told) -> Iterator[str]:
    """The sections in the order of their places: the file's keys, and below each what is in it."""
    top = list(Settings.model_fields)
    yield from sorted(told.places, key=lambda name: top.index(re.split(r"[.\[ ]", told.places[name])[0]))


def _keys(section: Schema, told: _Told) -> str:
    required = section.get("required", ())
    rows = [
        (code(key), _kind(schema, told), default(schema, key in required), _meaning(key, schema))
        for key, schema in section.get("properties", {}).items()
    ]
    return table(("key", "type", "default", "meaning"), rows)


def _kind(schema: dict[str, Any], told: _Told) -> str:
    if "discriminator" not in schema:
        return kind(schema, told.named)
    kinds = schema["discriminator"]["mapping"].items()
    ways = (f"[`{of}`](#{_anchor(told.places[at.removeprefix('#/$defs/')])})" for of, at in kinds)
    return f"a section, by its `kind`: {', '.join(ways)}"


def _meaning(key: str, schema: Schema) -> str:
    if key == "kind" and "description" not in schema:
        return "Which kind of section this is."
    return prose(schema["description"])

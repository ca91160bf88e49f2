"""The JSON Schemas of the configuration file and of the file of one destination: they accept what ``check`` accepts.

pydantic describes the values that fields take. Written down, a value may look otherwise, since every scalar of a file
is read as text: a number may stand in quotes, a text may look like a number, and ``${NAME}`` stands for any of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from exporter.settings.destination import Destination
from exporter.settings.loading.destination_defaults import OWN_KEYS
from exporter.settings.tree import Settings

Schema = dict[str, Any]

_INTRODUCTION = (
    "Any text may hold ${NAME} or ${NAME:-default}, taken from the environment, and any scalar may be `!file PATH`, "
    'the text of a file (an editor has to know this tag: `yaml.customTags: ["!file scalar"]` for the YAML language '
    "server). Both are filled in after parsing. A relative path begins at the folder of the file that it stands in."
)
_MAIN = (
    "The configuration of exporter, as read by `exporter run --config FILE`. EXPORTER__QUEUE__PATH in the environment "
    "sets any scalar outside lists. "
)
_ONE = "One destination of exporter: a file in `destinations_dir`. "

#: Texts that stand for a value of another type.
_TEXTS: Schema = {
    "Reference": {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"},
    "WholeNumber": {"type": "string", "pattern": r"^\s*[+-]?[0-9][0-9_]*(\.0*)?\s*$"},
    "Number": {
        "type": "string",
        "pattern": r"^\s*[+-]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][+-]?[0-9]+)?\s*$",
    },
    "Switch": {
        "type": ["string", "integer"],
        "minimum": 0,
        "maximum": 1,
        "pattern": "^([tT]|[tT][rR][uU][eE]|[yY]|[yY][eE][sS]|[oO][nN]|1|[fF]|[fF][aA][lL][sS][eE]|[nN]|[nN][oO]|"
        "[oO][fF][fF]|0)$",
    },
}
_REFERENCE, _WHOLE_NUMBER, _NUMBER, _SWITCH = ({"$ref": f"#/$defs/{name}"} for name in _TEXTS)
#: The name of the schema of an ``auth`` beside which the defaults have none.
_WHOLE_AUTH = "WholeAuth"
#: Keys of a schema that describe it to people, and bind no value.
_WORDS = ("description", "default", "writeOnly")


def configuration_schema() -> Schema:
    """The schema (draft 2020-12) of the main file."""
    schema = Settings.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    definitions["Defaults"] = _partial(definitions["Destination"], definitions)
    for key in OWN_KEYS:
        del definitions["Defaults"]["properties"][key]
    definitions[_WHOLE_AUTH] = definitions["Destination"]["properties"]["auth"]
    _some_may_be_shared(definitions["Destination"], definitions)
    whole: dict[str, Schema] = {"endpoint": {"required": ["endpoint"]}}
    whole["auth"] = {"properties": {"auth": {"$ref": f"#/$defs/{_WHOLE_AUTH}"}}}
    schema["allOf"] = [
        {
            "if": {"not": {"required": ["defaults"], "properties": {"defaults": {"required": [key]}}}},
            "then": {"properties": {"destinations": {"items": items}}},
        }
        for key, items in whole.items()
    ]
    defaults = schema["properties"]["defaults"]
    schema["properties"]["defaults"] = {"description": defaults["description"], "$ref": "#/$defs/Defaults"}
    return _finished(schema, "Configuration of exporter", _MAIN)


def destination_schema() -> Schema:
    """The schema (draft 2020-12) of a file in ``destinations_dir``."""
    schema = Destination.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    whole = set(definitions)
    _some_may_be_shared(schema, definitions)
    references = json.dumps(schema)
    for name in whole:
        if f'"#/$defs/{name}"' not in references:  # only its partial form is asked for
            del definitions[name]
    return _finished(schema, "A destination of exporter", _ONE)


def _some_may_be_shared(destination: Schema, definitions: Schema) -> None:
    """Let the endpoint, and any key of ``auth``, be left out: they may stand among the defaults."""
    destination["required"].remove("endpoint")
    properties = destination["properties"]
    properties["auth"] = _partial_value(properties["auth"], definitions)


def _finished(schema: Schema, title: str, description: str) -> Schema:
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": description + _INTRODUCTION,
    }
    written = _as_written(schema)
    return {
        **head,
        **{key: value for key, value in written.items() if key not in head},
        "$defs": written["$defs"] | _TEXTS,
    }


def _partial(section: Schema, definitions: Schema) -> Schema:
    """A section of which any key may be left out, for another section to be merged into it.

    Partial sections below are added to ``definitions``; items of lists stay whole, since lists are replaced.
    """
    properties = {key: _partial_value(value, definitions) for key, value in section["properties"].items()}
    return {**{key: value for key, value in section.items() if key != "required"}, "properties": properties}


def _partial_value(value: Schema, definitions: Schema) -> Schema:
    if "$ref" in value:
        name = value["$ref"].removeprefix("#/$defs/")
        partial = _partial(definitions[name], definitions)
        if partial == definitions[name]:
            return value
        definitions[f"{name}Defaults"] = partial
        return {**value, "$ref": f"#/$defs/{name}Defaults"}
    if "discriminator" in value:
        whole = value["discriminator"]["mapping"]
        mapping = {kind: _partial_value({"$ref": at}, definitions)["$ref"] for kind, at in whole.items()}
        kinds = [{"$ref": partial} for partial in mapping.values()]
        return {**value, "oneOf": kinds, "discriminator": {"mapping": mapping}, "partial": True}
    return value


def _as_written(schema: Schema) -> Schema:
    """The schema of a value as it may stand in a file."""
    if "discriminator" in schema:
        return _by_kind(schema)
    words = {key: schema[key] for key in _WORDS if key in schema}
    ways = list(_ways({key: value for key, value in schema.items() if key not in (*_WORDS, "title")}))
    once = [way for place, way in enumerate(ways) if way not in ways[:place]]
    return {**words, **(once[0] if len(once) == 1 else {"anyOf": once})}


def _ways(schema: Schema) -> Iterator[Schema]:
    """The ways in which a value of the schema may be written."""
    if "quantity" in schema:  # its text has a rule of its own
        yield from (*schema["anyOf"], _REFERENCE)
        return
    for key in ("anyOf", "oneOf"):
        if key in schema:
            for each in schema[key]:
                yield from _as_written(each).get("anyOf", [_as_written(each)])
            return
    kind = schema.get("type")
    if "enum" in schema or "const" in schema or kind == "null":
        yield schema
    elif kind == "boolean":
        yield from (schema, _SWITCH)
    elif kind in ("integer", "number"):
        yield from (schema, _WHOLE_NUMBER if kind == "integer" else _NUMBER)
    elif kind == "string":
        written = {**schema, "type": ["string", "number", "boolean"]}
        if schema.get("format") == "uri":  # may well stand in a file for its password: an editor sees that file's path
            written["pattern"] = f"{schema['pattern']}|^[^:]*$"
        yield written
        if not {"pattern", "maxLength", "format"} & schema.keys():
            return
    else:
        yield _section(schema)
        return
    yield _REFERENCE


def _section(schema: Schema) -> Schema:
    """A mapping or a list, with what is in it as it may be written."""
    result = dict(schema)
    for key in ("properties", "$defs"):
        if key in result:
            result[key] = {name: _as_written(value) for name, value in result[key].items()}
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(result.get(key), dict):
            result[key] = _as_written(result[key])
    return result


def _by_kind(schema: Schema) -> Schema:
    """A section of several kinds: its ``kind`` says which schema holds."""
    kinds: dict[str, str] = schema["discriminator"]["mapping"]
    default = schema.get("default_kind")
    whichever = {"anyOf": [{"enum": list(kinds)}, _REFERENCE]}
    result: Schema = {
        **{key: schema[key] for key in _WORDS if key in schema},
        "type": "object",
        "properties": {"kind": {"description": "Which kind it is; the other keys depend on it.", **whichever}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, **({} if kind == default else {"required": ["kind"]})},
                "then": {"$ref": reference},
            }
            for kind, reference in kinds.items()
        ],
    }
    return result if default or "partial" in schema else {**result, "required": ["kind"]}

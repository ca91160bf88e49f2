"""What JSON Schema says of a value, in words: its type with its bounds, and its default as people write it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from exporter.sections.quantities import MOST_SECONDS, Duration, Rate, Size
from reference.markdown import code, listed

Schema = Mapping[str, Any]
#: From the name of a section's schema to how a cell names the section.
Named = Callable[[str], str]

_UNITS: Final = ((604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m"))
_BYTES: Final = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
#: A bound that only catches slips is none that anybody has to know.
_BOUNDLESS: Final = MOST_SECONDS


def duration(seconds: float) -> str:
    """A number of seconds, as ``250ms``, ``90s`` or ``2h``."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.16g}ms"
    return next(
        (f"{seconds / each:.16g}{unit}" for each, unit in _UNITS if seconds and not seconds % each), f"{seconds:.16g}s"
    )


def size(count: float) -> str:
    """A number of bytes, as ``512``, ``64KiB`` or ``10GiB``."""
    return next((f"{count / each:.16g}{unit}" for each, unit in _BYTES if count and not count % each), f"{count:.16g}")


def rate(a_second: float) -> str:
    """A rate, as ``500/s``."""
    return f"{a_second:.16g}/s"


_QUANTITIES: Final[Mapping[str, tuple[str, Callable[[float], str]]]] = {
    Duration.pattern: ("duration", duration),
    Size.pattern: ("size", size),
    Rate.pattern: ("rate", rate),
}
_FORMATS: Final = {"path": "path", "password": "secret", "uri": "URL"}
_PLAIN: Final = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}


def kind(schema: Schema, named: Named) -> str:
    """The type of a value in words, with its bounds."""
    return " or ".join(dict.fromkeys(_kinds(schema, named)))


def _kinds(schema: Schema, named: Named) -> Iterator[str]:
    if "quantity" in schema:
        number, text = schema["anyOf"]
        name, shown = _QUANTITIES[text["pattern"]]
        yield name + _bounds(number, shown)
    elif "discriminator" in schema:
        yield f"a section, by its `kind`: {listed(schema['discriminator']['mapping'])}"
    elif "$ref" in schema:
        yield named(_name(schema))
    elif "anyOf" in schema or "oneOf" in schema:
        ways = schema.get("anyOf") or schema["oneOf"]
        for way in sorted(ways, key=lambda way: way.get("type") == "null"):
            yield from _kinds(way, named)
    elif "enum" in schema:
        yield " or ".join(code(str(each)) for each in schema["enum"])
    elif "const" in schema:
        yield code(str(schema["const"]))
    else:
        yield _plain(schema, named)


def _plain(schema: Schema, named: Named) -> str:
    match schema.get("type"):
        case "null":
            return "`null`"
        case "array":
            return f"list of {kind(schema.get('items', {}), named)}"
        case "object":
            values = schema.get("additionalProperties")
            return f"mapping to {kind(values, named)}" if isinstance(values, Mapping) else "mapping"
        case "string" if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        case "string" | "integer" | "number" | "boolean" as name:
            return _PLAIN[name] + _bounds(schema, lambda bound: f"{bound:.16g}")
        case _:
            return "anything"


def _bounds(schema: Schema, shown: Callable[[float], str]) -> str:
    """The bounds of a number in parentheses; of a text none are told: its rule is in the meaning."""
    said = []
    if "exclusiveMinimum" in schema:
        said.append(f"more than {shown(schema['exclusiveMinimum'])}")
    elif schema.get("minimum", 0) > 0:
        said.append(f"at least {shown(schema['minimum'])}")
    if schema.get("maximum", _BOUNDLESS) < _BOUNDLESS:
        said.append(f"at most {shown(schema['maximum'])}")
    return f" ({', '.join(said)})" if said else ""


def default(schema: Schema, required: bool) -> str:
    """The default as it would stand in the file; a section's stands key by key in its own table."""
    if required:
        return "*required*"
    if "default" not in schema:
        return code(schema["default_kind"]) if "default_kind" in schema else ""
    value = schema["default"]
    if isinstance(value, Mapping) and value:
        return "as below"
    shown = _shown_as(schema)
    if isinstance(value, list):
        return code(f"[{', '.join(_written(each, shown) for each in value)}]")
    return code(_written(value, shown))


def _shown_as(schema: Schema) -> Callable[[float], str] | None:
    """How the numbers of a quantity are written, also within lists and beside null; None where it is no quantity."""
    if "quantity" in schema:
        return _QUANTITIES[schema["anyOf"][1]["pattern"]][1]
    ways: Iterable[Schema] = (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ()))
    return next((found for way in ways if (found := _shown_as(way)) is not None), None)


def _written(value: object, shown: Callable[[float], str] | None) -> str:
    if shown is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return shown(value)
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).removeprefix("#/$defs/")


def sections(schema: Schema) -> Iterator[tuple[str, str]]:
    """The names of the sections that a value may be, each with what its place is called: ``""``, or its kind."""
    if "discriminator" in schema:
        yield from ((at.removeprefix("#/$defs/"), kind) for kind, at in schema["discriminator"]["mapping"].items())
    elif "$ref" in schema:
        yield _name(schema), ""
    for way in schema.get("anyOf", ()):
        yield from sections(way)
    if "items" in schema:
        yield from ((name, f"{of}[]") for name, of in sections(schema["items"]))

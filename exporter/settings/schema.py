"""The JSON Schema of the configuration file."""

from __future__ import annotations

from typing import Any

from exporter.settings.tree import Settings

_DESCRIPTION = (
    "The configuration of exporter, as read by `exporter run --config FILE`. Any text may hold ${NAME} or "
    "${NAME:-default}, taken from the environment, and any scalar may be `!file PATH`, the text of a file, relative to "
    "the configuration file's folder. Both are filled in after parsing and before this schema's types apply; a number "
    "or a switch may therefore be written as text that reads as one. EXPORTER__QUEUE__PATH in the environment sets "
    "any scalar outside lists. A file in destinations_dir is one Destination."
)


def configuration_schema() -> dict[str, Any]:
    """A schema (draft 2020-12) that a configuration fulfils once ``${NAME}`` and ``!file`` are filled in."""
    schema = Settings.model_json_schema(mode="validation")
    schema.pop("description", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of exporter",
        "description": _DESCRIPTION,
        **{key: value for key, value in schema.items() if key not in {"title", "description"}},
    }

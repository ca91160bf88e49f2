"""``exporter schema``: the JSON Schemas of the configuration, for editors and other tools."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(schema)


def schema(
    destination: Annotated[
        bool, typer.Option("--destination", help="Of a file in destinations_dir, which holds one destination.")
    ] = False,
) -> None:
    """Print the JSON Schema of the configuration's main file.

    It accepts what `exporter check` accepts. An editor finds the one that is named at the top of a file:
    `# yaml-language-server: $schema=schema/exporter.json`.
    """
    from exporter.settings.schema import configuration_schema, destination_schema

    found = destination_schema() if destination else configuration_schema()
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))

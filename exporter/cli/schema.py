"""``exporter schema``: JSON Schemas of the configuration, and the control plane's document, for editors and tools."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def schema(
    destination: Annotated[
        bool,
        typer.Option("--destination", help="Print that of a file in destinations_dir, which holds one destination."),
    ] = False,
    tests: Annotated[bool, typer.Option("--tests", help="Print that of the files that `exporter test` reads.")] = False,
    openapi: Annotated[
        bool,
        typer.Option(
            "--openapi", help="Print the OpenAPI document of the control plane of `exporter serve`, its /openapi.json."
        ),
    ] = False,
) -> None:
    """Print the JSON Schema of the configuration's main file.

    It accepts what `exporter check` accepts. An editor finds the one that is named at the top of a file:
    `# yaml-language-server: $schema=schema/exporter.json`.
    """
    from exporter.cli.test.suite import tests_schema
    from exporter.settings.schema import configuration_schema, destination_schema

    if destination + tests + openapi > 1:
        raise typer.BadParameter("give one of --destination, --tests and --openapi")
    printed = destination_schema if destination else tests_schema if tests else configuration_schema
    if openapi:
        from exporter.daemon.serving.routes import document as printed
    typer.echo(json.dumps(printed(), indent=2, ensure_ascii=False))

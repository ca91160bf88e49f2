"""``exporter schema``: the JSON Schema of the configuration, for editors and other tools."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def schema(
    tests: Annotated[bool, typer.Option("--tests", help="That of the files that `exporter test` reads.")] = False,
) -> None:
    """Print the JSON Schema of the configuration."""
    if tests:
        from exporter.cli.test.suite import tests_schema as printed
    else:
        from exporter.settings.tree import configuration_schema as printed

    typer.echo(json.dumps(printed(), indent=2, ensure_ascii=False))

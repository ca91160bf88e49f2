"""Names of destinations for a shell that completes a command: fast, and silent whatever is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG


def destination_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The destinations of the configuration whose names begin with ``incomplete``, as far as it can be read."""
    from exporter.settings.loading.gathering import gather

    try:
        config = ctx.params.get("config") or os.environ.get("EXPORTER_CONFIG") or DEFAULT_CONFIG
        listed = gather(Path(config), os.environ, {}).data.get("destinations")
        names = [each.get("name") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    except Exception:
        return []
    return sorted(name for name in names if isinstance(name, str) and name.startswith(incomplete))


def words_being_completed() -> list[str] | None:
    """The words behind the command's name that a shell wants completed; None where no shell does."""
    if "_EXPORTER_COMPLETE" not in os.environ:
        return None
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    words = line.split()[1:]
    # The last word is not finished, so it may be the begin of another.
    return words if line[-1:].isspace() else words[:-1]

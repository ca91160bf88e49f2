"""Entry point of the ``exporter`` script; imports little, so that signals find it listening as early as can be."""

from __future__ import annotations

import sys

from exporter.daemon import signals


def main() -> None:
    """Run the command of ``sys.argv``."""
    if sys.argv[1:2] == ["run"]:
        signals.expect()
    from exporter.cli.commands import app

    app()

"""``--destination``, an option of commands that may look at some destinations only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from exporter.settings.destination import Destination
    from exporter.settings.tree import Settings

DestinationsOption = Annotated[
    list[str] | None,
    typer.Option("--destination", metavar="NAME", help="Only this destination; may be given more than once."),
]


def chosen(settings: Settings, names: Sequence[str]) -> list[Destination]:
    """The destinations of these names in the order of the configuration; all of them for no names.

    Raises:
        typer.BadParameter: there is no such destination; exits with 2.
    """
    from exporter.settings.loading.suggestions import guess

    known = {destination.name: destination for destination in settings.destinations}
    for name in names:
        if name not in known:
            there = ", ".join(known) or "there is none"
            hint = guess(name, list(known))
            raise typer.BadParameter(f"no destination is called {name!r} ({there}){hint}", param_hint="--destination")
    return [destination for destination in known.values() if not names or destination.name in names]

"""Names of destinations among a command's options: which there are, and the exit where a name is none of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from exporter.cli.shared.completion import destination_names

if TYPE_CHECKING:
    from exporter.settings.destination import Destination
    from exporter.settings.tree import Settings

#: The exit code for a command line that asks for what there is not (as click's ``UsageError``).
EXIT_USAGE: Final = 2
_NAMES_SHOWN = 20

DestinationsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--destination",
        metavar="NAME",
        help="Take only this destination; may be given more than once.",
        autocompletion=destination_names,
    ),
]


def chosen(settings: Settings, names: Sequence[str]) -> list[Destination]:
    """The destinations of these names in the order of the configuration; all of them for no names.

    Raises:
        typer.BadParameter: there is no such destination; exits with 2.
    """
    known = {destination.name: destination for destination in settings.destinations}
    for name in names:
        if name not in known:
            refuse_unknown(name, list(known), "--destination")
    return [destination for destination in known.values() if not names or destination.name in names]


def refuse_unknown(name: str, known: Sequence[str], option: str, what: str = "destination") -> NoReturn:
    """Refuse a ``name`` that ``option`` gives and that is none of the ``known`` names of ``what``.

    Raises:
        typer.BadParameter: always; exits with 2.
    """
    from exporter.sections.printable import printable
    from exporter.settings.loading.suggestions import guess

    more = len(known) - _NAMES_SHOWN
    there = ", ".join(known[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    hint = guess(name, known)
    reason = f"no {what} is called '{printable(name)}' ({there or 'there is none'}){hint}"
    raise typer.BadParameter(reason, param_hint=option)


def note_switched_off(destinations: Iterable[Destination]) -> None:
    """Say on stderr which of these destinations export nothing, since they are switched off."""
    for destination in destinations:
        if not destination.enabled:
            typer.echo(
                f"note: {destination.name} is switched off (enabled: false), so it exports nothing now", err=True
            )

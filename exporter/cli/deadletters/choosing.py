"""Which dead letters a command means: its options, and the refusal of destinations that are none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypeVar, get_args

import typer

from exporter.cli.shared.completion import destination_names
from exporter.cli.shared.destinations import refuse_unknown
from exporter.cli.shared.letters import with_state
from exporter.cli.shared.moments import moment
from exporter.sections.printable import printable
from exporter.state.letter import Filter, Reason

if TYPE_CHECKING:
    from exporter.settings.tree import Settings
    from exporter.state.dead_letters import DeadLetters

T = TypeVar("T")
#: No store gives a higher id.
MOST_ID: Final = 2**63 - 1
Ids = Annotated[
    list[int] | None,
    typer.Argument(metavar="ID", min=0, max=MOST_ID, help="Choose dead letters by their ids, as `list` shows them."),
]
DestinationOption = Annotated[
    str | None,
    typer.Option(
        "--destination",
        "-d",
        metavar="NAME",
        help="Choose those of this destination.",
        autocompletion=destination_names,
    ),
]
ReasonOption = Annotated[
    Reason | None,
    typer.Option("--reason", metavar="REASON", help=f"Choose those that ended for it: {', '.join(get_args(Reason))}."),
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", metavar="ID", help="Choose those of this profile, by its id.")
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="Choose those given up since then: RFC 3339, or an age such as 90s, 1h, 2d."
    ),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Choose those given up before then; as --since.")
]
OnlySuperseded = Annotated[
    bool, typer.Option("--only-superseded", help="Choose only those whose profile had a later state delivered.")
]


def chosen_letters(
    ids: list[int] | None,
    destination: str | None,
    reason: Reason | None,
    profile: str | None,
    since: str | None,
    until: str | None,
    *,
    only_superseded: bool = False,
) -> Filter:
    """The letters that the options mean. Exits with 2 where a time is none."""
    return Filter(
        ids=tuple(dict.fromkeys(ids or ())),
        destination=destination,
        reason=reason,
        profile_id=profile,
        since=moment("--since", since),
        until=moment("--until", until),
        superseded=True if only_superseded else None,
    )


def names_of(settings: Settings) -> list[str]:
    """The names of the configured destinations."""
    return [destination.name for destination in settings.destinations]


async def of_this_file(which: Filter, letters: DeadLetters, settings: Settings) -> Sequence[Filter]:
    """What of ``which`` is this configuration's; says what is left to others, who may share the state."""
    among = which.among(names_of(settings))
    if among != (which,) and (others := await letters.of_others(which, names_of(settings))):
        named = ", ".join(f"{name} ({count})" for name, count in others.items())
        typer.echo(
            f"note: left as they are, since the configuration has no such destination: dead letters of "
            f"{printable(named)}; --destination NAME says that they are meant",
            err=True,
        )
    return among


def refuse_unknown_destination(which: Filter, settings: Settings) -> None:
    """Exit with 2 where a destination is asked for that is not configured."""
    names = names_of(settings)
    if which.destination is not None and which.destination not in names:
        refuse_unknown(which.destination, names, "--destination")


async def refuse_stranger(which: Filter, letters: DeadLetters, settings: Settings) -> None:
    """As ``refuse_unknown_destination``, unless the destination has dead letters, as after a removal or a new name."""
    if not await letters.count(Filter(destination=which.destination)):
        refuse_unknown_destination(which, settings)


def with_letters(settings: Settings, use: Callable[[DeadLetters], Awaitable[T]], *, nothing: T) -> T:
    """As ``with_state``, on the store's letters."""
    return with_state(settings.state, "dead letters", lambda state: use(state.letters), nothing=nothing)

"""``exporter deadletters``: shows dead letters, asks for their replay, deletes letters (contract.md#dead-letters)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.daemon import SocketOption, TokenOption, UrlOption, daemon_of, settings_or_part
from exporter.cli.shared.destinations import refuse_unknown
from exporter.cli.shared.letters import (
    PAGE,
    confirm_deletion,
    refuse_all_by_accident,
    refuse_unattended,
    with_state,
)
from exporter.cli.shared.moments import moment
from exporter.sections.printable import printable
from exporter.state.letter import Filter, Reason

if TYPE_CHECKING:
    from exporter.cli.deadletters.replay import Report
    from exporter.settings.tree import Settings
    from exporter.state.dead_letters import DeadLetters

T = TypeVar("T")
Ids = Annotated[list[int] | None, typer.Argument(metavar="ID", help="Dead letters by id, as `list` shows them.")]
DestinationOption = Annotated[str | None, typer.Option("--destination", "-d", help="Of this destination.")]
ReasonOption = Annotated[Reason | None, typer.Option("--reason", help="That ended for this reason.")]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="Of this profile id.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Given up since: RFC 3339, or an age such as 90s, 1h, 2d.")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Given up before: as --since.")]
OnlySuperseded = Annotated[
    bool, typer.Option("--only-superseded", help="Only those whose profile had a later state delivered.")
]
AllOption = Annotated[bool, typer.Option("--all", help="All of them: needed where nothing else says which.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


deadletters = typer.Typer(help="Look at dead letters, replay them, delete them.", no_args_is_help=True)


@deadletters.command("list")
def list_letters(
    ids: Ids = None,
    config: ConfigOption = DEFAULT_CONFIG,
    destination: DestinationOption = None,
    reason: ReasonOption = None,
    profile: ProfileOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    only_superseded: OnlySuperseded = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, the oldest first.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List dead letters, without the events in them."""
    which = _filter(ids, destination, reason, profile, since, until, only_superseded=only_superseded)
    loaded = load_or_exit(config)

    async def print_pages(letters: DeadLetters) -> bool:
        """Whether a letter was printed."""
        from exporter.cli.deadletters.shown import as_object, rows
        from exporter.cli.shared.shown import json_text

        after, left = 0, limit
        while left != 0 and (page := await letters.page(which, after=after, limit=min(PAGE, left or PAGE))):
            if as_json:
                typer.echo("\n".join(json_text(as_object(letter)) for letter in page))
            else:
                typer.echo(rows(page, _names(loaded.settings)))
            after, left = page[-1].id, None if left is None else left - len(page)
        if not after:
            await _refuse_stranger(which, letters, loaded.settings)
        return bool(after)

    if not _with_letters(loaded.settings, print_pages, nothing=False):
        _refuse_unknown(which, loaded.settings)
        if not as_json:
            typer.echo("no dead letters", err=True)


@deadletters.command()
def show(
    letter_id: Annotated[int, typer.Argument(metavar="ID", help="The dead letter, as `list` shows it.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show all of one dead letter: also the event and the answer, which are personal data."""
    letter = _with_letters(load_or_exit(config).settings, lambda letters: letters.letter(letter_id), nothing=None)
    if letter is None:
        typer.echo(f"there is no dead letter {letter_id}", err=True)
        raise typer.Exit(1)
    from exporter.cli.deadletters.shown import whole, whole_object
    from exporter.cli.shared.shown import json_text

    typer.echo(json_text(whole_object(letter)) if as_json else whole(letter))


@deadletters.command()
def replay(
    ids: Ids = None,
    config: ConfigOption = DEFAULT_CONFIG,
    destination: DestinationOption = None,
    reason: ReasonOption = None,
    profile: ProfileOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    everything: AllOption = False,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Also those whose profile had a later state delivered: undoes it.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when each was delivered or failed again.")] = False,
    url: UrlOption = None,
    socket: SocketOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have dead letters sent again by the daemon, with the same Idempotency-Key.

    Those that are superseded are left out; without --destination and IDs, so are those of destinations that the
    configuration does not have. Without a running daemon they wait for its next start. With --url or
    --socket that daemon is asked for it, and no configuration is read, unless --wait is given, which follows the
    letters in the state of the configuration.
    """
    from exporter.cli.deadletters.replay import Report, ask_daemon, run_replay

    which = _filter(ids, destination, reason, profile, since, until)
    refuse_all_by_accident(chosen=which != Filter(), everything=everything)
    if (url is not None or socket is not None) and not wait:
        _shown(ask_daemon(daemon_of(config, url, socket), which, token, superseded=superseded), as_json, waited=False)
        return
    settings, whole = settings_or_part(config)

    async def ask(letters: DeadLetters) -> Report:
        if whole:
            await _refuse_stranger(which, letters, settings)
        daemon = daemon_of(config, url, socket)
        running = {each.name for each in settings.running} if whole else None
        among = await _of_this_file(which, letters, settings) if whole else (which,)
        return await run_replay(letters, which, among, running, daemon, superseded=superseded, wait=wait)

    nothing = Report(missing=len(which.ids))
    report = _with_letters(settings, ask, nothing=nothing)
    if report is nothing and whole:
        _refuse_unknown(which, settings)
    _shown(report, as_json, waited=wait)


def _shown(report: Report, as_json: bool, *, waited: bool) -> None:
    typer.echo(report.as_json(waited=waited) if as_json else report.text(waited=waited))
    if report.missing or report.failed:
        raise typer.Exit(1)


@deadletters.command()
def purge(
    ids: Ids = None,
    config: ConfigOption = DEFAULT_CONFIG,
    destination: DestinationOption = None,
    reason: ReasonOption = None,
    profile: ProfileOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    only_superseded: OnlySuperseded = False,
    everything: AllOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete dead letters for good.

    Without --destination and IDs, those of the destinations that the configuration has.
    """
    import json

    which = _filter(ids, destination, reason, profile, since, until, only_superseded=only_superseded)
    refuse_all_by_accident(chosen=which != Filter(), everything=everything)
    refuse_unattended(yes=yes)
    loaded = load_or_exit(config)

    async def counted_letters(letters: DeadLetters) -> int:
        await _refuse_stranger(which, letters, loaded.settings)
        return await letters.count(*await _of_this_file(which, letters, loaded.settings))

    there = _with_letters(loaded.settings, counted_letters, nothing=None)
    if there is None:
        _refuse_unknown(which, loaded.settings)
    confirm_deletion(there or 0, "dead letter", yes=yes)
    among = which.among(_names(loaded.settings))
    purged = _with_letters(loaded.settings, lambda letters: letters.purge(*among), nothing=0)
    typer.echo(json.dumps({"purged": purged}) if as_json else f"{purged} deleted")


def _filter(
    ids: list[int] | None,
    destination: str | None,
    reason: Reason | None,
    profile: str | None,
    since: str | None,
    until: str | None,
    *,
    only_superseded: bool = False,
) -> Filter:
    return Filter(
        ids=tuple(dict.fromkeys(ids or ())),
        destination=destination,
        reason=reason,
        profile_id=profile,
        since=moment("--since", since),
        until=moment("--until", until),
        superseded=True if only_superseded else None,
    )


def _names(settings: Settings) -> list[str]:
    return [destination.name for destination in settings.destinations]


async def _of_this_file(which: Filter, letters: DeadLetters, settings: Settings) -> Sequence[Filter]:
    """What of ``which`` is this configuration's; says what is left to others, who may share the state."""
    among = which.among(_names(settings))
    if among != (which,) and (others := await letters.of_others(which, _names(settings))):
        named = ", ".join(f"{name} ({count})" for name, count in others.items())
        typer.echo(
            f"note: left as they are, since the configuration has no such destination: dead letters of "
            f"{printable(named)}; --destination NAME says that they are meant",
            err=True,
        )
    return among


def _refuse_unknown(which: Filter, settings: Settings) -> None:
    """Exit with 2 where a destination is asked for that is not configured."""
    names = _names(settings)
    if which.destination is not None and which.destination not in names:
        refuse_unknown(which.destination, names, "--destination")


async def _refuse_stranger(which: Filter, letters: DeadLetters, settings: Settings) -> None:
    """``_refuse_unknown``, unless the destination has dead letters, as after a removal or a new name."""
    if not await letters.count(Filter(destination=which.destination)):
        _refuse_unknown(which, settings)


def _with_letters(settings: Settings, use: Callable[[DeadLetters], Awaitable[T]], *, nothing: T) -> T:
    """As ``with_state``, on the store's letters."""
    return with_state(settings.state, "dead letters", lambda state: use(state.letters), nothing=nothing)

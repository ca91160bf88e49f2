"""``exporter deadletters``: shows dead letters, asks for their replay, deletes letters (contract.md#dead-letters)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.deadletters.choosing import (
    MOST_ID,
    DestinationOption,
    Ids,
    OnlySuperseded,
    ProfileOption,
    ReasonOption,
    SinceOption,
    UntilOption,
    chosen_letters,
    names_of,
    of_this_file,
    refuse_stranger,
    refuse_unknown_destination,
    with_letters,
)
from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.daemon import SocketOption, TokenOption, UrlOption, daemon_of, settings_or_part
from exporter.cli.shared.letters import (
    PAGE,
    confirm_deletion,
    refuse_all_by_accident,
    refuse_unattended,
)
from exporter.cli.shared.look.help import Commands
from exporter.state.letter import Filter

if TYPE_CHECKING:
    from exporter.cli.deadletters.replay import Report
    from exporter.state.dead_letters import DeadLetters

AllOption = Annotated[
    bool, typer.Option("--all", help="Choose all of them, which must be said where nothing else says which.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


deadletters = Commands(help="Look at dead letters, replay, carry or delete them.", no_args_is_help=True)


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
    limit: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Stop after so many, the oldest first.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each, one a line.")] = False,
) -> None:
    """List dead letters, without the events in them.

    ANSWER is how what the partner answered begins, which is shortened on a terminal alone; `show` has the event, too.
    """
    which = chosen_letters(ids, destination, reason, profile, since, until, only_superseded=only_superseded)
    loaded = load_or_exit(config)

    async def print_pages(letters: DeadLetters) -> bool:
        """Whether a letter was printed."""
        from exporter.cli.deadletters.shown import COLUMNS, as_object, row
        from exporter.cli.shared.listing import Listing
        from exporter.cli.shared.shown import json_text

        listing = None if as_json else Listing(COLUMNS, "dead letter", "`show ID` shows a whole one")
        names = frozenset(names_of(loaded.settings))
        after, left = 0, limit
        while left != 0 and (page := await letters.page(which, after=after, limit=min(PAGE, left or PAGE))):
            answers = await letters.answers([letter.id for letter in page])
            if listing is None:
                typer.echo("\n".join(json_text(as_object(letter, answers)) for letter in page))
            else:
                rows = [row(letter, answers, names, is_whole=listing.is_whole) for letter in page]
                listing.show(rows, [letter.reason for letter in page])
            after, left = page[-1].id, None if left is None else left - len(page)
        if listing is not None:
            listing.end(limit)
        if not after:
            await refuse_stranger(which, letters, loaded.settings)
        return bool(after)

    if not with_letters(loaded.settings, print_pages, nothing=False):
        refuse_unknown_destination(which, loaded.settings)
        if not as_json:
            typer.echo("no dead letters", err=True)


@deadletters.command()
def show(
    letter_id: Annotated[
        int,
        typer.Argument(metavar="ID", min=0, max=MOST_ID, help="Name the dead letter by its id, as `list` shows it."),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show all of one dead letter.

    The event and the answer are shown too, which are personal data.
    """
    letter = with_letters(load_or_exit(config).settings, lambda letters: letters.letter(letter_id), nothing=None)
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
        bool,
        typer.Option("--superseded", help="Send also those whose profile had a later state delivered: undoes it."),
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return only when each was delivered or failed again.")] = False,
    url: UrlOption = None,
    socket: SocketOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the daemon send dead letters again.

    They have the same Idempotency-Key. Those that are superseded are left out; without --destination and IDs, so are
    those of destinations that the configuration does not have. Without a running daemon they wait for its next start.
    With --url or --socket that daemon is asked for it, and no configuration is read, unless --wait is given, which
    follows the letters in the state of the configuration.
    """
    from exporter.cli.deadletters.replay import Report, ask_daemon, run_replay

    which = chosen_letters(ids, destination, reason, profile, since, until)
    refuse_all_by_accident(chosen=which != Filter(), everything=everything)
    if (url is not None or socket is not None) and not wait:
        _shown(ask_daemon(daemon_of(config, url, socket), which, token, superseded=superseded), as_json, waited=False)
        return
    settings, whole = settings_or_part(config)

    async def ask(letters: DeadLetters) -> Report:
        if whole:
            await refuse_stranger(which, letters, settings)
        daemon = daemon_of(config, url, socket)
        running = {each.name for each in settings.running} if whole else None
        among = await of_this_file(which, letters, settings) if whole else (which,)
        return await run_replay(letters, which, among, running, daemon, superseded=superseded, wait=wait)

    nothing = Report(missing=len(which.ids))
    report = with_letters(settings, ask, nothing=nothing)
    if report is nothing and whole:
        refuse_unknown_destination(which, settings)
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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete dead letters for good.

    Without --destination and IDs, those of the destinations that the configuration has.
    """
    import json

    which = chosen_letters(ids, destination, reason, profile, since, until, only_superseded=only_superseded)
    refuse_all_by_accident(chosen=which != Filter(), everything=everything)
    refuse_unattended(yes=yes)
    loaded = load_or_exit(config)

    async def counted_letters(letters: DeadLetters) -> int:
        await refuse_stranger(which, letters, loaded.settings)
        return await letters.count(*await of_this_file(which, letters, loaded.settings))

    there = with_letters(loaded.settings, counted_letters, nothing=None)
    if there is None:
        refuse_unknown_destination(which, loaded.settings)
    confirm_deletion(there or 0, "dead letter", yes=yes)
    among = which.among(names_of(loaded.settings))
    purged = with_letters(loaded.settings, lambda letters: letters.purge(*among), nothing=0)
    typer.echo(json.dumps({"purged": purged}) if as_json else f"{purged} deleted")


@deadletters.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Name the file to write; - stands for stdout.")],
    ids: Ids = None,
    config: ConfigOption = DEFAULT_CONFIG,
    destination: DestinationOption = None,
    reason: ReasonOption = None,
    profile: ProfileOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    only_superseded: OnlySuperseded = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE, if it is there.")] = False,
) -> None:
    """Write dead letters with their events as JSON lines.

    They are personal data: only you may read the file, which is there once all is written. The letters stay where they
    are; `purge` deletes them.
    """
    from exporter.cli.deadletters.carrying import export_letters

    which = chosen_letters(ids, destination, reason, profile, since, until, only_superseded=only_superseded)
    settings = load_or_exit(config).settings
    of_it = Filter(destination=which.destination)
    if not with_letters(settings, lambda letters: letters.count(of_it), nothing=0):
        refuse_unknown_destination(which, settings)
    export_letters(settings, which, file, force=force)


@deadletters.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Name a file of `export`; - stands for stdin.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Store exported dead letters that are not there yet.

    They are durable when the command returns, and wait for `replay`. A letter that is there already stays as it is.
    Where a line is no exported letter, the command names the line, stores nothing and ends with 1. It works while the
    daemon runs, and without. What was delivered between export and import is not known: replaying what is older than
    that undoes it.
    """
    from exporter.cli.deadletters.carrying import import_letters

    import_letters(load_or_exit(config).settings, file, as_json=as_json)

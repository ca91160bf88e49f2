"""``exporter source deadletters``: shows bad records, replays them into the intake, deletes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption
from exporter.cli.shared.letters import (
    PAGE,
    confirm_deletion,
    refuse_all_by_accident,
    refuse_unattended,
    with_state,
)
from exporter.cli.shared.look.help import Commands
from exporter.cli.shared.moments import moment
from exporter.cli.source.meant import letter_name, meant
from exporter.sections.printable import printable
from exporter.state.bad_record import BadReason, BadRecordFilter

if TYPE_CHECKING:
    from exporter.cli.source.way_in import WayIn
    from exporter.state.bad_records import BadRecords

T = TypeVar("T")

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Choose bad records by their xactionId, as `list` shows them."),
]
SourceOption = Annotated[str | None, typer.Option("--source", help="Choose those of this source.")]
FlowOption = Annotated[str | None, typer.Option("--flow", help="Choose those of this flow, by name or id.")]
ReasonOption = Annotated[
    BadReason | None,
    typer.Option(
        "--reason", metavar="REASON", help=f"Choose those that are bad for it: {', '.join(get_args(BadReason))}."
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="Choose those kept since then: RFC 3339, or an age such as 90s, 1h, 2d."
    ),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Choose those kept before then; as --since.")
]
AllOption = Annotated[
    bool, typer.Option("--all", help="Choose all of them, which must be said where nothing else says which.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def deadletters_of(way_in: Callable[[Path], WayIn]) -> Commands:
    """The command; ``way_in`` reads the configuration in a file, and exits with 78 where that is wrong."""
    app = Commands(help="Look at bad records, replay them, delete them.", no_args_is_help=True)
    commands = _Commands(way_in)
    app.command("list")(commands.list_records)
    app.command("show")(commands.show)
    app.command("replay")(commands.replay)
    app.command("purge")(commands.purge)
    return app


@dataclass(frozen=True, slots=True)
class _Commands:
    way_in: Callable[[Path], WayIn]

    def list_records(
        self,
        names: Names = None,
        config: ConfigOption = DEFAULT_CONFIG,
        source: SourceOption = None,
        flow: FlowOption = None,
        reason: ReasonOption = None,
        since: SinceOption = None,
        until: UntilOption = None,
        newest: Annotated[bool, typer.Option("--newest", help="Begin with the newest.")] = False,
        limit: Annotated[
            int | None, typer.Option(min=1, help="Stop after so many, the oldest first unless --newest is given.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each, one a line.")] = False,
    ) -> None:
        """List bad records, without the data in them."""
        way_in = self.way_in(config)
        which = _meant(way_in, _filter(names, source, flow, reason, since, until))

        async def print_pages(records: BadRecords) -> bool:
            """Whether a bad record was printed."""
            from exporter.cli.shared.listing import Listing
            from exporter.cli.shared.shown import json_text
            from exporter.cli.source.shown import COLUMNS, as_object, row

            listing = None if as_json else Listing(COLUMNS, "bad record", "`show ID` shows a whole one")
            beyond, left = None, limit
            while left != 0:
                page = await records.page(which, beyond=beyond, limit=min(PAGE, left or PAGE), newest_first=newest)
                if not page:
                    break
                if listing is None:
                    typer.echo("\n".join(json_text(as_object(record)) for record in page))
                else:
                    rows = [row(record, is_whole=listing.is_whole) for record in page]
                    listing.show(rows, [record.reason for record in page])
                beyond, left = page[-1].id, None if left is None else left - len(page)
            if listing is not None:
                listing.end(limit)
            return beyond is not None

        if not _with_records(way_in, print_pages, nothing=False) and not as_json:
            typer.echo("no bad records", err=True)

    def show(
        self,
        name: Annotated[
            str, typer.Argument(metavar="NAME", help="Name the bad record by its xactionId, as `list` shows it.")
        ],
        config: ConfigOption = DEFAULT_CONFIG,
        as_json: JsonOption = False,
    ) -> None:
        """Show all of one bad record.

        What was sent is shown too, which is personal data.
        """
        way_in = self.way_in(config)
        record = _with_records(way_in, lambda records: records.record(letter_name(name)), nothing=None)
        if record is None:
            typer.echo(f"there is no bad record {printable(name)}", err=True)
            raise typer.Exit(1)
        from exporter.cli.shared.shown import json_text
        from exporter.cli.source.shown import whole, whole_object

        shown = json_text(whole_object(record, way_in.body_of)) if as_json else whole(record, way_in.body_of)
        typer.echo(shown)

    def replay(
        self,
        names: Names = None,
        config: ConfigOption = DEFAULT_CONFIG,
        source: SourceOption = None,
        flow: FlowOption = None,
        reason: ReasonOption = None,
        since: SinceOption = None,
        until: UntilOption = None,
        everything: AllOption = False,
        as_json: JsonOption = False,
    ) -> None:
        """Put bad records at the end of the intake again.

        They go through the mapping that their flow has by then. Each keeps its name and the time at which it was taken,
        and is a bad record until it is applied. Elements of batches that were refused were never taken, and are left
        out.
        """
        from exporter.cli.source.replay import Report, run_replay

        which = _filter(names, source, flow, reason, since, until)
        refuse_all_by_accident(chosen=which != BadRecordFilter(), everything=everything, words="names")
        way_in = self.way_in(config)
        which = _meant(way_in, which)
        nothing = Report(missing=len(which.names))
        report = _with_records(way_in, lambda records: run_replay(records, way_in, which), nothing=nothing)
        typer.echo(report.as_json() if as_json else report.text())
        if trouble := report.trouble():
            typer.echo(trouble, err=True)
        if trouble or report.missing:
            raise typer.Exit(1)

    def purge(
        self,
        names: Names = None,
        config: ConfigOption = DEFAULT_CONFIG,
        source: SourceOption = None,
        flow: FlowOption = None,
        reason: ReasonOption = None,
        since: SinceOption = None,
        until: UntilOption = None,
        everything: AllOption = False,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
        as_json: JsonOption = False,
    ) -> None:
        """Delete bad records for good, with what was sent.

        Where they had no room left, records are applied again.
        Without --yes it asks before.
        """
        import json

        which = _filter(names, source, flow, reason, since, until)
        refuse_all_by_accident(chosen=which != BadRecordFilter(), everything=everything, words="names")
        refuse_unattended(yes=yes)
        way_in = self.way_in(config)
        which = _meant(way_in, which)
        if not yes:
            there = _with_records(way_in, lambda records: records.count(which), nothing=0)
            confirm_deletion(there, "bad record", yes=yes)
        purged = _with_records(way_in, lambda records: records.purge(which), nothing=0)
        typer.echo(json.dumps({"purged": purged}) if as_json else f"{purged} deleted")


def _with_records(way_in: WayIn, use: Callable[[BadRecords], Awaitable[T]], *, nothing: T) -> T:
    """As ``with_state``, on the bad records."""
    return with_state(way_in.state, "bad records", lambda state: use(state.bad_records), nothing=nothing)


def _meant(way_in: WayIn, which: BadRecordFilter) -> BadRecordFilter:
    def count(of_it: BadRecordFilter) -> int:
        return _with_records(way_in, lambda records: records.count(of_it), nothing=0)

    return meant(which, way_in, count)


def _filter(
    names: list[str] | None,
    source: str | None,
    flow: str | None,
    reason: BadReason | None,
    since: str | None,
    until: str | None,
) -> BadRecordFilter:
    begin, end = moment("--since", since), moment("--until", until)
    return BadRecordFilter(
        names=tuple(dict.fromkeys(map(letter_name, names or ()))),
        source=source,
        flow=flow,
        reason=reason,
        since=None if begin is None else round(begin * 1000),
        until=None if end is None else round(end * 1000),
    )

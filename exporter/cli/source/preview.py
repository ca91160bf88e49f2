"""``exporter source preview``: what records would become, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.files_given import reading
from exporter.cli.source.violations import violation_lines
from exporter.sections.printable import printable

if TYPE_CHECKING:
    from exporter.cli.source.previewer import PreviewedRecord


def preview(
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="Name a flow of the configuration, by its id or name.")],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Read records: JSON lines, or records or lists of them over several lines; - stands for stdin.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each, one a line.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show what records would become if they were sent to FLOW.

    For each record: its XDM, whose it is, what is told, and what is wrong.
    The records are as they would be sent: raw, with a header around them, or XDM messages. Nothing is written, no
    server is asked, and no profile read: the event is that of a new profile, as if nobody had been heard of before.
    What is shown is personal data. Exits with 1 if a record would be refused, or become a bad record.
    """
    from exporter.cli.events.event_file import STDIN, events_in
    from exporter.cli.source.previewer import NoSuchFlow, RecordPreviewer

    settings = load_or_exit(config).settings
    try:
        previewer = RecordPreviewer(settings, flow)
    except NoSuchFlow as error:
        raise typer.BadParameter(printable(str(error)), param_hint="FLOW") from None
    count = unsound = 0
    with reading(file):
        for found in events_in([file]):
            count += 1
            previewed = previewer.preview(found.body)
            unsound += previewed.outcome in ("bad", "refused")
            typer.echo(_line(found.place, previewed) if as_json else _text(found.place, previewed))
    if not count:
        typer.echo(f"note: {'stdin' if file == STDIN else file.name} holds no record", err=True)
    raise typer.Exit(1 if unsound else 0)


def _line(place: str, previewed: PreviewedRecord) -> str:
    """A JSON object for scripts."""
    from exporter.cli.shared.shown import json_text

    record = previewed.record
    shown: dict[str, Any] = {"record": place, "outcome": previewed.outcome}
    if previewed.outcome != "refused":
        shown["dataset"] = previewed.dataset
    if previewed.reason:
        shown["reason"] = previewed.reason
    if previewed.detail:
        shown["detail"] = previewed.detail
    if previewed.xdm is not None:
        shown["xdm"] = previewed.xdm
    if record is not None:
        shown["operation"] = record.operation.value
        shown["identities"] = [
            {"namespace": each.namespace, "id": each.id, "primary": each.primary} for each in record.identities
        ]
        shown["memberships"] = [
            {"namespace": each.namespace, "id": each.id, "status": each.status} for each in record.memberships
        ]
        shown["event"] = previewed.event
    shown["errors"] = [{"destination": each.destination, "reason": each.reason} for each in previewed.errors]
    shown["warnings"] = [str(each) for each in previewed.warnings]
    shown["violations"] = [each.as_report() for each in previewed.violations]
    return json_text(shown)


def _text(place: str, previewed: PreviewedRecord) -> str:
    """The same for people: what it comes to, what goes with that, and the XDM."""
    import json

    lines = [f"# {place}: {_headline(previewed)}", *(f"#   {line}" for line in _notes(previewed))]
    shown = [printable(line) for line in lines]
    if previewed.xdm is not None:
        document = json.dumps(previewed.xdm, ensure_ascii=False, indent=2)
        shown += [printable(line) for line in document.splitlines()]
    return "\n".join(shown)


def _headline(previewed: PreviewedRecord) -> str:
    match previewed.outcome:
        case "applied" if previewed.record is not None:
            return f"applied ({previewed.record.operation.value}) to dataset {previewed.dataset}"
        case "aside":
            return f"counted only: dataset {previewed.dataset} is none of profiles"
        case "refused":
            return f"refused: {previewed.detail}"
        case _:
            return f"a bad record ({previewed.reason}): {previewed.detail}"


def _notes(previewed: PreviewedRecord) -> Iterator[str]:
    record = previewed.record
    if record is not None:
        for identity in record.identities:
            whose = " (primary)" if identity.primary else "" if record.links else " (not linked: an upsert)"
            yield f"identity {identity.namespace} {identity.id}{whose}"
        for membership in record.memberships:
            yield f"membership {membership.namespace} {membership.id} {membership.status}"
        yield f"event of a new profile: {_told(previewed.event)}"
    for error in previewed.errors:
        yield f"no value for {error.destination}: {error.reason}"
    yield from (f"warning: {warning}" for warning in previewed.warnings)
    for violation in previewed.violations:
        yield from (f"violation at {line}" for line in violation_lines(violation.as_report()))


def _told(event: Mapping[str, Any] | None) -> str:
    """What an event says that changed, in a line."""
    if event is None:
        return "none, since nothing changes"
    changes = event["changes"]
    segments = [f"{each['namespace']} {each['id']} {each['to']}" for each in changes["segments"]]
    said = {"segments": segments, "identities": changes["identities"], "attributes": changes["attributes"]}
    return "; ".join(f"{what} {', '.join(names)}" for what, names in said.items() if names)

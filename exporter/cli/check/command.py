"""``exporter check``: validates the configuration, prints the plan, and tries to reach every part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exporter.cli.check.notes import grouped, of_these
from exporter.cli.check.way_in import counts, planned_way_in, way_in_branches
from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.destinations import DestinationsOption, chosen
from exporter.cli.shared.look.tree import Branch, show_tree
from exporter.sections.printable import agreeing, counted, printable

if TYPE_CHECKING:
    from exporter.cli.check.connect import Checked
    from exporter.cli.shared.look.screen import Tone
    from exporter.settings.destination import Destination
    from exporter.settings.loading.load import Loaded
    from exporter.settings.masking import Masking
    from exporter.settings.tree import Settings

#: What stands before a step: FAILED, and a blank.
_RESULT_CHARACTERS = 7


def check(
    config: ConfigOption = DEFAULT_CONFIG,
    connect: Annotated[
        bool,
        typer.Option("--connect", help="Open the stores too, and try the ops port, DNS, TCP, TLS and one token."),
    ] = False,
    destination: DestinationsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Validate the configuration and print what would run.

    No profile is sent.
    The whole configuration is validated; with --destination only the named ones are shown and connected to, also those
    that are switched off, and the way in is not shown. Exits with 78 if the configuration is wrong, with 1 if something
    could not be reached.
    """
    loaded = load_or_exit(config)
    from exporter.daemon.serving.certificate import unusable_certificate
    from exporter.daemon.slots.certificates import unusable
    from exporter.settings.masking import masking_of_files

    settings = loaded.settings
    only = chosen(settings, destination or [])
    names = [each.name for each in settings.destinations]
    unusable_now = map(_not_now, unusable([each for each in only if each.enabled]))
    # With --connect it is a step of its own.
    certificate = None if destination or connect else unusable_certificate(settings.serve.tls)
    of_serve = [] if certificate is None else [_not_now(certificate, "`exporter serve`")]
    found = [*loaded.notes, *unusable_now, *of_serve, *_by_hand(settings, only, connect)]
    notes = of_these(found, [each.name for each in only], names)
    lines = grouped(notes, names)
    for note in lines:
        typer.echo(f"note: {note}", err=True)
    plan = planned(loaded, only)
    hiding = masking_of_files(loaded)
    way_in = {} if destination else planned_way_in(settings, hiding)
    if not as_json:
        _show(plan, way_in, settings, hiding)
    checked: list[Checked] = []
    if connect:
        from exporter.cli.check.listening import ops_port_refused

        checked, heard = _connected(settings, only if destination else None)
        checked += [refused] if (refused := ops_port_refused(settings, config)) is not None else []
        notes += heard
        lines += heard
    if as_json:
        results = {"connect": [asdict(result) for result in checked]} if connect else {}
        typer.echo(json.dumps({**plan, **way_in, "notes": notes, **results}, ensure_ascii=False))
    else:
        if connect:
            _show_steps(checked)
        typer.echo("\n" + _summary(plan, way_in, len(lines), checked if connect else None))
    if any(not result.ok for result in checked):
        raise typer.Exit(1)


def _not_now(problem: str, what: str = "it") -> str:
    return printable(f"{problem}: as long as this is so, {what} does not start, and a reload is refused")


def _summary(plan: dict[str, Any], way_in: dict[str, Any], notes: int, checked: Sequence[Checked] | None) -> str:
    """The result in a line."""
    enabled = sum(destination["enabled"] for destination in plan["destinations"])
    off = len(plan["destinations"]) - enabled
    parts = ["the configuration is valid", f"{enabled} enabled" + (f", {off} switched off" if off else "")]
    parts += [", ".join(counts(way_in))] if way_in else []
    parts += [counted(notes, "note")] if notes else []
    if checked is not None:
        failed = [result for result in checked if not result.ok]
        steps = f"{counted(len(checked), 'step')} of --connect"
        every = agreeing(len(checked), f"{steps} is ok", f"all {steps} are ok")
        parts.append(f"{len(failed)} of {steps} FAILED" if failed else every)
    return "; ".join(parts)


def _by_hand(settings: Settings, only: Sequence[Destination], connect: bool) -> Iterator[str]:
    """The destinations that an operator has paused; a state on a server is only asked where ``connect``."""
    from exporter.daemon.interventions import held_back
    from exporter.state.interventions import NO_INTERVENTION
    from exporter.state.kinds import known_interventions

    if not connect and settings.state.kind != "sqlite":
        return
    found = known_interventions(settings.state)
    for destination in only:
        pause = found.get(settings.group_of(destination.name), NO_INTERVENTION).pause
        if pause is not None:
            warning = held_back(settings.queue.kind, None)
            yield printable(f"{destination.name} is paused by an operator, {pause}: it sends nothing; {warning}")


def _connected(settings: Settings, only: Sequence[Destination] | None) -> tuple[list[Checked], list[str]]:
    """The result of each step, and the notes for people, which are also printed at once.

    ``only`` are the destinations that were named; None for all that are enabled.
    """
    import asyncio

    from exporter.cli.check.connect import check_connections

    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        typer.echo(f"note: {printable(text)}", err=True)

    return asyncio.run(check_connections(settings, note, only)), notes


def planned(loaded: Loaded, only: Sequence[Destination] | None = None) -> dict[str, Any]:
    """The plan as plain JSON values; without secrets, and without values of headers.

    ``only`` are the destinations to show; None for all.
    """
    from exporter.cli.check.section_text import as_values
    from exporter.settings.masking import masking_of_files

    settings, hiding = loaded.settings, masking_of_files(loaded)
    return {
        "queue": as_values(settings.queue, hiding),
        "state": as_values(settings.state, hiding),
        "ops": settings.ops.model_dump(mode="json"),
        "log": settings.log.model_dump(mode="json"),
        "tracing": settings.tracing.model_dump(mode="json"),
        "drain": settings.drain,
        "max_event_bytes": int(settings.max_event_bytes),
        "memory": int(settings.memory),
        "destinations": [_planned(loaded, each) for each in (settings.destinations if only is None else only)],
    }


def _planned(loaded: Loaded, destination: Destination) -> dict[str, Any]:
    from exporter.sections.urls import shown
    from exporter.settings.masking import masked, masking

    for_tokens = getattr(destination.auth, "proxy", None)
    return {
        "name": destination.name,
        "enabled": destination.enabled,
        "endpoint": masked(masking(loaded, destination).url(destination.url)),
        "headers": sorted(destination.headers),
        "auth": destination.auth.kind,
        "proxy": shown(destination.proxy) if destination.proxy is not None else None,
        "token_proxy": shown(for_tokens) if for_tokens not in (None, "none") else for_tokens,
        "start": destination.start,
        "segments": [{"namespace": segment.namespace, "id": segment.id} for segment in destination.segments],
        "attributes": list(destination.attributes),
        "segment_membership": destination.segment_membership,
        "identity_fields": list(destination.identity_fields),
        "include_segment_names": destination.include_segment_names,
        "include_segment_timestamps": destination.include_segment_timestamps,
        "triggers": list(destination.activate_on.triggers),
        "require_membership": destination.require_membership,
        "delivery": destination.delivery.model_dump(mode="json"),
    }


def _shared(settings: Settings, plan: dict[str, Any], hiding: Masking) -> Iterator[Branch]:
    """The plan for people: a line for each part that all destinations share."""
    from exporter.cli.check.section_text import as_text

    for name in ("queue", "state", "ops", "log"):
        yield Branch(name, as_text(getattr(settings, name), hiding))
    tracing = settings.tracing
    yield Branch("tracing", "off" if tracing.otlp_endpoint is None else as_text(tracing, hiding))
    running = sum(destination["enabled"] for destination in plan["destinations"])
    yield Branch("destinations", f"{running} enabled, {len(plan['destinations']) - running} switched off")


def _of_destination(destination: dict[str, Any]) -> Branch:
    """The plan for people: a block for a destination."""
    off = "" if destination["enabled"] else " (switched off)"
    below = [Branch(label, printable(value)) for label, value in _rows(destination)]
    return Branch("", printable(destination["name"] + off), below, "strong" if destination["enabled"] else "faint")


def _show(plan: dict[str, Any], way_in: dict[str, Any], settings: Settings, hiding: Masking) -> None:
    """Print the plan."""
    show_tree([replace(each, text=printable(each.text)) for each in _shared(settings, plan, hiding)])
    for destination in plan["destinations"]:
        typer.echo()
        show_tree([_of_destination(destination)])
    if way_in:
        typer.echo()
        show_tree([*way_in_branches(way_in, settings, hiding)])


def _show_steps(checked: Sequence[Checked]) -> None:
    """Print what came of each step, those that failed first."""
    typer.echo()
    ranked = sorted(checked, key=lambda result: result.ok)
    tones: dict[bool, Tone] = {True: "good", False: "bad"}
    steps = [
        Branch("ok" if each.ok else "FAILED", str(each), label_tone=tones[each.ok], tone="plain") for each in ranked
    ]
    show_tree(steps, label=_RESULT_CHARACTERS)


def _rows(destination: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from exporter.sections.written import size

    delivery = destination["delivery"]
    window = delivery["window"]
    extras = [
        what
        for key, what in (("include_segment_names", "names"), ("include_segment_timestamps", "timestamps"))
        if destination[key]
    ]
    gate = "members of a mapped segment" if destination["require_membership"] else "any profile"
    yield "endpoint", destination["endpoint"]
    yield "auth", destination["auth"]
    if destination["headers"]:
        yield "headers", ", ".join(destination["headers"])
    if destination["proxy"]:
        yield "proxy", destination["proxy"]
    if destination["token_proxy"]:
        yield "token proxy", destination["token_proxy"]
    yield "segments", _listed([f"{segment['namespace']}/{segment['id']}" for segment in destination["segments"]])
    yield "attributes", _listed(destination["attributes"])
    yield "sends", f"{destination['segment_membership']} memberships" + (f" with {', '.join(extras)}" if extras else "")
    yield "identities", ", ".join(destination["identity_fields"])
    yield "triggers", f"{', '.join(destination['triggers'])}; {gate}"
    yield "retries", f"after {', '.join(f'{seconds:g}' for seconds in delivery['retries'])} s"
    yield (
        "limits",
        f"{delivery['rate']:g} attempts/s, {delivery['concurrency']} in flight, {delivery['timeout']:g} s each",
    )
    yield "window", f"{counted(window['events'], 'event')}, {size(window['bytes'])}"


def _listed(items: list[str], most: int = 20) -> str:
    shown = ", ".join(items[:most]) or "none"
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"

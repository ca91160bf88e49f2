"""Asks for a replay, and follows the replay with ``--wait``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence

import msgspec
import typer

from exporter.cli.shared.daemon import Daemon
from exporter.cli.shared.daemon_port import NoDaemon, get_json, post_json
from exporter.cli.shared.destinations import EXIT_USAGE
from exporter.cli.shared.queue import fail
from exporter.daemon.ops.by_hand import REPLAY, Wanted
from exporter.sections.printable import agreeing, counted, printable
from exporter.state.dead_letters import DeadLetters
from exporter.state.letter import Filter

POLL_SECONDS = 0.3


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """The result: ``missing`` letters were named and are absent; the last five counts are known only after waiting."""

    asked: int = 0
    left_out: int = 0
    missing: int = 0
    delivered: int = 0
    failed: int = 0
    superseded_meanwhile: int = 0
    purged_meanwhile: int = 0
    excluded: int = 0

    def as_json(self, *, waited: bool) -> str:
        """A JSON object."""
        counts = msgspec.to_builtins(self)
        return json.dumps(counts if waited else {name: counts[name] for name in ("asked", "leftOut", "missing")})

    def text(self, *, waited: bool) -> str:
        """The report for people."""
        lines = [f"replay of {counted(self.asked, 'dead letter')} asked for"]
        if self.left_out:
            lines.append(
                f"{self.left_out} left out: a later state was delivered (--superseded sends them all the same)"
            )
        if self.missing:
            lines.append(f"{self.missing} of the ids {agreeing(self.missing, 'is', 'are')} not there")
        if waited:
            lines.append(f"{self.delivered} delivered, {self.failed} failed again")
        if self.superseded_meanwhile:
            lines.append(f"{self.superseded_meanwhile} not sent: a later state was delivered meanwhile")
        if self.purged_meanwhile:
            lines.append(f"{self.purged_meanwhile} purged meanwhile")
        if self.excluded:
            them = agreeing(self.excluded, "it", "them")
            lines.append(f"{self.excluded} not sent, and deleted: the configuration excludes {them} by now")
        return "\n".join(lines)


async def run_replay(
    letters: DeadLetters,
    which: Filter,
    among: Sequence[Filter],
    running: Collection[str] | None,
    daemon: Daemon,
    *,
    superseded: bool,
    wait: bool,
) -> Report:
    """Ask for the replay of ``among``, which is ``which`` where that is not narrower; with ``wait`` return when no
    letter waits any more.

    ``running`` are the enabled destinations, None where these are not known. Prints to stderr what keeps the replay
    from happening soon.

    Raises:
        StateUnavailable: the state cannot be reached.
    """
    asked = await letters.ask(*among, superseded=superseded)
    missing = len(which.ids) - await letters.count(Filter(ids=which.ids)) if which.ids else 0
    if asked.ids:
        _note_what_is_in_the_way(running, daemon, which.destination)
    if not wait:
        return Report(len(asked.ids), asked.left_out, missing)
    return msgspec.structs.replace(
        await _followed(letters, asked.ids, superseded=superseded),
        asked=len(asked.ids),
        left_out=asked.left_out,
        missing=missing,
    )


def ask_daemon(daemon: Daemon, which: Filter, token: str | None, *, superseded: bool) -> Report:
    """Have the daemon ask for the replay of ``which`` in its own state.

    Exits with 1 where no daemon does, and with 2 where it knows no such destination.
    """
    wanted = msgspec.to_builtins(Wanted.of(which, superseded=superseded))
    try:
        where, (status, answer) = daemon.ask(lambda where: post_json(where, REPLAY, wanted, token))
        if status == 200:
            return msgspec.convert(answer, Report)
        detail = answer.get("detail") or answer["error"]
    except NoDaemon as error:
        fail(str(error))
    except (msgspec.ValidationError, AttributeError, KeyError):
        fail(f"{where}{REPLAY} answers {status} and not what an exporter does")
    typer.echo(f"error: {printable(str(detail))}", err=True)
    raise typer.Exit(EXIT_USAGE if answer.get("reason") == "unknown" else 1)


async def _followed(letters: DeadLetters, ids: Sequence[int], *, superseded: bool) -> Report:
    """The counts of letters delivered, failed again, withdrawn since a later state was delivered, purged, excluded."""
    waiting = frozenset(ids)
    here: frozenset[int] = frozenset()
    delivered = purged = excluded = 0
    while waiting:
        progress = await letters.progress(tuple(waiting))
        unsent = progress.purged | progress.excluded
        delivered += len(waiting - progress.waiting - progress.here - unsent)
        purged += len(progress.purged)
        excluded += len(progress.excluded)
        here |= progress.here
        waiting = progress.waiting
        if waiting:
            await asyncio.sleep(POLL_SECONDS)
    meanwhile = await letters.count(Filter(ids=tuple(here), superseded=True)) if here and not superseded else 0
    return Report(
        delivered=delivered,
        failed=len(here) - meanwhile,
        superseded_meanwhile=meanwhile,
        purged_meanwhile=purged,
        excluded=excluded,
    )


def _note_what_is_in_the_way(running: Collection[str] | None, daemon: Daemon, destination: str | None) -> None:
    if destination is not None and running is not None and destination not in running:
        typer.echo(f"{destination} is not an enabled destination: its replay waits until it is", err=True)
    try:
        daemon.ask(lambda where: get_json(where, "/live"))
    except NoDaemon:
        typer.echo("no daemon answers: if none runs, the replay waits for its next start", err=True)

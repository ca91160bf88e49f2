"""Reloading of the way in: what is declared is compiled, then put in the place of the old in one turn of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from exporter.daemon.reload import Load, Telling
from exporter.daemon.serving.certificate import context_of
from exporter.daemon.serving.in_force import Compiler, prepared
from exporter.daemon.serving.objects import declared_objects, unfit
from exporter.daemon.serving.parts import ids_settled
from exporter.daemon.serving.pipeline import Pipeline
from exporter.settings.difference import same_but_for_files
from exporter.settings.loading.load import Loaded
from exporter.settings.tree import Settings
from exporter.source.collection.server.tls import RenewableContext
from exporter.source.processing.planes import doubled
from exporter.source.settings.serve import Serve, ServeTls
from exporter.state.port import StateUnavailable
from exporter.tasks.off_loop import off_loop
from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.logs import Log
from exporter.transport.tls.contexts import TlsFilesUnusable

#: Sections of which stores, queues and their rules are made at the start.
NEED_RESTART: Final = (
    "queue",
    "state",
    "intake",
    "profiles",
    "identities",
    "max_event_bytes",
    "bad_records_max_bytes",
)
#: Keys of ``ops`` by which the ops port of ``serve`` goes, too, from its opening on.
OF_OPS: Final = ("token", "hosts")
#: Keys of ``serve`` that are in force from the reload on; all others need a restart.
LIVE: Final = frozenset(
    {
        "public_url",
        "tls",
        "cors",
        "tokens",
        "ims",
        "org_id",
        "max_body",
        "hold",
        "overload_status",
        "rate",
        "sync_rate",
        "mapping_time",
        "drain",
    }
)


async def reload(
    old: Loaded,
    load: Load,
    pipeline: Pipeline,
    certificate: RenewableContext | None,
    log: Log,
    health: ConfigurationHealth,
) -> Loaded | None:
    """Change the running ``pipeline``, and the ``certificate`` of its listener; no record is refused meanwhile.

    Returns:
        The configuration that goes on; None where the old configuration does.
    """
    telling = Telling(log, health)
    new = await telling.read(load)
    if new is None:
        return None
    before, after = old.settings, new.settings
    if keys := needing_restart(before, after):
        telling.refused_until_restart(keys)
        return None
    try:
        context = await off_loop(context_of, after.serve.tls)
    except TlsFilesUnusable as error:
        reason = "certificates cannot be used as they are now; the old ones go on until they can"
        problems = [f"serve.tls: {error}"]
        telling.refused("unusable", problems, reason, problems=problems)
        return None
    try:
        ids = await ids_settled(pipeline.opened.state, after.sources)
    except StateUnavailable as error:
        problems = [f"state cannot be reached: {error.reason}"]
        telling.refused("unusable", problems, "the state keeps the ids of new sources, and is away", problems=problems)
        return None
    if (why := doubled(after.sources, ids)) is not None:
        telling.refused("unusable", [why], "an id was made for something else", problems=[why])
        return None
    renewed = ["ops.token"] if before.ops.token != after.ops.token else []
    if stale := [key for key in NEED_RESTART if getattr(before, key) != getattr(after, key)]:
        kept = {key: getattr(before, key) for key in stale}
        new = replace(new, settings=after.model_copy(update=kept))
    opened = pipeline.opened
    compiler = Compiler(after, ids, opened.compiler.kept)
    prepare = partial(prepared, compiler, pipeline.in_force, pipeline.taking)

    def beside() -> None:
        pipeline.taking.tokens = pipeline.tokens.judge(after.serve)
        pipeline.intake.hold_seconds = after.serve.hold
        opened.groups.update(after.groups)
        opened.groups.intersection_update(after.groups)
        if certificate is not None and context is not None:
            certificate.renew(context)

    try:
        unfit_ones = await pipeline.register.redeclare(declared_objects(new, ids), prepare, beside)
    except StateUnavailable as error:
        problems = [f"state cannot be reached: {error.reason}"]
        telling.refused("unusable", problems, "the state keeps what is made by API, and is away", problems=problems)
        return None
    if unfit_ones:
        problems = [unfit(unfit_ones)]
        telling.refused("unusable", problems, "what was made by API goes on with the old one", problems=problems)
        return None
    for note in new.notes:
        log.warning("note", detail=note)
    if stale or renewed:
        telling.stale([*stale, *renewed])
    health.applied()
    _tell(log, before, new.settings)
    return new


def _tell(log: Log, before: Settings, after: Settings) -> None:
    """Log which sources and keys the reload has changed."""
    was = {source.name: source for source in before.sources}
    now = {source.name: source for source in after.sources}
    both = [name for name in now if name in was]
    changed = [name for name in both if now[name] != was[name]]
    log.info(
        "reloaded",
        added=tuple(name for name in now if name not in was),
        removed=tuple(name for name in was if name not in now),
        changed=tuple(changed),
        same=len(both) - len(changed),
        keys=changed_keys(before, after),
    )


def changed_keys(before: Settings, after: Settings) -> Sequence[str]:
    """The keys that differ, the content of files included: those of ``serve`` one by one, and sources left out."""
    keys = [key for key in Settings.model_fields if getattr(before, key) != getattr(after, key)]
    of_serve = [f"serve.{key}" for key in Serve.model_fields if getattr(before.serve, key) != getattr(after.serve, key)]
    return [key for key in keys if key not in ("serve", "sources")] + of_serve


def needing_restart(before: Settings, after: Settings) -> Sequence[str]:
    """The keys that differ, and cannot while the process runs."""
    keys = [key for key in NEED_RESTART if not same_but_for_files(getattr(before, key), getattr(after, key))]
    ops = before.ops, after.ops
    keys += [f"ops.{key}" for key in OF_OPS if not same_but_for_files(*(getattr(each, key) for each in ops))]
    for key in Serve.model_fields:
        was, now = getattr(before.serve, key), getattr(after.serve, key)
        if key == "tls":
            # Whether there is TLS, and whether clients present a certificate, is settled when the port is opened.
            keys += [f"serve.tls.{name}" for name in ("cert_file", "client_ca_file") if _switched(was, now, name)]
        elif key not in LIVE and was != now:
            keys.append(f"serve.{key}")
    return keys


def _switched(was: ServeTls, now: ServeTls, name: str) -> bool:
    return (getattr(was, name) is None) != (getattr(now, name) is None)

"""Where ``exporter source send`` sends records: to which inlet, as which flow, with which token and certificates."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final

import typer

from exporter.cli.shared.daemon_port import NoDaemon, base_url
from exporter.cli.shared.queue import fail
from exporter.cli.source.posting import DataPlane
from exporter.cli.source.previewer import NoSuchFlow, found_flow
from exporter.daemon.serving.parts import ids_settled
from exporter.database import DatabaseRefused, DatabaseUnavailable
from exporter.sections.printable import printable
from exporter.sections.tls import Tls
from exporter.settings.tree import Settings
from exporter.source.processing.planes import Ids, ids_of, wanted
from exporter.state.kinds import open_state
from exporter.state.port import StateUnavailable

_INLET: Final = re.compile("[0-9a-f]{64}")


def is_inlet(text: str) -> bool:
    """Whether ``text`` can be an inlet's id, which says all that a sender must know but the host."""
    return _INLET.fullmatch(text) is not None


def addressed(settings: Settings, to: str, url: str | None, token: str | None, tls: Tls) -> DataPlane:
    """The data plane for records to ``to``: a flow by id or name, or a source by name or inlet, which says no flow.

    Exits with 2 where there is no such flow or source, with 1 where nobody knows where the server is.
    """
    serving = settings.serve
    ids = _ids(settings)
    flow_id, source = _found(settings, to, ids)
    static = serving.tokens.static
    if token is None and static and next(each for each in settings.sources if each.name == source).authentication:
        token = static[0].token.current()
    if url is None and serving.tls.cert_file is not None:
        url = serving.public_url
        if url is None:
            fail("the certificate of serve.tls is for a name that the configuration does not say: give --url")
    try:
        url = url or base_url(serving.host, serving.port, "serve.port")
    except NoDaemon as error:
        fail(str(error))
    return DataPlane(url.rstrip("/"), ids.inlets[source], flow_id, token, tls)


def _found(settings: Settings, to: str, ids: Ids) -> tuple[str | None, str]:
    """The id of the flow, None where ``to`` is a source, and the name of the source."""
    try:
        return found_flow(settings, to, ids.flows)
    except NoSuchFlow as error:
        for source in settings.sources:
            if to in (source.name, ids.inlets[source.name]):
                return None, source.name
        names = ", ".join(source.name for source in settings.sources)
        sources = f"; nor a source of this name or inlet; there are {names}" if names else ""
        raise typer.BadParameter(printable(f"{error}{sources}"), param_hint="FLOW|INLET") from None


def flows_of(settings: Settings) -> Mapping[str, str]:
    """The names of the flows by their ids; a flow whose id is not made yet stands there by its name."""
    if settings.state.exists():
        ids = _ids(settings).flows
    else:
        ids = ids_of(settings.sources, {name: given or name for name, given in wanted(settings.sources)}).flows
    return {
        ids[source.name, number]: flow.name for source in settings.sources for number, flow in enumerate(source.flows)
    }


def _ids(settings: Settings) -> Ids:
    """The ids of the configuration, and those that the server has made for what it leaves out."""
    given = dict(wanted(settings.sources))
    if all(id_ is not None for name, id_ in given.items() if not name.startswith("connection/")):
        return ids_of(settings.sources, {name: id_ or "" for name, id_ in given.items()})
    if not settings.state.exists():
        fail("the inlet or the flow has no id as yet: it is made when exporter serve is started first")

    async def made() -> Ids:
        async with open_state(settings.state) as state:
            return await ids_settled(state, settings.sources)

    try:
        return asyncio.run(made())
    except (DatabaseRefused, DatabaseUnavailable, StateUnavailable) as error:
        fail(f"the state, where the ids stand that were made, cannot be read: {error}")

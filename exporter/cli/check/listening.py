"""Whether the ops port can be listened on, or the very daemon of this configuration listens there already."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

from exporter.cli.check.connect import Checked
from exporter.cli.shared.daemon import daemon_with
from exporter.cli.shared.daemon_port import NoDaemon, get_json
from exporter.settings.tree import Ops, Settings
from exporter.transport.listening import opened_sockets


def ops_port_refused(settings: Settings, config: Path) -> Checked | None:
    """The step that failed, as `run` would fail; None where `run` could listen, or runs."""
    ops = settings.ops
    try:
        asyncio.run(_listen(ops))
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        if in_use and _runs(settings, config):
            return None
        why = "another process listens there" if in_use else error.strerror or "unknown error"
        return Checked(None, "ops", False, f"{ops.host} port {ops.port} cannot be listened on: {why}")
    return None


async def _listen(ops: Ops) -> None:
    """Listen for a moment, as the daemon's server does. Raises OSError where that cannot be."""
    async with opened_sockets(ops.host, ops.port, 1):
        pass


def _runs(settings: Settings, config: Path) -> bool:
    """Whether a daemon answers that runs this configuration."""
    try:
        daemon_with(settings, config).ask(lambda where: get_json(where, "/live"))
    except NoDaemon:
        return False
    return True

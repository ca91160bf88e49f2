"""Whether the ops port can be listened on, or the very daemon of this configuration listens there already."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from exporter.cli.check.connect import Checked
from exporter.cli.shared.daemon import daemon_with
from exporter.cli.shared.daemon_port import NoDaemon, get_json
from exporter.settings.tree import Ops, Settings


def ops_port_refused(settings: Settings, config: Path) -> Checked | None:
    """The step that failed, as `run` would fail; None where `run` could listen, or runs."""
    ops = settings.ops
    try:
        _listen(ops)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        if in_use and _runs(settings, config):
            return None
        why = "another process listens there" if in_use else error.strerror or "unknown error"
        return Checked(None, "ops", False, f"{ops.host} port {ops.port} cannot be listened on: {why}")
    return None


def _listen(ops: Ops) -> None:
    """Listen for a moment, with the options of the daemon's server. Raises OSError where that cannot be."""
    for family, kind, protocol, _, address in socket.getaddrinfo(
        ops.host, ops.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind(address)
            listening.listen(1)


def _runs(settings: Settings, config: Path) -> bool:
    """Whether a daemon answers that runs this configuration."""
    try:
        daemon_with(settings, config).ask(lambda where: get_json(where, "/live"))
    except NoDaemon:
        return False
    return True

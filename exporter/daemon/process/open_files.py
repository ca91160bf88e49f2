"""How many files, connections among them, this process may have open at a time."""

from __future__ import annotations

import resource
from contextlib import suppress

from exporter.outbox.shares import UNBOUNDED
from exporter.settings.tree import Settings

#: Databases, logs, the ops port, token requests, libraries.
_BESIDE = 100
#: Of the allowed files. A connection outlives its attempt by seconds: connections may outnumber attempts.
_FOR_CONNECTIONS = 0.5


def allow_all() -> int:
    """Raise the limit of open files as far as the system allows, and return the new limit.

    Most systems begin at 1,024, for the sake of programs that use select(2), which the exporter does not use.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS says "infinity" and refuses it.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft


def connections() -> int:
    """How many attempts all destinations together may have in flight, so that no attempt runs out of files."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNBOUNDED if allowed == resource.RLIM_INFINITY else int(_FOR_CONNECTIONS * max(0, allowed - _BESIDE))


def wanted(settings: Settings) -> int:
    """How many files are open when every destination has all its permitted attempts in flight, each on a connection."""
    return _BESIDE + sum(1 + destination.delivery.concurrency for destination in settings.running)


def note(settings: Settings, allowed: int) -> str | None:
    """A note for the operator where ``wanted`` is more than ``allowed``; None otherwise."""
    most = wanted(settings)
    if allowed == resource.RLIM_INFINITY or most <= allowed:
        return None
    return (
        f"with delivery.concurrency as it is, {most:,} files and connections may be open at a time, but the limit of "
        f"this process is {allowed:,} (ulimit -n): they get no more than half of it together"
    )

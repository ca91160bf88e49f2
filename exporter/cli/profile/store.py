"""The profile store for a command: opened, with failures in words; and the identity that a command names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from exporter.cli.shared.queue import fail
from exporter.settings.whereabouts import not_yet_made
from exporter.source.profiles.asking import asked_identity

if TYPE_CHECKING:
    from exporter.settings.tree import Settings
    from exporter.source.profiles.port import ProfileStore
    from exporter.source.records import Identity

Result = TypeVar("Result")


def with_profiles(
    settings: Settings, use: Callable[[ProfileStore], Awaitable[Result]], *, nothing: Result | None = None
) -> Result:
    """The result of ``use`` on the open store; ``nothing``, where that is given, where no store was ever made.

    Exits with 1 where the store cannot be used.
    """
    import asyncio

    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.source.profiles.kinds import open_profiles
    from exporter.source.profiles.port import ProfilesUnavailable

    if nothing is not None and not_yet_made(settings.profiles) is not None:
        return nothing

    async def run() -> Result:
        async with open_profiles(settings.profiles, settings.identities) as store:
            return await use(store)

    try:
        return asyncio.run(run())
    except (DatabaseRefused, DatabaseUnavailable, ProfilesUnavailable) as error:
        fail(f"the profiles cannot be used: {error}")


def identity_of(settings: Settings, namespace: str, id_: str) -> Identity:
    """The identity as profiles have it. Exits with 2 where it is none."""
    lowercase_ids = frozenset(each.lower() for each in settings.identities.lowercase_ids)
    identity = asked_identity(namespace, id_, lowercase_ids)
    if identity is None:
        raise typer.BadParameter("neither may be empty", param_hint="NAMESPACE ID")
    return identity

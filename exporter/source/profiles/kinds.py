"""The kinds of profile store that the configuration may name: a new kind is a member of the union, and a case here.

What a kind needs is imported when a store of that kind is opened, and not before.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from exporter.source.profiles.alone import Alone, alone_at
from exporter.source.profiles.port import ProfileStore
from exporter.source.profiles.settings import IdentitySettings, SqliteProfileSettings, rules_of

#: With a second kind: a union that is told apart by ``kind``.
ProfileSettings: TypeAlias = SqliteProfileSettings


def open_profiles(profiles: ProfileSettings, identities: IdentitySettings) -> AbstractAsyncContextManager[ProfileStore]:
    """Open the store that the sections ``profiles`` and ``identities`` of a configuration name.

    Raises:
        DatabaseRefused: the file cannot be used.
        DatabaseUnavailable: the file cannot be opened now.
    """
    from exporter.source.profiles.sqlite.store import open_sqlite

    return open_sqlite(profiles.path, rules_of(profiles, identities))


def profiles_alone(profiles: ProfileSettings) -> AbstractAsyncContextManager[Alone]:
    """Wait until no other process applies records to the store, by whatever intake. The store must have been opened.

    The places of two intakes would be right, but not what is told: each process would publish the other's events.

    Raises:
        DatabaseUnavailable: the file is not there.
        ProfilesUnavailable: the lock beside the file cannot be used.
    """
    return alone_at(profiles.path)

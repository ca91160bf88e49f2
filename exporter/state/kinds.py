"""The kinds of store for the state: a new kind is a member of the union, and a case of the functions below.

Each kind opens as a ``State``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import Field

from exporter.state.interventions import Intervention, Interventions
from exporter.state.made_ids import MadeIds
from exporter.state.made_objects import MadeObjects
from exporter.state.port import MappingTimes, Segment
from exporter.state.redis.settings import RedisStateSettings
from exporter.state.sqlite.settings import SqliteSettings

if TYPE_CHECKING:
    from exporter.state.bad_records import BadRecords
    from exporter.state.dead_letters import DeadLetters

StateSettings = Annotated[RedisStateSettings | SqliteSettings, Field(discriminator="kind")]


class State(Protocol):
    """An open store."""

    @property
    def identity(self) -> str:
        """A random name that the store has for good: two processes with the same name share the state."""
        ...

    async def check(self) -> None:
        """Return if the store can be read and written now.

        Raises:
            StateUnavailable: with the reason.
        """
        ...

    @property
    def letters(self) -> DeadLetters:
        """The dead letters."""
        ...

    @property
    def mapping_times(self) -> MappingTimes:
        """When segments were mapped."""
        ...

    @property
    def interventions(self) -> Interventions:
        """What operators have asked of destinations by hand."""
        ...

    @property
    def made_ids(self) -> MadeIds:
        """Ids that were made for what the configuration leaves out."""
        ...

    @property
    def made_objects(self) -> MadeObjects:
        """Objects that were made through the control plane."""
        ...

    @property
    def bad_records(self) -> BadRecords:
        """The records of the way in that could not be applied."""
        ...


def open_state(section: StateSettings) -> AbstractAsyncContextManager[State]:
    """Open the store that the section ``state`` of a configuration names, making its file where that is missing.

    Raises:
        DatabaseRefused: the file is not one of ours, damaged, or from a newer version.
        DatabaseUnavailable: the file cannot be reached or written now.
        StateUnavailable: Redis cannot be used now.
    """
    match section:
        case SqliteSettings():
            from exporter.state.sqlite.opening import open_sqlite

            return open_sqlite(section.path)
        case RedisStateSettings():
            from exporter.state.redis.opening import open_redis_state

            return open_redis_state(section)


def known_mapping_times(section: StateSettings, destination: str) -> Mapping[Segment, tuple[int, int]]:
    """(created, updated) in epoch milliseconds of each mapping that a daemon noted; none where Redis cannot tell.

    Makes and changes nothing. For commands: not to be called while an event loop runs.
    """
    match section:
        case SqliteSettings():
            from exporter.state.sqlite.opening import look_up_mapping_times as look_up_in_sqlite

            return look_up_in_sqlite(section.path, destination)
        case RedisStateSettings():
            from exporter.state.redis.opening import look_up_mapping_times as look_up_in_redis

            return look_up_in_redis(section, destination)


def known_interventions(section: StateSettings) -> Mapping[str, Intervention]:
    """What operators have asked of groups, by group; nothing where the state cannot be read. Makes and changes nothing.

    For commands: not to be called while an event loop runs.
    """
    match section:
        case SqliteSettings():
            from exporter.state.sqlite.opening import look_up_interventions as look_up_in_sqlite

            return look_up_in_sqlite(section.path)
        case RedisStateSettings():
            from exporter.state.redis.opening import look_up_interventions as look_up_in_redis

            return look_up_in_redis(section)

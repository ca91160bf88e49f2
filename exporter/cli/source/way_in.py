"""What the commands on bad records need of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from exporter.source.settings.intake import IntakeSettings
from exporter.state.bad_record import BadRecord
from exporter.state.kinds import StateSettings


def inlet_of(record: BadRecord) -> str:
    """The inlet, by which records stand in the intake where nothing else is configured."""
    return record.inlet


def whole(message: bytes) -> bytes:
    """The message as it stands in the intake."""
    return message


def no_flows() -> Mapping[str, str]:
    """The flows where nothing is configured."""
    return {}


@dataclass(frozen=True, slots=True)
class WayIn:
    """The sections, and how messages of the intake are read.

    Attributes:
        state: where bad records are kept.
        intake: the queue to whose end a replay puts them.
        groups: the groups that read the intake, which keep what they have not read.
        body_of: gives the record as it was sent of a message of the intake; None where the message cannot be read.
        lane_key: gives the key by which a record stands in the intake.
        sources: the names of what is configured.
        flows: gives the names of the flows by their ids, of which some may have to be read from ``state``.
    """

    state: StateSettings
    intake: IntakeSettings
    groups: Collection[str] = ()
    body_of: Callable[[bytes], bytes | None] = field(default=whole)
    lane_key: Callable[[BadRecord], str] = field(default=inlet_of)
    sources: Collection[str] = ()
    flows: Callable[[], Mapping[str, str]] = field(default=no_flows)

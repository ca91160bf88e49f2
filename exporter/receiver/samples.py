"""Sample profile-change events: seeded, realistic, and each with the expected fate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal, get_args

import orjson

from exporter.receiver.oracle import State
from exporter.receiver.reception import Reception

#: The segments, attributes and destination that ``config/demo.yaml`` names.
MAPPED_SEGMENTS = (
    "5b998cb9-9488-4ec3-8d95-fa8338ced490",
    "7841ba61-23c1-4bb3-a495-00d3g5fe1e93",
    "59bd2fkd-3c48-4b18-bf56-4f5c5e6967ae",
)
UNMAPPED_SEGMENTS = ("947c1c46-008d-40b0-92ec-3af86eaf41c1", "5114d758-ce71-43ba-b53e-e2a91d67b67f")
#: The first two tell the oracle which state of which profile a request holds.
MAPPED_ATTRIBUTES = (
    "loyalty.loyaltyID",
    "loyalty.version",
    "person.name.firstName",
    "person.name.lastName",
    "personalEmail.address",
    "loyalty.tier",
)
DESTINATION = "partner-crm"

Fate = Literal["exported", "no_trigger", "not_a_member", "other_destination", "malformed"]

_FIRST_NAMES = ("Ada", "Bo", "Chidi", "Daniela", "Emeka", "Freya", "Grace", "Hana", "Ines", "João", "Kemal", "Łucja")
_LAST_NAMES = ("Adeyemi", "Brun", "Costa", "Dvořák", "Eriksen", "Fontaine", "García", "Haddad", "Ito", "Jansen")
_CITIES = ("Lyon", "Porto", "Gdańsk", "Leeds", "Osaka", "Lagos", "Lima", "Turku")
_TIERS = ("bronze", "silver", "gold", "platinum")


@dataclass(frozen=True, slots=True)
class Sample:
    """An event for the queue, which came into being ``at`` (epoch seconds). The malformed sample has no profile."""

    event_id: str
    at: float
    profile_id: str | None
    state: State | None
    fate: Fate
    body: bytes = field(repr=False)


def identify(reception: Reception) -> State | None:
    """The state that a request made from a sample holds, or None for any other body."""
    try:
        loyalty = orjson.loads(reception.body)["loyalty"]
        return State(str(loyalty["loyaltyID"]), int(loyalty["version"]))
    except (ValueError, KeyError, TypeError):
        return None


def samples(profiles: int, *, seed: int = 0, now: Callable[[], float]) -> Iterator[Sample]:
    """Endless events of ``profiles`` profiles: all triggers, native and CloudEvents, some to be excluded.

    The 50th is malformed. ``now`` gives each event's ``occurredAt`` in epoch seconds.
    """
    random = Random(seed)  # noqa: S311 - sample data
    people = [_Person(f"p-{number:05}", random) for number in range(profiles)]
    number = 0
    while True:
        number += 1
        if number == 50:
            yield _malformed(f"sample-{seed}-{number}", now())
            continue
        person = random.choice(people)
        kind = random.choices(_KINDS, _WEIGHTS)[0]
        yield person.change(kind, f"sample-{seed}-{number}", now(), cloud_event=random.random() < 0.15)


def steady(profiles: int, *, seed: int = 0, now: Callable[[], float]) -> Iterator[Sample]:
    """Endless events of which each is exported, in turn for each profile: for tests under load."""
    random = Random(seed)  # noqa: S311 - sample data
    people = [_Person(f"p-{number:05}", random) for number in range(profiles)]
    for person in people:
        person.status[MAPPED_SEGMENTS[0]] = "realized"
    number = 0
    while True:
        for person in people:
            number += 1
            yield person.change("attribute", f"steady-{seed}-{number}", now(), cloud_event=False)


_Kind = Literal["segment", "unmapped_segment", "identity", "attribute", "unmapped_attribute", "backfill", "elsewhere"]
_KINDS: tuple[_Kind, ...] = get_args(_Kind)
_WEIGHTS = (40, 8, 12, 22, 10, 4, 4)


class _Person:
    """A profile that changes."""

    def __init__(self, profile_id: str, random: Random) -> None:
        self._random = random
        self.profile_id = profile_id
        self.version = 0
        self.first_name = random.choice(_FIRST_NAMES)
        self.last_name = random.choice(_LAST_NAMES)
        self.tier = random.choice(_TIERS)
        self.points = random.randrange(10_000)
        self.city = random.choice(_CITIES)
        self.ecids = [self._ecid()]
        self.status: dict[str, str] = {}
        self.entered: dict[str, str] = {}
        for segment in (*MAPPED_SEGMENTS, *UNMAPPED_SEGMENTS):
            if random.random() < 0.4:
                self.status[segment] = "realized"
                self.entered[segment] = _time(1_700_000_000 + random.randrange(60_000_000))

    def change(self, kind: _Kind, event_id: str, at: float, *, cloud_event: bool) -> Sample:
        """Change the profile, and say so in an event."""
        self.version += 1
        changes = self._changed(kind, at)
        fate = self._fate(kind)
        event: dict[str, Any] = {"changes": changes, "profile": self._document()}
        if kind == "elsewhere":
            event["destination"] = "another-destination"
        if cloud_event:
            event = {
                "specversion": "1.0",
                "id": event_id,
                "source": "exporter/samples",
                "type": "profile.changed",
                "time": _time(at),
                "subject": self.profile_id,
                "datacontenttype": "application/json",
                "data": event,
            }
        else:
            event = {"id": event_id, "profileId": self.profile_id, "occurredAt": _time(at), **event}
        state = State(self.profile_id, self.version)
        return Sample(event_id, at, self.profile_id, state, fate, orjson.dumps(event))

    def _changed(self, kind: _Kind, at: float) -> dict[str, Any]:
        match kind:
            case "segment":
                return {"segments": [self._move(self._random.choice(MAPPED_SEGMENTS), at)]}
            case "unmapped_segment":
                return {"segments": [self._move(self._random.choice(UNMAPPED_SEGMENTS), at)]}
            case "identity":
                self.ecids.append(self._ecid())
                del self.ecids[:-3]
                return {"identities": ["ecid"]}
            case "attribute":
                self.tier = self._random.choice(_TIERS)
                return {"attributes": ["loyalty.tier"]}
            case "unmapped_attribute":
                self.city = self._random.choice(_CITIES)
                self.points += 10
                return {"attributes": ["homeAddress.city", "loyalty.points"]}
            case "backfill" | "elsewhere":
                return {"backfill": True}

    def _move(self, segment: str, at: float) -> dict[str, Any]:
        """Enter the segment, or leave a segment that the profile is in."""
        before = self.status.get(segment)
        after = "exited" if before == "realized" else "realized"
        self.status[segment] = after
        self.entered[segment] = _time(at)
        return {"namespace": "ups", "id": segment, "from": before, "to": after}

    def _fate(self, kind: _Kind) -> Fate:
        """The fate to expect of a change, once it is made (contract.md#triggers)."""
        match kind:
            case "segment":
                return "exported"
            case "elsewhere":
                return "other_destination"
            case "unmapped_segment" | "unmapped_attribute":
                return "no_trigger"
            case "identity" | "attribute" | "backfill":
                member = any(self.status.get(segment) == "realized" for segment in MAPPED_SEGMENTS)
                return "exported" if member else "not_a_member"

    def _document(self) -> dict[str, Any]:
        """The profile as XDM."""
        login = f"{self.first_name}.{self.profile_id}".lower()
        return {
            "person": {"name": {"firstName": self.first_name, "lastName": self.last_name}},
            "personalEmail": {"address": f"{login}@example.com"},
            "homeAddress": {"city": self.city, "countryCode": "FR"},
            "loyalty": {
                "loyaltyID": self.profile_id,
                "version": self.version,
                "tier": self.tier,
                "points": self.points,
            },
            "segmentMembership": {
                "ups": {
                    segment: {"lastQualificationTime": self.entered.get(segment, _time(0)), "status": status}
                    for segment, status in self.status.items()
                }
            },
            "identityMap": {
                "ecid": [{"id": ecid, "authenticatedState": "ambiguous", "primary": False} for ecid in self.ecids],
                "crm": [{"id": self.profile_id, "authenticatedState": "authenticated", "primary": True}],
            },
        }

    def _ecid(self) -> str:
        return f"{self._random.randrange(10**37, 10**38)}"


def _malformed(event_id: str, at: float) -> Sample:
    """An event whose ``profileId`` is a number, so that the profile is not known."""
    event = {"id": event_id, "profileId": 42, "occurredAt": _time(at), "changes": {"backfill": True}, "profile": {}}
    return Sample(event_id, at, None, None, "malformed", orjson.dumps(event))


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

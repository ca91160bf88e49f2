"""The common material of the benchmarks: both kinds of body and their events, and a description of the machine."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

from exporter.queues.port import Outgoing
from exporter.telemetry.compilation import compiled

#: Placeholders for the values of an event; nothing else in an event is equal to a placeholder.
_ID, _PROFILE, _STATE = "«id»", "«profile»", "«state»"


@dataclass(frozen=True, slots=True)
class Body:
    """A kind of body: the events of which the body is built, and the mapping by which a destination builds it.

    Attributes:
        name: how tables and commands name the kind.
        event_bytes: about how long an event is; its note, which nobody maps, is as long as that takes.
        profile: the profile of every event, but for the note.
        written: the mapped attribute that an event writes; its value in ``profile`` is the placeholder of the state.
        mapping: the segments and attributes of a destination.
    """

    name: str
    event_bytes: int
    profile: Mapping[str, Any]
    written: str
    mapping: Mapping[str, Any]


def _realized(*segments: str) -> dict[str, Any]:
    membership = {"lastQualificationTime": "2022-01-11T21:24:39Z", "status": "realized"}
    return {"ups": dict.fromkeys(segments, membership)}


_FOUR_SEGMENTS = tuple(f"9b1f6c2e-48d7-4c05-8e3a-5d70c1a2b3e{number}" for number in range(4))

#: About 0.4 KB: one membership, one identity, six attributes.
SMALL = Body(
    name="small",
    event_bytes=1_000,
    profile={
        "person": {
            "name": {"firstName": "John", "lastName": "Doe"},
            "birthDate": "1980-01-01",
            "gender": "male",
        },
        "personalEmail": {"address": "john.doe@example.com"},
        "mobilePhone": {"number": "+33 1 23 45 67 89"},
        "crm": {"state": _STATE},
        "segmentMembership": _realized("a-segment"),
        "identityMap": {"ecid": [{"id": "14575006536349286404619648085736425115", "primary": True}]},
    },
    written="crm.state",
    mapping={
        "segments": ["a-segment"],
        "attributes": [
            "person.name.firstName",
            "person.name.lastName",
            "person.birthDate",
            "personalEmail.address",
            "mobilePhone.number",
            "crm.state",
        ],
    },
)
#: About 0.8 KB: four memberships, three identities in two namespaces, and a name that is an object.
LARGE = Body(
    name="large",
    event_bytes=1_200,
    profile={
        "person": {"birthDate": "1980-01-01", "name": {"firstName": "John", "lastName": "Doe"}},
        "personalEmail": {"address": "john.doe@example.com"},
        "check": {"state": _STATE},
        "segmentMembership": _realized(*_FOUR_SEGMENTS),
        "identityMap": {
            "ecid": [
                {"id": "14575006536349286404619648085736425115", "primary": True},
                {"id": "66478888669296734530114754794777368480"},
            ],
            "email_lc_sha256": [{"id": "655332b5fa2aea4498bf7a290cff017cb4d2a1f5"}],
        },
    },
    written="check.state",
    mapping={
        "segments": [*_FOUR_SEGMENTS],
        "attributes": ["person.birthDate", "person.name", "personalEmail.address", "check"],
    },
)
#: By name.
BODIES: Mapping[str, Body] = MappingProxyType({body.name: body for body in (SMALL, LARGE)})


class Events:
    """Makes events of a kind of body in which a mapped attribute was written, or an unmapped attribute.

    Values that differ from event to event are put between parts that are made once: at 30,000 events a second the
    publisher must not be the bottleneck.
    """

    def __init__(self, body: Body = SMALL, *, fires: bool = True) -> None:
        document: dict[str, Any] = {
            "id": _ID,
            "profileId": _PROFILE,
            "occurredAt": "2026-11-20T10:15:00Z",
            "changes": {"attributes": [body.written if fires else "loyalty.points"]},
            "profile": {**body.profile, "loyalty": {"points": 1, "note": ""}},
        }
        missing = body.event_bytes - len(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
        document["profile"]["loyalty"]["note"] = "x" * max(0, missing)
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        self._head, text = text.split(_ID)
        self._middle, text = text.split(_PROFILE)
        self._tail, self._end = text.split(f'"{_STATE}"')

    def __call__(self, id_: str, profile: str, state: int) -> Outgoing:
        """An event, keyed by its profile."""
        body = f"{self._head}{id_}{self._middle}{profile}{self._tail}{state}{self._end}"
        return Outgoing(profile, body.encode())

    def backlog(self, count: int, profiles: int) -> Iterator[Outgoing]:
        """So many events of so many profiles in turn."""
        for number in range(count):
            state, profile = divmod(number, profiles)
            yield self(f"e{number}", f"p{profile}", state)

    def at(self, number: int, profiles: int, *, timed: bool = False) -> Outgoing:
        """An event of a stream, which carries the time for ``lean_receiver.py`` where ``timed``."""
        state, profile = divmod(number, profiles)
        return self(f"e{number}@{time.monotonic_ns()}" if timed else f"e{number}", f"p{profile}", state)


def machine() -> dict[str, str]:
    """The origin of the numbers, which mean little elsewhere."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "aiohttp": version("aiohttp"),
        "uvloop": _version("uvloop"),
        "exporter": "compiled" if compiled() else "from source",
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie; 0.0 for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each number over several runs."""
    return {name: median(run[name] for run in runs) for name in runs[0]}


def report(title: str, numbers: Mapping[str, Mapping[str, Any]], as_json: bool) -> None:
    """Print the numbers of each measurement, and the machine's description."""
    if as_json:
        print(json.dumps({"benchmark": title, "machine": machine(), "numbers": numbers}))
        return
    print(title)
    for name, values in numbers.items():
        print(f"\n  {name}")
        spread = values.get("spread", {})
        for what, value in values.items():
            if what != "spread":
                bounds = f"  ({spread[what][0]:.3g} to {spread[what][1]:.3g})" if what in spread else ""
                print(f"    {what:<44} {_shown(value)}{bounds}")
    print("\n  machine: " + ", ".join(f"{what} {value}" for what, value in machine().items()))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(f"{each:g}" for each in value)
    return f"{'-':>12}" if value is None else f"{value:>12,.{1 if abs(value) >= 10 else 3}f}"

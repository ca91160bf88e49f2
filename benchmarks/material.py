"""The common material of the benchmarks: events, the destination's mapping, and a description of the machine."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from exporter.queues.port import Outgoing
from exporter.telemetry.compilation import compiled

SEGMENT = "a-segment"
#: Placeholders for the values of an event; nothing else in an event is equal to a placeholder.
_ID, _PROFILE, _STATE = "«id»", "«profile»", "«state»"

#: The mapping of the benchmarks' destinations: one segment and six attributes.
MAPPING: dict[str, Any] = {
    "segments": [SEGMENT],
    "attributes": [
        "person.name.firstName",
        "person.name.lastName",
        "person.birthDate",
        "personalEmail.address",
        "mobilePhone.number",
        "crm.state",
    ],
}


class Events:
    """Makes events of about ``size_bytes`` in which a mapped attribute was written, or an unmapped attribute.

    Values that differ from event to event are put between parts that are made once: at 30,000 events a second the
    publisher must not be the bottleneck.
    """

    def __init__(self, size_bytes: int, *, fires: bool = True, attribute: str = "crm.state") -> None:
        document: dict[str, Any] = {
            "id": _ID,
            "profileId": _PROFILE,
            "occurredAt": "2026-11-20T10:15:00Z",
            "changes": {"attributes": [attribute if fires else "loyalty.points"]},
            "profile": {
                "person": {
                    "name": {"firstName": "John", "lastName": "Doe"},
                    "birthDate": "1980-01-01",
                    "gender": "male",
                },
                "personalEmail": {"address": "john.doe@example.com"},
                "mobilePhone": {"number": "+33 1 23 45 67 89"},
                "crm": {"state": _STATE},
                "segmentMembership": {
                    "ups": {SEGMENT: {"lastQualificationTime": "2022-01-11T21:24:39Z", "status": "realized"}}
                },
                "identityMap": {"ecid": [{"id": "14575006536349286404619648085736425115", "primary": True}]},
                "loyalty": {"points": 1, "note": ""},
            },
        }
        missing = size_bytes - len(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
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
        for what, value in values.items():
            print(f"    {what:<44} {_shown(value)}")
    print("\n  machine: " + ", ".join(f"{what} {value}" for what, value in machine().items()))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(f"{each:g}" for each in value)
    return f"{'-':>12}" if value is None else f"{value:>12,.{1 if abs(value) >= 10 else 3}f}"

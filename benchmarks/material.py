"""What both benchmarks use: the events, the destination's mapping, and a description of the machine."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

SEGMENT = "a-segment"

#: What the benchmarks' destinations export: one mapped segment and six attributes.
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


def event(id_: str, profile: str, state: int, size_bytes: int, *, fires: bool = True) -> bytes:
    """An event of about ``size_bytes``: a mapped attribute was written, or one that nobody mapped."""
    document: dict[str, Any] = {
        "id": id_,
        "profileId": profile,
        "occurredAt": "2026-11-20T10:15:00Z",
        "changes": {"attributes": ["crm.state" if fires else "loyalty.points"]},
        "profile": {
            "person": {"name": {"firstName": "John", "lastName": "Doe"}, "birthDate": "1980-01-01", "gender": "male"},
            "personalEmail": {"address": "john.doe@example.com"},
            "mobilePhone": {"number": "+33 1 23 45 67 89"},
            "crm": {"state": state},
            "segmentMembership": {
                "ups": {SEGMENT: {"lastQualificationTime": "2022-01-11T21:24:39Z", "status": "realized"}}
            },
            "identityMap": {"ecid": [{"id": "14575006536349286404619648085736425115", "primary": True}]},
            "loyalty": {"points": state, "note": ""},
        },
    }
    missing = size_bytes - len(json.dumps(document, separators=(",", ":")))
    document["profile"]["loyalty"]["note"] = "x" * max(0, missing)
    return json.dumps(document, separators=(",", ":")).encode()


def machine() -> dict[str, str]:
    """Where the numbers come from: they mean little elsewhere."""
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
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie; 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each number over several runs."""
    return {name: median(run[name] for run in runs) for name in runs[0]}


def report(title: str, numbers: dict[str, dict[str, float]], as_json: bool) -> None:
    """Print the numbers of each measurement, and the machine's description."""
    if as_json:
        print(json.dumps({"benchmark": title, "machine": machine(), "numbers": numbers}))
        return
    print(title)
    for name, values in numbers.items():
        print(f"\n  {name}")
        for what, value in values.items():
            print(f"    {what:<40} {value:>12,.1f}")
    print("\n  machine: " + ", ".join(f"{what} {value}" for what, value in machine().items()))

"""The results, a file for each measurement: a measurement that fails costs no other results."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.material import machine
from benchmarks.processes import Failed, Missing

Numbers = Mapping[str, Any]


@dataclass
class Record:
    """The result of a measurement: the numbers, by what was measured, and why some are missing."""

    name: str
    numbers: dict[str, Any] = field(default_factory=dict)
    #: Failures with their reasons; programs that the machine lacks stand in ``missing`` instead.
    failed: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=machine)
    scale: str = "full"
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    seconds: float = 0.0

    def attempt(self, what: str, measure: Callable[[], Numbers]) -> Numbers | None:
        """Keep the result of ``measure`` under ``what``; None where ``measure`` failed, and the failure is kept."""
        say(f"{self.name}: {what}, after {self.seconds:.0f} s")
        with self.survives(what):
            found = self.numbers[what] = measure()
            return found
        return None

    @contextmanager
    def survives(self, what: str) -> Iterator[None]:
        """Keep any failure in the block, and raise none: the measurements behind the block are still made.

        Blocks may stand within each other; their time counts once.
        """
        before, begun = self.seconds, time.monotonic()
        try:
            yield
        except Missing as missing:
            self.missing[what] = str(missing)
            say(f"{self.name}: {what} is left out: {missing}")
        except (Exception, SystemExit) as failed:
            # Also a broker's assertion and a client's error.
            reason = str(failed) if isinstance(failed, Failed) else f"{type(failed).__name__}: {failed}"
            self.failed[what] = reason[:700]
            say(f"{self.name}: {what} failed: {reason}")
        finally:
            self.seconds = before + time.monotonic() - begun

    def write(self, folder: Path) -> None:
        """Write the record to ``<name>.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {**vars(self), "seconds": round(self.seconds, 1), "numbers": _rounded(self.numbers)}
        text = json.dumps(document, indent=1, ensure_ascii=False)
        (folder / f"{self.name.replace(' ', '-')}.json").write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Record]:
    """All records of a folder, by name."""
    documents = (json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json")))
    return {document["name"]: Record(**document) for document in documents}


def say(text: str) -> None:
    """Print progress to stderr."""
    print(text, file=sys.stderr, flush=True)


def _rounded(value: Any) -> Any:
    """``value`` with five digits, which is more than a machine repeats."""
    if isinstance(value, Mapping):
        return {str(key): _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value

"""All benchmarks, one after the other: results, tables and plots; for ``make bench``.

Each measurement is written when done, so a run that is stopped keeps the results so far. Measurements whose programs
are not installed are left out, with a word on the packages to install.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from benchmarks import plan
from benchmarks.cores import core_for_the_daemon
from benchmarks.report import write_report
from benchmarks.results import Record, read, say

HERE = Path(__file__).resolve().parent
QUICK_FOLDER = HERE.parent / "build" / "benchmarks"


def main() -> int:
    """The command line; 0 if every measurement that is possible on the machine was made."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of it, into build/benchmarks")
    parser.add_argument("--only", nargs="+", choices=plan.MEASUREMENTS, metavar="NAME", help="of: %(choices)s")
    parser.add_argument("--into", type=Path, help="folder of README.md and results/ (default: benchmarks)")
    parser.add_argument("--report", action="store_true", help="measure nothing: tables and plots from what is there")
    options = parser.parse_args()
    folder: Path = options.into or (QUICK_FOLDER if options.quick else HERE)
    folder.mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE:
        shutil.copy(HERE / "README.md", folder)
    # So that started processes are ended, and results are kept.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scale = plan.QUICK if options.quick else plan.FULL
    try:
        failed = [] if options.report else run(options.only, scale, folder / "results")
    except KeyboardInterrupt:
        say("stopped; what was measured is kept: --report makes tables of it")
        return 130
    for note in write_report(folder, read(folder / "results")):
        say(note)
    say(f"see {folder / 'README.md'}")
    return 1 if failed else 0


def run(only: list[str] | None, scale: plan.Scale, results: Path) -> list[str]:
    """Measure, and write each result at once; returns the failures."""
    begun = time.monotonic()
    failed = []
    names = [name for name in plan.MEASUREMENTS if only is None or name in only]
    with core_for_the_daemon() as core:
        if core is None:
            say("no core of its own for the daemon here: processes can't be pinned, or there is only one core")
        for number, name in enumerate(names, 1):
            say(f"[{number} of {len(names)}, after {time.monotonic() - begun:.0f} s] {name}")
            record = Record(name, scale=scale.name)
            try:
                plan.MEASUREMENTS[name](record, scale, core)
            finally:
                record.write(results)
            failed += [f"{name}, {what}: {why}" for what, why in record.failed.items()]
    say(f"measured in {time.monotonic() - begun:.0f} s" + "".join(f"\nfailed: {each}" for each in failed))
    return failed


if __name__ == "__main__":
    sys.exit(main())

"""Hostile bytes and plans never make the projector read or write where it must not: in C, under sanitizers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import islice
from pathlib import Path

import pytest
from compiled_build import ROOT
from profile_given import EXAMPLES, MIB, mapping, mapping_of

from exporter.profile.mapping import MappedSegment
from exporter.profile.native.plan import plan_of
from exporter.receiver.samples import samples

#: Of the run itself: in CI a minute, which is millions of inputs on a machine that has nothing else to do.
SECONDS = 60 if os.environ.get("CI") else 3
COMPILER = os.environ.get("CC", "gcc")
SANITIZED = ("-std=c11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.fixture
def fuzzer(tmp_path: Path) -> Path:
    if shutil.which(COMPILER) is None:
        pytest.skip(f"no {COMPILER} (Debian: gcc)")
    made = tmp_path / "fuzz_projector"
    source, headers = ROOT / "tests/profile/fuzz_projector.c", ROOT / "exporter/profile/native"
    command = [COMPILER, *SANITIZED, "-Wall", "-Wextra", "-Werror", f"-I{headers}", "-o", str(made), str(source)]
    compiled = subprocess.run(command, capture_output=True, text=True)
    if compiled.returncode and ("asan" in compiled.stderr or "ubsan" in compiled.stderr):
        pytest.skip(f"{COMPILER} lacks its sanitizers (Debian: libasan, with gcc)")
    assert compiled.returncode == 0, compiled.stderr
    return made


def corpus(folder: Path) -> list[Path]:
    """Events and plans, each in a file of its own."""
    events = [sample.body for sample in islice(samples(10, seed=1, now=lambda: 1_800_000_000.5), 60)]
    plans = [
        plan_of(
            mapping(
                attributes=("a.b", "a.c.d.e", "b", "person.name", "loyalty"),
                segments=(MappedSegment("ups", "s", "S", 1, 2, 3, 4), MappedSegment("AAM", "t")),
                identity_fields=("id", "primary", "x"),
                include_segment_names=True,
                segment_membership=which,
            ),
            MIB,
        )
        for which in ("all", "mapped")
    ]
    for example in EXAMPLES.glob("*.given.json"):
        given = json.loads(example.read_text(encoding="utf-8"))
        events.append(json.dumps(given["event"]).encode())
        plans.append(plan_of(mapping_of(given), MIB))
    files = []
    for number, content in enumerate([*events, *plans]):
        assert content is not None
        files.append(folder / f"{number}.{'event' if number < len(events) else 'plan'}")
        files[-1].write_bytes(content)
    return files


def test_nothing_makes_it_stray(fuzzer: Path, tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4))
    ran = subprocess.run(
        [fuzzer, str(SECONDS), str(seed), *corpus(tmp_path)], capture_output=True, text=True, timeout=SECONDS + 300
    )
    assert ran.returncode == 0, f"seed {seed}: {ran.stderr}"
    counted = json.loads(ran.stdout)
    print(counted)
    # It has been everywhere: events that are answered in each way, and plans that are none.
    assert all(counted.values()), counted

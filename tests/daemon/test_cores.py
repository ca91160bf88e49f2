"""How many workers ``auto`` is: a container's limit on processor time counts, not only the machine's cores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.daemon.process.cores import usable

BOUND = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("max 100000\n", BOUND),
        ("50000 100000\n", 1),
        ("100000 100000\n", 1),
        ("150000 100000\n", min(BOUND, 2)),
        (f"{100 * BOUND}00000 100000\n", BOUND),
        ("nonsense\n", BOUND),
        ("", BOUND),
        ("100000 0\n", BOUND),
    ],
)
def test_a_containers_limit(text: str, cores: int, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert usable(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", BOUND), ("100000", 1), ("150000", min(BOUND, 2))])
def test_a_containers_limit_in_the_older_version(quota: str, cores: int, tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert usable(tmp_path) == cores


@pytest.mark.parametrize(
    ("membership", "limited"),
    [
        ("0::/system.slice/exporter.service\n", "system.slice/exporter.service/cpu.max"),
        ("0::/system.slice/exporter.service\n", "system.slice/cpu.max"),
        ("1:memory:/\n2:cpu,cpuacct:/jobs/7\n0::/\n", "cpu/jobs/7/cpu.max"),
        # A container whose group is called as on its host, though it sees only its own.
        ("0::/docker/1f\n", "cpu.max"),
    ],
)
def test_the_limits_of_its_own_group_and_of_those_around_count(membership: str, limited: str, tmp_path: Path) -> None:
    (tmp_path / "membership").write_text(membership)
    assert usable(tmp_path, tmp_path / "membership") == BOUND
    (tmp_path / limited).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / limited).write_text("50000 100000\n")
    assert usable(tmp_path, tmp_path / "membership") == 1


@pytest.mark.parametrize("membership", ["1:memory:/other\n0::/\n", "0::/another\n", "", "nonsense\n"])
def test_the_limits_of_other_groups_do_not_count(membership: str, tmp_path: Path) -> None:
    (tmp_path / "membership").write_text(membership)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/cpu.max").write_text("50000 100000\n")
    assert usable(tmp_path, tmp_path / "membership") == BOUND


def test_without_any(tmp_path: Path) -> None:
    assert usable(tmp_path) == BOUND

"""How many cores the process may use: by CPU affinity and by the limits of the container or service."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def usable(mount: Path = _MOUNT, membership: Path = _MEMBERSHIP) -> int:
    """The number of usable cores, at least one.

    Args:
        mount: the folder of the control groups.
        membership: the file that names the control groups of the process (cgroups(7)).
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = [cores for folder in _groups(mount, membership) if (cores := _quota(folder)) is not None]
    return max(1, min([bound, *map(math.ceil, given)]))


def _groups(mount: Path, membership: Path) -> Iterator[Path]:
    """The folders of the control groups of the process, outer groups too: the limits of all groups hold.

    A container sees its own group as the root, whether or not ``membership`` calls the group so.
    """
    yield from (mount, mount / "cpu")
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        folder = mount / "cpu" if controllers else mount
        for part in Path(group).parts[1:]:
            folder /= part
            yield folder


def _quota(folder: Path) -> float | None:
    """The cores' worth of time that a group has; None without a limit."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
        # "max", or -1 in the older version, is no limit.
        return int(quota) / int(period) if quota.isdecimal() and int(period) > 0 else None
    except (OSError, ValueError):
        return None

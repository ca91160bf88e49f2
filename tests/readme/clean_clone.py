"""A copy of the work tree as a clean clone has it, and a shell in it that pastes snippets."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Collection, Sequence
from pathlib import Path

from fences import Fence
from ports import free_ports

ROOT = Path(__file__).parents[2]
#: Only so that a snippet that hangs ends at some time.
HANGS_SECONDS = 420


def copy_to(folder: Path) -> Path:
    """Copy all files that git tracks, and new ones that it does not ignore, to ``folder``; returns it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return folder


def other_ports(named: Collection[str]) -> dict[str, str]:
    """By each port that a page names, one that is free: the usual ones may be taken."""
    return dict(zip(named, map(str, free_ports(len(named))), strict=True))


def environment(home: Path) -> dict[str, str]:
    """What a snippet finds: this Python first on the path, and its packages in reach of a new environment's pip.

    So set-up is really done, by the same commands, but without a network: pip finds every dependency installed.
    """
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_QUIET": "1",
        # pip reads a negated flag: 0 means no isolation.
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


def paste(snippets: Sequence[Fence], clone: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Paste snippets into one bash in ``clone``, in their order; the first command that fails ends it.

    The last line of its stderr that begins with ``==`` names the snippet. What still runs in the background at the
    end is ended.
    """
    script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2> /dev/null || true; wait || true' EXIT"]
    for snippet in snippets:
        script.append(f"echo '== the snippet at line {snippet.line}' >&2")
        name, value = snippet.environment or ("", "")
        script.extend([f"export {name}={shlex.quote(value)}"] if name else [])
        script.append(snippet.text)
        script.extend([f"unset {name}"] if name else [])
    return subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=clone, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANGS_SECONDS,
    )  # fmt: skip

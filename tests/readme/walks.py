"""Runs the commands of a page, which begins and ends three processes, in one shell, as they are pasted."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from clean_clone import HANGS_SECONDS, ROOT, environment, other_ports
from fences import Fence

_END = "== end of snippet"


def walked(fences: Sequence[Fence], folder: Path) -> Iterator[tuple[Fence, str, Fence | None]]:
    """Each command, what it printed, and the snippet after it that shows what it prints, if one does.

    The configuration is that of the tutorials. Nothing but the ports differs from what is pasted, since the usual ones
    may be taken. Raises AssertionError where a command fails.
    """
    shutil.copytree(ROOT / "config", folder / "config")
    ports = other_ports(("8080", "8085", "8086", "9464", "9465"))
    config = folder / "config/tutorial.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "serve:\n",
        f"ops: {{port: {ports['9464']}}}\nserve:\n  ops: {{port: {ports['9465']}}}\n  api: {{port: {ports['8086']}}}\n",
    )
    for number in ("8080", "8085"):
        text = text.replace(f"127.0.0.1:{number}", f"127.0.0.1:{ports[number]}")
    config.write_text(text.replace("port: 8085", f"port: {ports['8085']}"), encoding="utf-8")
    script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2> /dev/null || true; wait || true' EXIT"]
    shell = [fence for fence in fences if fence.language == "sh"]
    for fence in shell:
        pasted = fence.text
        for number, port in ports.items():
            pasted = re.sub(rf"(127\.0\.0\.1:|--port ){number}\b", rf"\g<1>{port}", pasted)
        script += [pasted, f"echo; echo '{_END}'"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=HANGS_SECONDS,
    )  # fmt: skip
    logs = "".join(each.read_text(encoding="utf-8") for each in (folder / "data").glob("*.log"))
    assert done.returncode == 0, done.stderr + done.stdout + logs
    printed = done.stdout
    for number, port in ports.items():
        printed = printed.replace(f"127.0.0.1:{port}", f"127.0.0.1:{number}")
    for fence, text in zip(shell, printed.split(f"\n{_END}\n"), strict=False):
        after = fences[fences.index(fence) + 1 :]
        yield fence, text, after[0] if after and after[0].language != "sh" else None

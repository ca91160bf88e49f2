"""docs/testing-configuration.md: every snippet does what stands below it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from clean_clone import ROOT, environment

PAGE = (ROOT / "docs/testing-configuration.md").read_text(encoding="utf-8")
_FENCE = re.compile(r"^(?:<!-- exit: (\d+) -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_snippet_in_its_order(tmp_path: Path) -> None:
    fences = _FENCE.findall(PAGE)
    assert PAGE.count("\n```") == 2 * len(fences)
    kinds = [language for _, language, _ in fences]
    assert kinds[:2] == ["yaml", "yaml"]
    assert kinds[2:] == ["sh", "text"] * (len(kinds[2:]) // 2)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/exporter.yaml").write_text(fences[0][2], encoding="utf-8")
    (tmp_path / "config/exporter.test.yaml").write_text(fences[1][2], encoding="utf-8")
    for (code, _, script), (_, _, shown) in zip(fences[2::2], fences[3::2], strict=True):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.stdout, done.returncode) == (shown, int(code or 0)), done.stderr

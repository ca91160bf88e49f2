"""docs/flow-service.md: the commands from a first curl to a record that arrives, and what each prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

from clean_clone import ROOT
from fences import Fence, fences
from walks import walked

PAGE = (ROOT / "docs/flow-service.md").read_text(encoding="utf-8")
FENCES = fences(PAGE)
#: What differs from run to run: names of records, times, ids, and sizes of what holds them.
_VARYING = (
    (re.compile(r"\b\d{13}:\d+:\d+"), "NAME"),
    (re.compile(r"\b\d{13}\b"), "0"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{24,64}\b"), "ID"),
)


def unvarying(text: str) -> str:
    for pattern, stands in _VARYING:
        text = pattern.sub(stands, text)
    return text


def alike(printed: str, shown: Fence) -> bool:
    if shown.language == "text":
        return unvarying(printed).strip() == unvarying(shown.text).strip()
    return bool(json.loads(unvarying(printed)) == json.loads(unvarying(shown.text)))


def test_every_snippet_in_its_order(tmp_path: Path) -> None:
    assert PAGE.count("\n```") == 2 * len(FENCES) > 30
    assert all(fence.not_run is None and fence.language in ("sh", "json", "text") for fence in FENCES)
    for fence, printed, shown in walked(FENCES, tmp_path):
        as_shown = printed.strip() == "" if shown is None else alike(printed, shown)
        assert as_shown, f"the snippet at line {fence.line} printed {printed}"

"""docs/source.md: the commands from curl to an arrived export, in one shell and their order, and what each prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

from clean_clone import ROOT
from fences import Fence, fences
from walks import walked

from exporter.telemetry.source_metrics import MEANING

PAGE = (ROOT / "docs/source.md").read_text(encoding="utf-8")
#: What follows is the reference.
WALK = PAGE.partition("\n## Requests\n")[0]
FENCES = fences(WALK)
#: What differs from run to run: names of records, and times.
_NAME = re.compile(r"\b\d{13}:\d+:\d+")
_MOMENT = re.compile(r"\b\d{13}\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z")


def unvarying(text: str) -> str:
    return _MOMENT.sub("TIME", _NAME.sub("NAME", text))


def alike(printed: str, shown: Fence) -> bool:
    if shown.language == "text":
        return unvarying(printed) == unvarying(shown.text)
    known, found = (re.sub(r'("receivedTimeMs": ?)\d+', r"\1 0", each) for each in (shown.text, printed))
    return bool(json.loads(unvarying(known)) == json.loads(unvarying(found)))


def test_every_snippet_in_its_order(tmp_path: Path) -> None:
    assert WALK.count("\n```") == 2 * len(FENCES) > 30
    assert all(fence.not_run is None and fence.language in ("sh", "json", "text") for fence in FENCES)
    for fence, printed, shown in walked(FENCES, tmp_path):
        as_shown = printed.strip() == "" if shown is None else alike(printed, shown)
        assert as_shown, f"the snippet at line {fence.line} printed {printed}"


def test_the_metrics_that_it_names_are_those_that_there_are() -> None:
    named = set(re.findall(r"`(exporter_source_\w+)", PAGE))
    # A counter's ``_total`` is added where it is rendered.
    assert {name if name in MEANING else name.removesuffix("_total") for name in named} == set(MEANING)

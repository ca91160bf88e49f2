"""docs/source.md: the commands from curl to an arrived export, in one shell and their order, and what each prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

from clean_clone import ROOT
from fences import Fence, fences
from walks import walked

from exporter.telemetry.families.source import SOURCE

PAGE = (ROOT / "docs/source.md").read_text(encoding="utf-8")
#: What follows is the reference.
WALK = PAGE.partition("\n## Requests\n")[0]
FENCES = fences(WALK)
#: What differs from run to run: names of records, and times.
_NAME = re.compile(r"\b\d{13}:\d+:\d+")
_MOMENT = re.compile(r"\b\d{13}\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z")
#: As JSON shows them.
_NUMBER = re.compile(r'("(?:min|max|avg)Ms": ?|": ?(?=\d{13}\b))\d+')
#: The ids of runs and batches, which tell their hour, and etags.
_ID = re.compile(r'\b[0-9a-f]{8}-?[0-9a-f]{4}-?8[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}\b|\\"[0-9a-f-]{36}\\"')


def unvarying(text: str) -> str:
    return _MOMENT.sub("TIME", _NAME.sub("NAME", text))


def alike(printed: str, shown: Fence) -> bool:
    if shown.language == "text":
        return unvarying(printed) == unvarying(shown.text)
    # Where an hour ends meanwhile, a run is over.
    texts = (each.replace('"processing"', '"failed"') for each in (shown.text, printed))
    known, found = (json.loads(unvarying(_ID.sub("ID", _NUMBER.sub(r"\1 0", each)))) for each in texts)
    return bool(known == found)


def test_every_snippet_in_its_order(tmp_path: Path) -> None:
    assert WALK.count("\n```") == 2 * len(FENCES) > 30
    assert all(fence.not_run is None and fence.language in ("sh", "json", "text") for fence in FENCES)
    for fence, printed, shown in walked(FENCES, tmp_path):
        as_shown = printed.strip() == "" if shown is None else alike(printed, shown)
        assert as_shown, f"the snippet at line {fence.line} printed {printed}"


def test_the_metrics_that_it_names_are_there() -> None:
    named = set(re.findall(r"`(exporter_source_\w+)", PAGE))
    assert named
    assert named <= {family.shown for family in SOURCE.values()}

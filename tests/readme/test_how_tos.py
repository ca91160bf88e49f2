"""docs/how-to: each page is followed, in a folder of its own, and prints what it shows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from clean_clone import ROOT
from fences import fences
from how_to import Place

PAGES = sorted((ROOT / "docs/how-to").glob("*.md"))
#: What the pages' commands use beside the exporter, with the Debian package that has it.
PROGRAMS = {"curl": "curl", "jq": "jq", "openssl": "openssl"}


@pytest.fixture(autouse=True)
def needs_programs() -> None:
    lacking = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if lacking:
        pytest.skip(f"programs are missing (Debian: {', '.join(lacking)})")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_followed(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = fences(text)
    assert text.count("\n```") == 2 * len(found) > 0
    for ran in Place(tmp_path).run(found):
        assert ran.as_shown(), f"the snippet at line {ran.command.line} printed {ran.printed}"

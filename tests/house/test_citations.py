"""What code and docs cite exists: a section of a page, a file, an RFC; and nothing that a reader cannot open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THIS = Path(__file__).relative_to(ROOT)

#: Standards whose sections are cited with a paragraph sign.
STANDARDS = re.compile(r"(RFC \d+|CloudEvents|UAX #\d+)[^()\n.;]*§")
SECTION = re.compile(r"\b((?:docs/)?[a-z-]+(?:/[a-z-]+)*\.md)#([a-z0-9-]+)")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([a-z0-9-]+))?\)")
SOURCE = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.py)`")
PAGE = re.compile(r"\bdocs/[a-z/-]+\.md\b")


def files(*patterns: str) -> list[Path]:
    """Those of the project, also in a copy that is no repository; without what tools have cached."""
    found = {file.relative_to(ROOT) for pattern in patterns for file in ROOT.glob(pattern) if file.is_file()}
    return sorted(file for file in found if file != THIS and "__pycache__" not in file.parts)


CODE = files(
    *("exporter/**/*", "tests/**/*.py", "benchmarks/**/*.py", "reference/*.py", "hatch_build.py"),
    *("config/**/*", "Makefile", "mkdocs.yml", ".ci/*"),
)
PAGES = files("*.md", "docs/**/*.md", "benchmarks/*.md", "tests/**/*.md")


def anchors(markdown: str) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    found = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in found}


def dead_sections(text: str, at: Path) -> Iterator[str]:
    """What ``text``, which stands in the file ``at``, cites of a page and is not there."""
    for page, anchor in SECTION.findall(text):
        candidates = [folder / page for folder in (ROOT, ROOT / "docs", ROOT / "docs/reference", ROOT / at.parent)]
        file = next((candidate for candidate in candidates if candidate.is_file()), None)
        if file is None or anchor not in anchors(file.read_text(encoding="utf-8")):
            yield f"{page}#{anchor}"


@pytest.mark.parametrize("file", CODE, ids=str)
def test_code_cites_what_is_there(file: Path) -> None:
    try:
        text = (ROOT / file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    assert list(dead_sections(text, file)) == []
    assert [page for page in PAGE.findall(text) if not (ROOT / page).is_file()] == []
    assert "DESIGN" not in text
    assert re.search(r"\bseed 00\d", text) is None
    # A section of nothing in particular leads nowhere.
    assert [line for line in text.splitlines() if "§" in line and not STANDARDS.search(line)] == []


@pytest.mark.parametrize("file", PAGES, ids=str)
def test_pages_link_to_what_is_there(file: Path) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    for target, anchor in LINK.findall(text):
        if "://" in target:
            continue
        page = ROOT / file.parent / target if target else ROOT / file
        assert page.exists(), target
        assert not anchor or anchor in anchors(page.read_text(encoding="utf-8")), f"{target}#{anchor}"
    assert [page for page in PAGE.findall(text) if not (ROOT / page).is_file()] == []
    sources = [source for source in SOURCE.findall(text) if source.startswith(("exporter/", "tests/", "benchmarks/"))]
    assert [source for source in sources if not (ROOT / source).is_file()] == []


def test_the_makefile_names_tests_that_are_there() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"\btests/[\w/]+(?:\.py)?(?![\w*%])", text)
    assert len(named) > 4
    assert [name for name in named if not (ROOT / name).exists() and not name.endswith("test_")] == []


def test_the_page_on_architecture_names_files_of_the_package() -> None:
    named = SOURCE.findall((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))
    assert len(named) > 10
    below = [source if source.startswith(("exporter/", "tests/")) else f"exporter/{source}" for source in named]
    assert [source for source in below if not (ROOT / source).is_file()] == []


def test_the_checks_see_what_they_look_for() -> None:
    assert list(dead_sections("see contract.md#no-such-section", THIS)) == ["contract.md#no-such-section"]
    assert list(dead_sections("see nowhere.md#triggers", THIS)) == ["nowhere.md#triggers"]
    assert not list(dead_sections("see contract.md#triggers", THIS))
    assert not STANDARDS.search("as §3.1 says")
    assert STANDARDS.search("(RFC 9110 §5.5)")

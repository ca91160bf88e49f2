"""The site of docs/: built without a warning, whole, and nothing in it makes a browser ask another host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from built_site import addresses, elsewhere, page, styled

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(file.relative_to(DOCS) for file in DOCS.rglob("*.md"))

#: What the theme's script would fetch, and when: each is kept from it by the page's policy, and not asked for.
_THEME_WOULD = {
    "https://unpkg.com/mermaid@11/dist/mermaid.min.js": "a diagram of Mermaid",
    "https://unpkg.com/resize-observer-polyfill": "a browser of before 2020",
    "https://api.github.com/repos/${e}/${t}": "repo_url",
    "https://api.github.com/users/${e}": "repo_url",
    "https://${e}/api/v4/projects/${encodeURIComponent(t": "repo_url",
}
#: Names of vocabularies, and an address in the text of a warning.
_NAMES = ("http://www.w3.org/", "https://bit.ly/2s3ChXG")


def test_every_page_is_built_and_can_be_reached_from_the_navigation(site: Path) -> None:
    assert len(PAGES) > 20
    linked = {link.partition("#")[0] for link in page(site / "index.html").links}
    built = {str(file.with_suffix(".html")) for file in PAGES}
    assert [file for file in sorted(built) if not (site / file).is_file()] == []
    assert sorted(built - linked) == []


def test_no_page_fetches_from_elsewhere(site: Path) -> None:
    found = {file: page(file) for pattern in ("*.html", "*.svg") for file in site.rglob(pattern)}
    assert len(found) > len(PAGES)
    fetched = {file: [each for each in of.fetched if elsewhere(each)] for file, of in found.items()}
    assert {str(file): each for file, each in fetched.items() if each} == {}
    assert any(of.fetched for of in found.values()), "the check sees nothing"


def test_no_style_fetches_from_elsewhere(site: Path) -> None:
    styles = list(site.rglob("*.css"))
    assert styles
    assert [each for file in styles for each in styled(file.read_text(encoding="utf-8")) if elsewhere(each)] == []


def test_scripts_name_no_other_host_than_those_that_are_kept_from_them(site: Path) -> None:
    # Those of lunr are for searching in other languages than English.
    scripts = [file for file in site.rglob("*.js") if "lunr" not in file.parts]
    assert len(scripts) > 1
    named = {each for file in scripts for each in addresses(file.read_text(encoding="utf-8"))}
    assert {each for each in named if not each.startswith(_NAMES)} <= set(_THEME_WOULD)


def test_every_page_forbids_what_is_not_of_the_site(site: Path) -> None:
    for file in site.rglob("*.html"):
        of = page(file)
        assert len(of.policies) == 1, file
        assert of.policies[0].startswith("default-src 'self';")
        assert "http" not in of.policies[0]
        # Nor is any of it asked for.
        assert not {"mermaid", "md-source"} & of.classes, file


def test_every_anchor_is_where_the_markdown_says(site: Path) -> None:
    """Anchors of the site are those of code hosts, by which tests/house looks up links."""
    for file in PAGES:
        of = page(site / file.with_suffix(".html"))
        text = re.sub(r"^```.*?^```", "", (DOCS / file).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
        assert anchors <= of.ids, file


@pytest.mark.parametrize("file", PAGES, ids=str)
def test_lists_and_tables_are_read_as_such(site: Path, file: Path) -> None:
    """The site's Markdown wants a blank line before a list or a table, where a code host does not."""
    html = (site / file.with_suffix(".html")).read_text(encoding="utf-8")
    html = re.sub(r"<pre.*?</pre>|<script.*?</script>|<!--.*?-->", "", html, flags=re.DOTALL)
    paragraphs = re.findall(r"<(?:p|li)>(.*?)</(?:p|li)>", html, re.DOTALL)
    lines = [line for text in paragraphs for line in text.splitlines()]
    assert [line for line in lines if re.match(r"\s*(?:[*+-]|\d\.|\|.*\|$|```) ", line)] == []


@pytest.mark.parametrize(
    ("html", "fetched"),
    [
        ('<link rel="stylesheet" href="//fonts.example/a.css">', ["//fonts.example/a.css"]),
        ('<script src="https://cdn.example/a.js"></script>', ["https://cdn.example/a.js"]),
        ("<style>@import 'https://a.example/b';</style>", ["https://a.example/b"]),
        ("<style>i {background: url(http://a.example/c)}</style>", ["http://a.example/c"]),
        ('<svg><image href="https://a.example/x.png"/></svg>', ["https://a.example/x.png"]),
        ("<p style=\"background: url('https://a.example/x.png')\">", ["https://a.example/x.png"]),
        ('<a href="https://a.example">there</a><img src="own.png">', []),
        ('<link rel="canonical" href="https://own.example">', []),
    ],
)
def test_the_check_sees_what_it_looks_for(html: str, fetched: list[str], tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(html, encoding="utf-8")
    assert [each for each in page(file).fetched if elsewhere(each)] == fetched

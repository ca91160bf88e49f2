"""Writes the generated pages of the documentation: all of them, or those that are named."""

from __future__ import annotations

import sys
from pathlib import Path

from reference.pages import PAGES

DOCS = Path(__file__).parents[1] / "docs"


def main(names: list[str]) -> int:
    """Write the named pages, all where none is named; 2 where a name is none of a page."""
    if unknown := [name for name in names if name not in PAGES]:
        print(f"no such page: {', '.join(unknown)}; there are {', '.join(PAGES)}", file=sys.stderr)
        return 2
    for name in names or PAGES:
        page = PAGES[name]
        (DOCS / page.file).write_text(page.text(), encoding="utf-8")
        print(f"docs/{page.file}")
    return 0


sys.exit(main(sys.argv[1:]))

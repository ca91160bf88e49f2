"""docs/glossary.md: one word stands for one idea, so it stands there once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

GLOSSARY = Path(__file__).parents[2] / "docs/glossary.md"


def test_each_word_stands_there_once() -> None:
    rows = [line.split("|") for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    words = Counter(cells[1].strip() for cells in rows)
    del words["word"], words["---"]
    assert len(words) > 100
    assert [word for word, count in words.items() if count > 1] == []

"""Numbers agree with their nouns, everywhere by the same function."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import exporter
from exporter.sections.printable import agreeing, counted

PACKAGE = Path(exporter.__file__).parent
#: A plural that is put together by hand, as in ``event{'s' * (n != 1)}`` or ``if n == 1 else``, with words beside it.
_BY_HAND = re.compile(r"""\{['"]s['"]|['"](is|are|was|were|it|them)['"] if \w[\w.()]* == 1 else""")


@pytest.mark.parametrize(("number", "shown"), [(0, "0 events"), (1, "1 event"), (2, "2 events"), (2000, "2000 events")])
def test_a_noun_agrees_with_its_number(number: int, shown: str) -> None:
    assert counted(number, "event") == shown


def test_other_plurals_and_other_words_agree_too() -> None:
    assert [counted(number, "identity", "identities") for number in (1, 3)] == ["1 identity", "3 identities"]
    assert [agreeing(number, "is", "are") for number in (0, 1, 2, None)] == ["are", "is", "are", "are"]


@pytest.mark.parametrize("room", ["cli", "receiver"])
def test_no_message_makes_a_plural_by_hand(room: str) -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{number}"
        for file in sorted((PACKAGE / room).rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if _BY_HAND.search(line)
    ]
    assert found == []
    assert _BY_HAND.search("f\"{n} event{'s' * (n != 1)}\"")

"""Text from elsewhere can be shown: one line, nothing that moves a terminal, always encodable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sections.printable import printable
from exporter.state.letter import ANSWER_BYTES, shown_answer


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, 世界 🙂", "Grüße, 世界 🙂"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        (b"ok \xff\n", "ok \\xff\\n"),
    ],
)
def test_examples(text: str | bytes, shown: str) -> None:
    assert printable(text) == shown


@given(st.text() | st.text(st.characters(categories=["Cs", "Cc", "Cf"])) | st.binary())
def test_any_text_comes_out_printable_and_stays(text: str | bytes) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()
    assert printable(shown) == shown


@given(st.text(min_size=300, max_size=600))
def test_an_answer_is_cut_between_characters(text: str) -> None:
    answer = text.encode()
    kept = shown_answer(answer)
    assert kept.isprintable()
    whole = answer[:ANSWER_BYTES].decode(errors="ignore") if len(answer) > ANSWER_BYTES else text
    assert kept == printable(whole)

"""Endpoints that never answer cost their neighbours on the journal nothing (contract.md#guarantees, 4)."""

from __future__ import annotations

from pathlib import Path

from harness import Place
from isolation import nine_deliver_all_beside_two_that_never_answer


def test_nine_deliver_all_beside_two_that_never_answer(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        nine_deliver_all_beside_two_that_never_answer(place)

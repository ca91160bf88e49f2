"""Dead letters on the page: in groups of one answer, the largest first, and what is more than fits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from exporter.daemon.ops.document import document
from exporter.daemon.ops.page.particulars import GROUPS, alike, by_reason
from exporter.daemon.ops.page.run_sheets import WATCHED, RunSheets
from exporter.daemon.ops.page.sheets import Asked
from exporter.dataflow.dependencies import Clock
from exporter.settings.effective import Setting
from exporter.state.letter import Answered
from exporter.telemetry.attempts import Attempt
from exporter.telemetry.status import ConfigStatus, DataflowStatus


def letter(number: int, answer: str = "no such user", **more: Any) -> Answered:
    given: dict[str, Any] = {
        "id": number,
        "group": "exporter.crm",
        "lane": "j",
        "position": number,
        "destination": "crm",
        "profile_id": "p",
        "event_id": "e",
        "reason": "rejected",
        "detail": "HTTP 422",
        "status": 422,
        "attempts": 1,
        "first_at": 1.0,
        "at": 2.0,
        "superseded": False,
        "replay": "none",
        "answer": answer,
    }
    return Answered(**{**given, **more})


def test_letters_with_one_answer_are_one_group_and_the_largest_comes_first() -> None:
    letters = [
        letter(9, "once"),
        letter(8, replay="asked"),
        letter(7, superseded=True),
        letter(6),
        letter(5, destination="another"),
    ]
    many, once = alike(letters, ["crm"])
    assert (many.newest.id, many.letters, many.superseded, many.waiting) == (8, 3, 1, 1)
    assert (once.newest.id, once.letters, once.superseded, once.waiting) == (9, 1, 0, 0)


def test_groups_of_one_reason_are_one_and_the_newest_letter_stands_for_them() -> None:
    letters = [letter(9, "once"), letter(8, replay="asked"), letter(7, superseded=True), letter(3, "", reason="bug")]
    rejected, bug = by_reason(alike(letters, ["crm"]))
    assert (rejected.newest.id, rejected.letters, rejected.superseded, rejected.waiting) == (9, 3, 1, 1)
    assert (bug.newest.reason, bug.letters) == ("bug", 1)


class Particulars:
    """Has the letters that it is given; notes whose attempts are asked for."""

    def __init__(self, letters: Sequence[Answered] = ()) -> None:
        self._letters = letters
        self.asked: list[str] = []

    async def letters(self, destination: str | None) -> Sequence[Answered] | str:
        return self._letters

    async def attempts(self, destination: str) -> Sequence[Attempt] | str:
        self.asked.append(destination)
        return [Attempt(float(len(self.asked)), destination, "e", "p", 1, "delivered")]

    async def configuration(self, destination: str) -> Sequence[Setting] | None:
        return None


def sheets(particulars: Particulars, *names: str) -> RunSheets:
    flows = [DataflowStatus(name, "running") for name in names]
    return RunSheets(lambda: document(0.0, ConfigStatus(), flows), particulars, Clock(time.monotonic, time.time))


async def test_of_many_answers_the_rest_is_counted() -> None:
    letters = [letter(number, f"request {number}") for number in range(GROUPS + 5)]
    sheet = await sheets(Particulars(letters), "crm").sheet(Asked("/destinations/crm", signed_in=True))
    assert sheet is not None
    assert (len(sheet.values["letters"]), len(sheet.values["further"])) == (GROUPS, 5)
    assert sheet.values["looked_at"] == GROUPS + 5


async def test_attempts_are_those_at_the_first_destinations_the_latest_first() -> None:
    particulars = Particulars()
    names = [f"d{number}" for number in range(WATCHED + 4)]
    sheet = await sheets(particulars, *names).sheet(Asked("/", signed_in=True))
    assert sheet is not None
    assert particulars.asked == names[:WATCHED], "a parent asks a worker for each"
    assert [each.at for each in sheet.values["attempts"]] == [float(number) for number in range(WATCHED, 0, -1)]

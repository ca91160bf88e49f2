"""Actions from the page: each has a page that says what it does, whose form does it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from exporter.daemon.ops.actions import Posted
from exporter.daemon.ops.by_hand import WHY_LENGTH, Note, NotTaken, Wanted
from exporter.sections.printable import printable
from exporter.state.letter import Reason

Confirmed = Literal[Posted, "replay"]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
NO_FORM: Final = "this is no form of this page"
#: Who acts, as the status says it of a pause; more is not known of whoever has the token.
_BY: Final = "somebody at the page"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before an action: the button, and what pressing it means."""

    button: str
    meaning: str


QUESTIONS: Final[Mapping[Confirmed, Question]] = {
    "pause": Question(
        "Pause",
        "Nothing is sent to it until somebody resumes it. What is in flight finishes, and the rest stays in the queue, "
        "which may hold back what the queue can delete.",
    ),
    "resume": Question("Resume", "A pause by an operator ends. A pause for any other reason ends by itself."),
    "probe": Question(
        "Probe now",
        "One real export is sent now, instead of when the next probe is due. If it is taken, the pause ends.",
    ),
    "test": Question(
        "Send a test event",
        "A made-up profile, in every mapped segment and with every mapped attribute, goes through the queue to the "
        "partner, who really gets it. Its id begins with test:.",
    ),
    "replay": Question(
        "Replay dead letters",
        "Dead letters are sent again, with the same Idempotency-Key as before. Superseded ones, whose profile had a "
        "later state delivered, are left out unless you say so: they would undo that state.",
    ),
}
PATH: Final = re.compile(rf"/destinations/([^/]+)/confirm/({'|'.join(QUESTIONS)})")


def wanted(name: str, action: Confirmed, form: Mapping[str, str]) -> Note | Wanted | NotTaken:
    """What a form asks for; fields that it should not have are ignored."""
    if action == "replay":
        given = form.get("reason", "")
        reason = next((each for each in REASONS if each == given), None)
        if given and reason is None:
            return NotTaken(400, NO_FORM)
        return Wanted(destination=name, reason=reason, superseded=form.get("superseded") == "yes")
    why = printable(form.get("why", "").strip())[:WHY_LENGTH] if action == "pause" else ""
    return Note(name, action, why, _BY)

"""Dead letters as values: a new letter, a stored letter, and the filter of a command."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field, fields
from typing import Final, Literal, Self

from exporter.sections.printable import printable

#: Why an export ended as a dead letter (contract.md#operation).
Reason = Literal["malformed", "rejected", "retries_exhausted", "bug"]

#: Whether a replay waits: not at all, unless the letter is superseded before the replay is sent, or in any case.
Replay = Literal["none", "asked", "asked_superseded"]

#: Of an answer no more than the first bytes are kept.
ANSWER_BYTES: Final = 1024
#: An explanation is a sentence; a longer text holds a person's data.
DETAIL_CHARACTERS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLetter:
    """An event or export that failed for good.

    ``group``, ``lane`` and ``position`` say where the event stands on the queue and are the letter's key. ``detail``
    says where and why in words, ``status`` is the answer's if there was one, ``answer`` its body. ``first_at`` and
    ``at`` are epoch seconds: the first attempt (or when the event was read) and the verdict. ``superseded``: a later
    state of the profile was already delivered before the failure.
    """

    group: str
    lane: str
    position: int
    destination: str
    profile_id: str | None
    event_id: str
    body: bytes = field(repr=False)
    reason: Reason
    detail: str
    status: int | None
    attempts: int
    answer: bytes = field(default=b"", repr=False)
    first_at: float
    at: float
    superseded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A stored letter without the event and the answer; ``answer`` and ``body`` are asked for letter by letter."""

    id: int
    group: str
    lane: str
    position: int
    destination: str
    profile_id: str | None
    event_id: str
    reason: Reason
    detail: str
    status: int | None
    attempts: int
    first_at: float
    at: float
    superseded: bool
    replay: Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Summary):
    """A stored letter. ``answer`` is the first bytes of the answer with control characters escaped."""

    body: bytes = field(repr=False)
    answer: str = field(repr=False)

    @classmethod
    def of(cls, summary: Summary, *, body: bytes, answer: str) -> Self:
        """The letter of ``summary``, with the two large parts."""
        return cls(**{each.name: getattr(summary, each.name) for each in fields(summary)}, body=body, answer=answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The letters that a command means; None, and an empty ``ids``, leaves nothing out.

    ``since`` (from then on) and ``until`` (before then) are epoch seconds and compared with ``at``.
    """

    ids: tuple[int, ...] = ()
    destination: str | None = None
    reason: Reason | None = None
    profile_id: str | None = None
    since: float | None = None
    until: float | None = None
    superseded: bool | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The write is durable."""


@dataclass(frozen=True, slots=True)
class Full:
    """Nothing was stored: the destination's dead letters would take more than ``max_bytes``."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Not known whether stored: the store does not work now; the same call may succeed later."""

    reason: str


Outcome = Stored | Full | Unavailable


def shown_answer(answer: bytes) -> str:
    """The first ``ANSWER_BYTES`` of an answer as text that can be shown; no character is cut in two."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    return printable(decoder.decode(answer[:ANSWER_BYTES], final=len(answer) <= ANSWER_BYTES))


def shown_detail(detail: str) -> str:
    """An explanation as stored: one line of ``DETAIL_CHARACTERS`` at most."""
    text = printable(detail)
    return text if len(text) <= DETAIL_CHARACTERS else text[: DETAIL_CHARACTERS - 1] + "…"

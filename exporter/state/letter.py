"""Dead letters as values: a new letter, the letter as stores keep it, a stored letter, and the filter of a command."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NewType

from exporter.sections.printable import printable

#: Why an export ended as a dead letter (contract.md#operation).
Reason = Literal["malformed", "rejected", "retries_exhausted", "bug"]

#: Whether a replay waits: not at all, unless the letter is superseded before the replay is sent, or in any case.
Replay = Literal["none", "asked", "asked_superseded"]

#: Of an answer no more than the first bytes are kept.
ANSWER_BYTES: Final = 1024
#: No byte of an answer is shown as more characters than these: ``\x00``.
_SHOWN_CHARACTERS: Final = 4 * ANSWER_BYTES
#: An explanation is a sentence; a longer text holds a person's data.
DETAIL_CHARACTERS: Final = 1024
#: The size of a letter beside the counted bytes, roughly: numbers, indexes, the group's name.
OVERHEAD_BYTES: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every letter says of its event and the failure.

    ``group``, ``lane`` and ``position`` say where the event stands on the queue and are the letter's key. ``detail``
    says where and why in words, ``status`` is the answer's if there was one. ``first_at`` and ``at`` are epoch seconds:
    the first attempt (or when the event was read) and the verdict.
    """

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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLetter(Head):
    """An event or export that failed for good. ``body`` is the event's, ``answer`` the body of the answer.

    ``superseded``: a later state of the profile was delivered before the letter is stored, as before an import.
    """

    body: bytes = field(repr=False)
    answer: bytes = field(default=b"", repr=False)
    superseded: bool = False


#: A letter as every kind of store keeps letters; made by ``storable_letter``.
StorableLetter = NewType("StorableLetter", NewLetter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Head):
    """A stored letter without the event and the answer; ``answer`` and ``body`` are asked for letter by letter.

    ``superseded``: a later state of the profile was delivered.
    """

    id: int
    superseded: bool
    replay: Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Summary):
    """A stored letter without the event. ``answer`` is the first bytes of the answer, control characters escaped."""

    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Answered):
    """A stored letter, the event in ``body`` included."""

    body: bytes = field(repr=False)


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

    def among(self, destinations: Iterable[str]) -> tuple[Filter, ...]:
        """What these filters mean together are the letters of ``destinations``; ids, or a destination, stand as named.

        Another configuration may have letters in the same store.
        """
        if self.ids or self.destination is not None:
            return (self,)
        return tuple(replace(self, destination=name) for name in destinations)


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


def storable_letter(letter: NewLetter) -> StorableLetter:
    """``letter`` with texts that any store can keep, and no more of ``detail`` and ``answer`` than is kept."""
    return _storable_letter(letter, shown_answer(letter.answer))


def restorable_letter(letter: NewLetter) -> StorableLetter:
    """As ``storable_letter``, of a letter that was stored before: its answer is what ``shown_answer`` made of one."""
    return _storable_letter(letter, printable(letter.answer)[:_SHOWN_CHARACTERS])


def _storable_letter(letter: NewLetter, answer: str) -> StorableLetter:
    return StorableLetter(
        replace(
            letter,
            profile_id=None if letter.profile_id is None else storable(letter.profile_id),
            event_id=storable(letter.event_id),
            detail=shown_detail(letter.detail),
            answer=answer.encode(),
        )
    )


def size_bytes(letter: StorableLetter) -> int:
    """The bytes of a letter that count against the bound of a destination's letters."""
    texts = (letter.lane, letter.profile_id or "", letter.event_id, letter.detail)
    return OVERHEAD_BYTES + len(letter.body) + len(letter.answer) + sum(len(text.encode()) for text in texts)


def storable(text: str) -> str:
    """``text``, made printable where lone surrogates would keep the text from being stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return printable(text)
    return text


def shown_answer(answer: bytes) -> str:
    """The first ``ANSWER_BYTES`` of an answer as text that can be shown; no character is cut in two."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    return printable(decoder.decode(answer[:ANSWER_BYTES], final=len(answer) <= ANSWER_BYTES))


def shown_detail(detail: str) -> str:
    """An explanation as letters keep it: one line of ``DETAIL_CHARACTERS`` at most."""
    text = printable(detail)
    return text if len(text) <= DETAIL_CHARACTERS else text[: DETAIL_CHARACTERS - 1] + "…"

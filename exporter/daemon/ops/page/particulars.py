"""What is shown to whoever has the token, beside what ``/status`` says: attempts, answers, configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from exporter.daemon.ops.attempts import AttemptsDesk
from exporter.database import DatabaseRefused, DatabaseUnavailable
from exporter.settings.effective import Setting, effective
from exporter.settings.loading.load import Loaded
from exporter.state.kinds import State
from exporter.state.letter import Answered, Reason
from exporter.state.port import StateUnavailable
from exporter.tasks.off_loop import off_loop
from exporter.telemetry.attempts import Attempt

#: So many dead letters are looked at, the newest, for one page.
LETTERS: Final = 1000
#: Of an answer so many characters are shown.
ANSWER_CHARACTERS: Final = 300
#: So many groups are shown, the largest: an answer with the number of the request makes a group of each letter.
GROUPS: Final = 20


@dataclass(slots=True)
class LetterGroup:
    """Dead letters that are alike: of one destination, with one reason and one answer.

    Attributes:
        newest: the letter of them that was stored last.
        letters: how many they are.
        superseded: how many of them are.
        waiting: of how many a replay waits.
    """

    newest: Answered
    letters: int = 0
    superseded: int = 0
    waiting: int = 0

    @property
    def answer(self) -> str:
        """The beginning of the answer."""
        text = self.newest.answer
        return text if len(text) <= ANSWER_CHARACTERS else f"{text[:ANSWER_CHARACTERS]}…"


class Particulars(Protocol):
    """Asked only for whoever has the token. Nothing raises."""

    async def letters(self, destination: str | None) -> Sequence[Answered] | str:
        """The newest dead letters of one destination or of all; or why they cannot be had now, for people."""

    async def attempts(self, destination: str) -> Sequence[Attempt] | str:
        """The last attempts at a destination, the latest first; or why they cannot be had, for people.

        Every attempt is noted from then on, until nobody has looked for a while.
        """

    async def configuration(self, destination: str) -> Sequence[Setting] | None:
        """How a destination is configured, without secrets; None where no destination has the name."""


class OfProcess:
    """``Particulars`` of a process with the configuration ``loaded``, and of the state that ``opening`` opens.

    ``attempts`` are those that the process, or its workers, make.
    """

    def __init__(
        self,
        loaded: Callable[[], Loaded],
        opening: Callable[[], AbstractAsyncContextManager[State]],
        attempts: AttemptsDesk,
    ) -> None:
        self._loaded = loaded
        self._opening = opening
        self._attempts = attempts

    async def letters(self, destination: str | None) -> Sequence[Answered] | str:
        try:
            async with self._opening() as state:
                return await state.letters.latest(destination, limit=LETTERS)
        except (DatabaseRefused, DatabaseUnavailable, StateUnavailable) as error:
            return f"the state cannot be used now: {error}"

    async def attempts(self, destination: str) -> Sequence[Attempt] | str:
        return await self._attempts.latest(destination)

    async def configuration(self, destination: str) -> Sequence[Setting] | None:
        loaded = self._loaded()
        found = next((each for each in loaded.settings.destinations if each.name == destination), None)
        return None if found is None else await off_loop(effective, loaded, found)


def alike(letters: Sequence[Answered], destinations: Collection[str]) -> Sequence[LetterGroup]:
    """The letters of ``destinations``, newest first, in groups: the largest first."""
    groups: dict[tuple[str, Reason, str, str], LetterGroup] = {}
    for letter in letters:
        if letter.destination in destinations:
            key = (letter.destination, letter.reason, letter.detail, letter.answer)
            group = groups.setdefault(key, LetterGroup(letter))
            group.letters += 1
            group.superseded += letter.superseded
            group.waiting += letter.replay != "none"
    return sorted(groups.values(), key=lambda each: -each.letters)


def by_reason(groups: Sequence[LetterGroup]) -> Sequence[LetterGroup]:
    """Groups with one destination and reason as one, the largest first; the newest letter stands for them."""
    found: dict[tuple[str, Reason], LetterGroup] = {}
    for each in groups:
        group = found.setdefault((each.newest.destination, each.newest.reason), LetterGroup(each.newest))
        group.newest = max(group.newest, each.newest, key=lambda letter: letter.id)
        group.letters += each.letters
        group.superseded += each.superseded
        group.waiting += each.waiting
    return sorted(found.values(), key=lambda each: -each.letters)

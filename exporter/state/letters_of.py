"""One dataflow's dead letters in SQLite: stored, marked, replayed; what every event asks is answered from memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import apsw

from exporter.database import Database, DatabaseUnavailable
from exporter.state import rows
from exporter.state.letter import Full, Letter, NewLetter, Outcome, Stored, Unavailable
from exporter.state.profiles import Profiles

if TYPE_CHECKING:
    from exporter.state.deadletters import SqliteDeadLetters

#: What a probe writes at most: as much as what did not fit on the disk, within reason.
_PROBE_BYTES: Final = 1 << 20


class SqliteLettersOf:
    """``LettersOf`` in an open file. Nothing but ``put`` may be called before ``open`` has returned."""

    def __init__(
        self, shared: SqliteDeadLetters, database: Database, destination: str, group: str, max_bytes: int
    ) -> None:
        self._shared = shared
        self._database = database
        self._destination = destination
        self._group = group
        self._max_bytes = max_bytes
        self._profiles = Profiles()
        self._highest: dict[str, int] = {}
        self._in_hand: set[int] = set()
        self._refused_bytes = 0
        self._failed_bytes = 0

    async def open(self) -> None:
        """See ``LettersOf.open``."""
        destination, group = self._destination, self._group

        def load(connection: apsw.Connection) -> tuple[Profiles, dict[str, int], rows.Totals]:
            current = connection.execute(
                "SELECT DISTINCT profile_id FROM letters "
                "WHERE destination = ? AND superseded = 0 AND profile_id IS NOT NULL",
                (destination,),
            )
            highest = connection.execute(
                "SELECT lane, max(position) FROM letters WHERE group_name = ? GROUP BY lane", (group,)
            )
            profiles = Profiles(profile_id for (profile_id,) in current)
            return profiles, dict(highest), rows.totals(connection, destination)

        self._profiles, self._highest, totals = await self._shared.read(load)
        self._shared.learn(destination, totals)

    async def kept(self, lane: str, positions: Sequence[int]) -> frozenset[int]:
        """See ``LettersOf.kept``."""
        highest = self._highest.get(lane)
        if highest is None:
            return frozenset()
        known = [position for position in positions if position <= highest]
        if not known:
            return frozenset()
        return await self._shared.read(lambda connection: rows.kept(connection, self._group, lane, known))

    def concerns(self, profile_id: str) -> bool:
        """See ``LettersOf.concerns``."""
        return bool(self._profiles) and rows.storable(profile_id) in self._profiles

    async def put(self, letters: Sequence[NewLetter], supersede: Sequence[rows.Delivery] = ()) -> Outcome:
        """See ``LettersOf.put``."""
        fields = [rows.fields_of(letter) for letter in letters]
        # Before the write, so that "no" is right at every moment: a letter that was not stored only costs a look.
        for letter in letters:
            if letter.profile_id is not None and not letter.superseded:
                self._profiles.add(rows.storable(letter.profile_id))
            self._highest[letter.lane] = max(letter.position, self._highest.get(letter.lane, letter.position))
        added = self._profiles.last

        def write(connection: apsw.Connection) -> tuple[rows.Totals, Sequence[str]] | int:
            size = rows.totals(connection, self._destination)[1]
            more = rows.growth(connection, fields)
            # One that is larger than all the room there is may have it for itself: it would never fit.
            alone = not size and len(fields) == 1
            if more > 0 and size + more > self._max_bytes and not alone:
                return more
            rows.put(connection, fields)
            none_left = rows.supersede(connection, self._destination, self._group, supersede)
            return rows.totals(connection, self._destination), none_left

        try:
            written = await self._database.write(write)
        except DatabaseUnavailable as error:
            self._failed_bytes = sum(row["bytes"] for row in fields)
            return Unavailable(error.reason)
        if isinstance(written, int):
            self._refused_bytes = written
            return Full()
        totals, none_left = written
        self._shared.learn(self._destination, totals)
        for profile_id in none_left:
            self._profiles.discard(rows.storable(profile_id), added)
        self._refused_bytes = self._failed_bytes = 0
        return Stored()

    async def requested(self, limit: int) -> Sequence[Letter]:
        """See ``LettersOf.requested``."""
        if not await self._shared.asked_of(self._destination):
            return ()
        in_hand = frozenset(self._in_hand)
        letters = await self._shared.read(
            lambda connection: rows.requested(connection, self._destination, in_hand, limit)
        )
        self._in_hand.update(letter.id for letter in letters)
        return letters

    async def superseded(self, letter_id: int) -> bool:
        """See ``LettersOf.superseded``."""
        send = False
        try:
            replays = await self._shared.read(lambda connection: rows.replays(connection, [letter_id]))
            send = replays.get(letter_id, "none") != "none"
        finally:
            if not send:
                self._in_hand.discard(letter_id)
        return not send

    async def delivered(self, letter_id: int) -> Stored | Unavailable:
        """See ``LettersOf.delivered``."""
        return await self._settled(letter_id, None)

    async def failed(self, letter_id: int, letter: NewLetter) -> Stored | Unavailable:
        """See ``LettersOf.failed``."""
        return await self._settled(letter_id, letter)

    def count(self) -> int:
        """See ``LettersOf.count``."""
        return self._shared.totals_of(self._destination)[0]

    async def probe(self) -> Outcome:
        """See ``LettersOf.probe``."""
        filler = min(max(self._failed_bytes, 1), _PROBE_BYTES)

        def write(connection: apsw.Connection) -> int:
            connection.execute("INSERT OR REPLACE INTO probe VALUES (0, zeroblob(?))", (filler,))
            return rows.totals(connection, self._destination)[1]

        try:
            size = await self._database.write(write)
        except DatabaseUnavailable as error:
            return Unavailable(error.reason)
        return Full() if size + max(self._refused_bytes, 1) > self._max_bytes else Stored()

    async def _settled(self, letter_id: int, letter: NewLetter | None) -> Stored | Unavailable:
        def write(connection: apsw.Connection) -> rows.Totals:
            if letter is None:
                rows.delete(connection, [letter_id])
            else:
                rows.failed(connection, letter_id, rows.fields_of(letter))
            return rows.totals(connection, self._destination)

        try:
            totals = await self._database.write(write)
        except DatabaseUnavailable as error:
            return Unavailable(error.reason)
        self._in_hand.discard(letter_id)
        self._shared.learn(self._destination, totals)
        return Stored()

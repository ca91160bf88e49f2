"""The sheets of a process that exports: all destinations, and one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any, Final

from exporter.daemon.ops.page.overview import Rates, counts, listed, standing_of
from exporter.daemon.ops.page.particulars import GROUPS, LETTERS, Particulars, alike, by_reason
from exporter.daemon.ops.page.sheets import Asked, Sheet
from exporter.dataflow.dependencies import Clock
from exporter.telemetry.attempts import Attempt
from exporter.telemetry.standing import STANDINGS, counts_here
from exporter.telemetry.status import StatusDocument

_DESTINATION: Final = re.compile(r"/destinations/([^/]+)")

#: Of so many destinations, the first of the list, the overview shows attempts: a parent asks a worker for each.
WATCHED: Final = 3
#: So many attempts are shown.
SHOWN: Final = 15

Status = Callable[[], StatusDocument | Awaitable[StatusDocument]]


class RunSheets:
    """``Sheets`` of destinations: ``status`` is that of the process, ``particulars`` are for who has the token."""

    gain: Final = "is also shown attempts, answers and configuration, and may act"

    def __init__(self, status: Status, particulars: Particulars, clock: Clock, shard: str | None = None) -> None:
        """``shard`` is which of several processes that share the destinations this one is, as in ``2/4``."""
        self.name = "exporter run" if shard is None else f"exporter run, shard {shard}"
        self._status = status
        self._particulars = particulars
        self._clock = clock
        self._rates = Rates()

    async def sheet(self, asked: Asked) -> Sheet | None:
        if asked.path == "/":
            return await self._overview(asked)
        if (found := _DESTINATION.fullmatch(asked.path)) is not None:
            return await self._destination(asked, found[1])
        return None

    async def _overview(self, asked: Asked) -> Sheet:
        document = await self._now()
        flows = document.destinations
        name, state = asked.query.get("name", "")[:100], asked.query.get("state", "")[:20]
        rows = listed(flows, self._rates.seen(flows, self._clock.monotonic()), name, state)
        letters: Sequence[Any] | str = ()
        attempts: Sequence[Attempt] | str = ()
        if asked.signed_in:
            found = await self._particulars.letters(None)
            names = [row.flow.destination for row in rows]
            letters = found if isinstance(found, str) else by_reason(alike(found, set(names)))
            attempts = await self._attempts(names[:WATCHED])
        return Sheet(
            "overview.html",
            "Destinations",
            {
                "document": document,
                "now": self._clock.epoch(),
                "rows": rows,
                "counts": counts(flows),
                "standings": STANDINGS,
                "name": name,
                "state": state,
                "letters": letters,
                "most_letters": LETTERS,
                "attempts": attempts,
                "watched": WATCHED,
                "signed_in": asked.signed_in,
            },
        )

    async def _destination(self, asked: Asked, name: str) -> Sheet | None:
        document = await self._now()
        flow = next((each for each in document.destinations if each.destination == name), None)
        if flow is None:
            return None
        rates = self._rates.seen(document.destinations, self._clock.monotonic())
        values: dict[str, Any] = {"letters": (), "looked_at": 0, "further": (), "attempts": (), "configuration": None}
        if asked.signed_in:
            found = await self._particulars.letters(name)
            groups = () if isinstance(found, str) else alike(found, (name,))
            values["letters"] = found if isinstance(found, str) else groups[:GROUPS]
            values["looked_at"] = sum(group.letters for group in groups)
            values["further"] = groups[GROUPS:]
            values["attempts"] = await self._attempts([name])
            values["configuration"] = await self._particulars.configuration(name)
        return Sheet(
            "destination.html",
            name,
            {
                **values,
                "flow": flow,
                "standing": standing_of(flow),
                "counts_here": counts_here(flow.state),
                "rate": rates.get(name),
                "now": self._clock.epoch(),
                "signed_in": asked.signed_in,
            },
        )

    async def _attempts(self, names: Sequence[str]) -> Sequence[Attempt] | str:
        """The last attempts at several destinations, the latest first; or why none can be had."""
        found = await asyncio.gather(*map(self._particulars.attempts, names))
        attempts = [each for latest in found if not isinstance(latest, str) for each in latest]
        why = [each for each in found if isinstance(each, str)]
        if why and not attempts:
            return why[0]
        return sorted(attempts, key=lambda each: -each.at)[:SHOWN]

    async def _now(self) -> StatusDocument:
        found = self._status()
        return await found if isawaitable(found) else found

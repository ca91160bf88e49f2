"""Posts the demo's raw records to ``exporter serve``, and waits until all of them are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from prometheus_client.parser import text_string_to_metric_families

from exporter.receiver.demo.process import DaemonProcess
from exporter.receiver.oracle import State
from exporter.sections.printable import counted

#: Every shopper comes so often, with one more visit each time.
SHOPPERS = 60
VISITS = 4
BATCH = 40
_INLET = "00000000000000000000000000000000000000000000000000000000000de000"
_NAMES = ("Ada Adeyemi", "BO Brun", "Chidi Costa", "Daniela Dvořák", "Emeka Eriksen")
_TIERS = ("Bronze", "Silver", "GOLD")


class RecordsLost(Exception):
    """The way in did not take all records, or did not tell them in time; the text says what it did."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted: the state that each record holds by the id of its event, and what became of the records.

    ``outcomes`` is how many records were applied, bad, and so on.
    """

    states: Mapping[str, State]
    posted: int
    outcomes: Mapping[str, int]


def raw_records() -> list[dict[str, Any]]:
    """All records in their order; the last of them is nobody's."""
    records: list[dict[str, Any]] = [
        {
            "card": f"s-{shopper:05}",
            "visit": visit,
            "name": _NAMES[shopper % len(_NAMES)],
            "email": f"Shopper.{shopper}@Example.com",
            "tier": _TIERS[(shopper + visit) % len(_TIERS)],
            "regular": True,
        }
        for visit in range(1, VISITS + 1)
        for shopper in range(SHOPPERS)
    ]
    return [*records, {"visit": 1, "name": "Nobody Known"}]


async def post_all(serving: DaemonProcess, patience_seconds: float) -> Posted:
    """Post all records in batches, as a sender would, and wait until they are applied and told.

    Raises:
        RecordsLost: a batch was not answered with 207, a record was refused, or it takes too long.
        DaemonFailed: the process ended, or did not start.
    """
    records = raw_records()
    states: dict[str, State] = {}
    ops, collection = await serving.ops(), await serving.collection()
    async with aiohttp.ClientSession() as session:
        for begin in range(0, len(records), BATCH):
            batch = records[begin : begin + BATCH]
            for record, name in zip(batch, await _post(session, collection, batch), strict=True):
                if "card" in record:
                    states[name] = State(record["card"], record["visit"])
        outcomes = await _all_told(serving, session, ops, len(records), patience_seconds)
    return Posted(states, len(records), outcomes)


async def _post(session: aiohttp.ClientSession, collection: str, batch: list[dict[str, Any]]) -> list[str]:
    """The names of the records."""
    url = f"{collection}/collection/batch/{_INLET}"
    body = orjson.dumps({"messages": batch})
    async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        text = await answer.read()
        if answer.status != 207:
            raise RecordsLost(f"a batch of records was answered with {answer.status}")
    responses = orjson.loads(text)["responses"]
    if refused := [each for each in responses if "status" in each]:
        raise RecordsLost(f"{counted(len(refused), 'record was', 'records were')} refused: {refused[0]['message']}")
    return [each["xactionId"] for each in responses]


async def _all_told(
    serving: DaemonProcess, session: aiohttp.ClientSession, ops: str, count: int, patience_seconds: float
) -> Mapping[str, int]:
    """How many records became what, once all of them did, and no event waits to be told."""
    outcomes: dict[str, int] = {}
    try:
        async with asyncio.timeout(patience_seconds):
            while True:
                serving.check()
                # A process that does not answer has ended, or will be found to have.
                with suppress(aiohttp.ClientError):
                    async with session.get(f"{ops}/metrics") as answer:
                        outcomes, waiting = _read(await answer.text())
                    if sum(outcomes.values()) >= count and not waiting:
                        return outcomes
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise RecordsLost(f"of {count} records not all were told within {patience_seconds:.0f} s: {outcomes}") from None


def _read(text: str) -> tuple[dict[str, int], int]:
    """Records by what became of them, and events that wait."""
    outcomes: dict[str, int] = {}
    waiting = 0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "exporter_source_records_total" and sample.labels["outcome"] != "taken":
                outcome = sample.labels["outcome"]
                outcomes[outcome] = outcomes.get(outcome, 0) + int(sample.value)
            elif sample.name == "exporter_source_outbox_events":
                waiting = int(sample.value)
    # Those that a flow may have are told from its first record on, at 0.
    return {outcome: count for outcome, count in outcomes.items() if count}, waiting

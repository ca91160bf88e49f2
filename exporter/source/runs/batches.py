"""Batches as the catalogue shows them: the records of a flow, a dataset and an hour, where some of them failed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from exporter.source.runs.ids import batch_id, hour_in
from exporter.source.runs.reading import RunReader, Which
from exporter.source.runs.reasons import reason_of
from exporter.source.runs.sums import Run, Sums


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: of which hour, flow (empty where no flow counts the records) and dataset, and what became of it."""

    hour: int
    flow: str
    dataset: str
    sums: Sums

    @property
    def id(self) -> str:
        """The id, the same for good."""
        return batch_id(self.hour, self.flow, self.dataset)

    def document(self, common: Mapping[str, Any]) -> dict[str, Any]:
        """The document without its id; ``common`` is what all objects say of whose they are."""
        sums = self.sums
        reasons = [(reason_of(each), count) for each, count in sums.failed.items()]
        invalid: dict[str, int] = {}
        for reason, count in reasons:
            invalid[reason.counted] = invalid.get(reason.counted, 0) + count
        return {
            "status": "failed",
            "created": self.hour,
            "updated": sums.counted,
            **common,
            "metrics": {
                "inputRecordCount": sums.input,
                "outputRecordCount": sums.output,
                "failedRecordCount": sums.failures,
                "recordsSize": sums.input_bytes,
                "startTime": sums.first,
                "endTime": sums.counted,
                "invalidRecordCount": sums.failures,
                **invalid,
            },
            "errors": [
                {"code": reason.code, "description": reason.words, "recordCount": count} for reason, count in reasons
            ],
            "relatedObjects": [{"type": "dataSet", "id": self.dataset}],
            "tags": {"flowId": [self.flow]} if self.flow else {},
        }


@dataclass(frozen=True, slots=True)
class BatchReader:
    """Reads batches. Every call raises ``ProfilesUnavailable`` where that cannot be done now."""

    reader: RunReader

    async def batches(self, since: int = 0) -> AsyncGenerator[Batch, None]:
        """The batches of hours from ``since`` on (epoch milliseconds), the newest first, read as they are asked for."""
        async with aclosing(self.reader.runs(Which(since, failed=True))) as runs:
            async for run in runs:
                for batch in _of_run(run):
                    yield batch

    async def batch(self, name: str) -> Batch | None:
        """The batch of an id; None where there is none, which is so once no record of it is bad any more."""
        runs = await self.reader.of_hour(hour_in(name))
        return next((batch for run in runs for batch in _of_run(run) if batch.id == name), None)


def _of_run(run: Run) -> list[Batch]:
    """By id, so that a list of batches is the same each time."""
    batches = [Batch(run.hour, run.flow, dataset, sums) for dataset, sums in run.by_dataset() if sums.failures]
    return sorted(batches, key=lambda batch: batch.id)

"""What tests on Redis share: they can wait until what may be deleted is, which is then looked for often."""

from __future__ import annotations

import pytest
from sweeps import Sweeps

from exporter.queues.redis_streams.upkeep import Upkeep


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> Sweeps:
    sweeps = Sweeps()
    real = Upkeep.sweep

    async def sweep(upkeep: Upkeep) -> None:
        await real(upkeep)
        sweeps.ended()

    monkeypatch.setattr(Upkeep, "sweep", sweep)
    monkeypatch.setattr("exporter.queues.redis_streams.upkeep._LOOK_SECONDS", 0.1)
    monkeypatch.setattr("exporter.queues.redis_streams.upkeep._SWEEP_SECONDS", 0.1)
    return sweeps

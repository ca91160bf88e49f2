"""What tests of the journal share: they can wait until what may be deleted is, which is then looked for often."""

from __future__ import annotations

import apsw
import pytest
from sweeps import Sweeps

from exporter.queues.journal.upkeep import Retention, Swept


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> Sweeps:
    sweeps = Sweeps()
    real = Retention.sweep

    def sweep(retention: Retention, connection: apsw.Connection, *, first: bool) -> Swept:
        swept = real(retention, connection, first=first)
        sweeps.ended()
        return swept

    monkeypatch.setattr(Retention, "sweep", sweep)
    monkeypatch.setattr("exporter.queues.journal.upkeep._LOOK_SECONDS", 0.1)
    return sweeps

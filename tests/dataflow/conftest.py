"""What every test of a dataflow shares: it looks for replays often."""

import pytest


@pytest.fixture(autouse=True)
def _looks_for_replays_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.dataflow.replays.POLL_SECONDS", 0.05)

"""What every test of a dataflow shares: a transport of either kind, and that the dataflow looks for replays often."""

import flowing
import pytest


@pytest.fixture(autouse=True)
def _looks_for_replays_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.dataflow.replays.POLL_SECONDS", 0.05)


@pytest.fixture(autouse=True, params=["by coroutine", "by callback"])
def sending(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "by callback":
        monkeypatch.setattr(flowing, "transport", flowing.ByCallback)

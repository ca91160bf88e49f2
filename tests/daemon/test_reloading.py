"""What a reload says and takes over where files that the queue's section names hold something else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest

from exporter.daemon import reload
from exporter.daemon.reload import reload_for_ever
from exporter.settings.difference import Difference
from exporter.settings.loading.load import Loaded, load
from exporter.settings.tree import Settings
from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.status import ConfigStatus


class _Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self.reloaded = asyncio.Event()
        self.refused = asyncio.Semaphore(0)

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))

    def error(self, event: str, **fields: object) -> None:
        self.warning(event, **fields)
        self.refused.release()

    def info(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))
        self.reloaded.set()


class _Slots:
    def __init__(self) -> None:
        self.settings: list[Settings] = []

    async def refuse_unless_shared(self, settings: Settings, names: Iterable[str]) -> None:
        """Nobody else reads."""

    async def look(self) -> None:
        pass

    async def change(self, settings: Settings, changes: Difference) -> None:
        self.settings.append(settings)


async def test_a_renewed_certificate_of_the_queue_needs_a_restart_each_time_and_stops_no_reload(
    tmp_path: Path,
) -> None:
    pem, file = tmp_path / "ca.pem", tmp_path / "exporter.yaml"
    pem.write_text("one")

    def configure(query: str) -> None:
        destination = f"{{name: crm, endpoint: 'https://crm.example/', attributes: [a], query: {query}}}"
        file.write_text(f"queue: {{kind: kafka, tls: {{ca_file: {pem}}}}}\ndestinations: [{destination}]\n")

    configure("a=1")
    first = load(file, {})
    assert isinstance(first, Loaded)
    log, slots, asked = _Log(), _Slots(), asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        reloading = tasks.create_task(
            reload_for_ever(
                first, lambda: load(file, {}), asked, cast(Any, slots), cast(Any, log), ConfigurationHealth(time.time)
            )
        )
        for number, query in enumerate(("a=2", "a=3"), 1):
            configure(query)
            pem.write_text(f"renewed {min(number, 1)}")
            asked.set()
            await log.reloaded.wait()
            log.reloaded.clear()
        reloading.cancel()
    said = [fields["keys"] for event, fields in log.lines if event == "needs a restart"]
    assert len(said) >= 2
    assert set(said) == {("queue",)}
    assert [settings.destinations[0].query for settings in slots.settings][-1] == "a=3"
    assert all(settings.queue == first.settings.queue for settings in slots.settings), "what it was opened with"


class _Looks:
    """Counts how often files are looked at, and lets a test wait for more of it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stamps = reload._stamps
        self._looks = asyncio.Semaphore(0)

    def __call__(self, files: Iterable[Path]) -> reload.Stamps:
        self._loop.call_soon_threadsafe(self._looks.release)
        return self._stamps(files)

    async def more(self, count: int) -> None:
        for _ in range(count):
            await self._looks.acquire()


def _replace(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


async def test_a_configuration_that_stays_refused_is_read_again_when_a_file_changes_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, file = tmp_path / "secret", tmp_path / "exporter.yaml"
    secret.write_text("one")
    file.write_text("destinations: [{name: crm, endpoint: 'https://crm.example/', headers: {x-key: !file secret}}]\n")
    first = load(file, {})
    assert isinstance(first, Loaded)
    looks = _Looks()
    monkeypatch.setattr(reload, "_stamps", looks)
    monkeypatch.setattr(reload, "WATCH_SECONDS", 0.01)
    log, health = _Log(), ConfigurationHealth(lambda: 5.0)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        reloading = tasks.create_task(
            reload_for_ever(first, lambda: load(file, {}), asyncio.Event(), cast(Any, _Slots()), cast(Any, log), health)
        )
        for count, text in enumerate(("one\ntwo", "one\nthree"), 1):
            await looks.more(3)
            _replace(secret, text)
            await log.refused.acquire()
            await looks.more(5)
            assert [event for event, _ in log.lines] == ["reload refused"] * count
            problems = log.lines[-1][1]["problems"]
            assert len(problems) == 1
            assert problems[0].startswith(f"{file}:1: ")
            assert "\n" not in problems[0]
            assert health.status == ConfigStatus(False, None, tuple(problems), 5.0)
        _replace(secret, "two")
        await log.reloaded.wait()
        reloading.cancel()
    assert health.status == ConfigStatus(True, 5.0, ())
    assert dict(health.reloads) == {"applied": 1, "invalid": 2, "needs_restart": 0, "unusable": 0, "not_shared": 0}

"""What the log says of stores as ``exporter serve`` opens them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import orjson
import pytest

from exporter.daemon.serving.parts import open_parts
from exporter.settings.loading.load import Loaded, load
from exporter.source.profiles.sqlite import store
from exporter.telemetry.logs import configure


async def test_profiles_that_others_may_read_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_to_all(path: Path) -> Iterator[str]:
        yield f"{path.name} is open to everybody"

    monkeypatch.setattr(store, "kept_private", open_to_all)
    stream = io.StringIO()
    file = tmp_path / "config" / "exporter.yaml"
    file.parent.mkdir()
    file.write_text("{}")
    loaded = load(file, {})
    assert isinstance(loaded, Loaded)
    async with AsyncExitStack() as stack:
        await open_parts(stack, loaded, lambda _: None, configure(stream, tty=False))
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["detail"] for line in lines if line["event"] == "profiles"] == ["profiles.db is open to everybody"]

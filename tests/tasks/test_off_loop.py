"""Reading in a thread, and without one."""

from __future__ import annotations

import threading

import pytest

from exporter.tasks.off_loop import off_loop


async def test_it_runs_in_another_thread() -> None:
    assert await off_loop(threading.get_ident) != threading.get_ident()


async def test_without_a_thread_to_be_had_it_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        assert await off_loop(threading.get_ident) == threading.get_ident()


async def test_what_the_call_raises_is_raised() -> None:
    def broken() -> None:
        raise RuntimeError("of its own")

    with pytest.raises(RuntimeError, match="of its own"):
        await off_loop(broken)

"""The log on a thread of its own: nobody waits for its reader; order is kept, and what is lost is counted."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.telemetry.log_writer import HELD_BYTES, LogWriter, log_writer


def lost_line(lines: int) -> str:
    return f"lost {lines}\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        with suppress(OSError):  # a test closed it
            os.close(end)
        for thread in threading.enumerate():
            if thread.name == "log":
                thread.join()  # it writes no more: its number will be another file's


def fill(writer: LogWriter, begin: int = 0) -> int:
    """Write until lines are lost, more than any pipe takes; returns the number of the next line."""
    lost = writer.lost
    while writer.lost < lost + 10:
        writer.write(f"{begin} {'x' * 1000}\n")
        begin += 1
    return begin


def shows(text: str, lines: int) -> int:
    """Whether all so many lines are there in order, or counted where they are not; returns how many are counted."""
    number = counted = 0
    for line in text.splitlines():
        if line.startswith("lost "):
            number += int(line[5:])
            counted += int(line[5:])
        else:
            assert line.partition(" ")[0] == str(number)
            number += 1
    assert number == lines
    return counted


class Reading:
    """Reads one end of a pipe to its end, on a thread."""

    def __init__(self, descriptor: int) -> None:
        self._read = b""
        self._thread = threading.Thread(target=self._work, args=(descriptor,))
        self._thread.start()

    def _work(self, descriptor: int) -> None:
        while piece := os.read(descriptor, 65536):
            self._read += piece

    def text(self) -> str:
        self._thread.join()
        return self._read.decode()


def test_what_is_read_is_whole_and_in_order(pipe: tuple[int, int]) -> None:
    reading = Reading(pipe[0])
    with log_writer(pipe[1], lost_line) as writer:
        threads = [threading.Thread(target=writer.write, args=(f"{n}\n",)) for n in range(50)]
        for thread in threads:
            thread.start()
            thread.join()
    os.close(pipe[1])
    assert reading.text() == "".join(f"{n}\n" for n in range(50))
    assert writer.lost == 0


def test_nobody_waits_for_a_reader_and_every_gap_is_told_where_it_is(pipe: tuple[int, int]) -> None:
    with log_writer(pipe[1], lost_line) as writer:
        lines = fill(writer)
        assert lines * 1000 < 2 * HELD_BYTES
        lines = fill(writer, lines)
        assert os.read(pipe[0], 1) == b"0"
        reading = Reading(pipe[0])
        lines = fill(writer, lines)
    os.close(pipe[1])
    assert shows("0" + reading.text(), lines) == writer.lost >= 30


def test_the_end_does_not_wait_for_a_reader_that_never_reads(pipe: tuple[int, int]) -> None:
    with log_writer(pipe[1], lost_line) as writer:
        fill(writer)
    # It has returned although nothing was read.
    assert writer.lost


def test_without_a_reader_lines_are_counted_and_nobody_fails(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with log_writer(pipe[1], lost_line) as writer:
        writer.write("one\n")
        writer.write("two\n")
    assert writer.lost == 2


def test_a_descriptor_that_never_waits_is_waited_for(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    with log_writer(pipe[1], lost_line) as writer:
        for number in range(500):
            writer.write(f"{number} {'x' * 1000}\n")
        reading = Reading(pipe[0])
    os.close(pipe[1])
    assert shows(reading.text(), 500) == writer.lost == 0


def test_once_it_can_be_written_again_the_gap_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A disk that is full, and is not any more."""
    full = threading.Event()
    full.set()
    tried = threading.Event()
    real = os.write

    def write(descriptor: int, line: bytes) -> int:
        if full.is_set():
            tried.set()
            raise OSError(28, "No space left on device")
        return real(descriptor, line)

    monkeypatch.setattr(os, "write", write)
    with (tmp_path / "log").open("wb") as file, log_writer(file.fileno(), lost_line) as writer:
        writer.write("one\n")
        tried.wait()
        full.clear()
        writer.write("two\n")
    assert (tmp_path / "log").read_text() == "lost 1\ntwo\n"


def test_a_line_that_was_cut_off_spoils_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.write
    outcomes: list[int | None] = [3, None]

    def write(descriptor: int, line: bytes) -> int:
        if not outcomes:
            return real(descriptor, line)
        most = outcomes.pop(0)
        if most is None:
            raise OSError(28, "No space left on device")
        return real(descriptor, line[:most])

    monkeypatch.setattr(os, "write", write)
    with (tmp_path / "log").open("wb") as file, log_writer(file.fileno(), lost_line) as writer:
        writer.write("a line\n")
        writer.write("another\n")
    assert (tmp_path / "log").read_text() == "a l\nlost 1\nanother\n"


def test_what_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file, log_writer(file.fileno(), lost_line) as writer:
        writer.write("half an emoji: \ud83d\n")
        writer.flush()
        assert not writer.isatty()
    assert (tmp_path / "log").read_bytes() == b"half an emoji: \\ud83d\n"


def test_who_has_a_lock_that_the_thread_wants_may_write(pipe: tuple[int, int]) -> None:
    """As an object that is collected as garbage within the lock of what is called regularly, and logs."""
    held, wanted = threading.Lock(), threading.Event()

    def due() -> float | None:
        wanted.set()
        with held:
            return None

    with log_writer(pipe[1], lost_line) as writer:
        with held:
            writer.regularly(due, lambda: None)
            assert wanted.wait(60)
            writing = threading.Thread(target=writer.write, args=("0 a line\n",), daemon=True)
            writing.start()
            writing.join(60)
            assert not writing.is_alive()
        assert os.read(pipe[0], 100) == b"0 a line\n"

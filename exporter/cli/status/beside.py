"""Samples that a thread takes, so that whoever looks at them can go at any moment, also while a daemon hangs."""

from __future__ import annotations

import os
import time
from itertools import chain, repeat
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeAlias

from exporter.cli.shared.daemon_port import NoDaemon
from exporter.cli.status.samples import Sample, samples

if TYPE_CHECKING:
    from exporter.cli.shared.daemon import Daemon

#: What came of a look.
News: TypeAlias = Sample | NoDaemon


class Beside:
    """Looks at a daemon without end, once it is made, and again after it was away; nobody need wait for it to end.

    ``select`` takes it for a file, which can be read when there is news.

    Args:
        daemon: what is looked at.
        first: seconds between the two looks of which the first sample is made.
        seconds: between two looks from then on.
    """

    def __init__(self, daemon: Daemon, first: float, seconds: float) -> None:
        self._daemon = daemon
        self._seconds = seconds
        self._pauses = chain([first], repeat(seconds))
        self._news: SimpleQueue[News | BaseException] = SimpleQueue()
        # Open as long as the process: the thread writes whenever its daemon answers.
        self._bell, self._ring = os.pipe()
        Thread(target=self._look, name="looking", daemon=True).start()

    def fileno(self) -> int:
        """What can be read when there is news."""
        return self._bell

    def news(self) -> News:
        """What came of the next look, when there is news. Raises what is no news but a bug."""
        os.read(self._bell, 1)
        found = self._news.get()
        if isinstance(found, BaseException) and not isinstance(found, NoDaemon):
            raise found
        return found

    def _look(self) -> None:
        try:
            while True:
                try:
                    for sample in samples(self._daemon, self._seconds, self._wait):
                        self._tell(sample)
                except NoDaemon as error:  # it may be starting again
                    self._tell(error)
                    self._wait(self._seconds)
        except BaseException as error:
            self._tell(error)

    def _wait(self, _seconds: float) -> bool:
        time.sleep(next(self._pauses))
        return True

    def _tell(self, found: News | BaseException) -> None:
        self._news.put(found)
        os.write(self._ring, b".")

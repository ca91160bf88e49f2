"""A producer that is killed again and again while it publishes, and what then stands on the queue."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract import Opening, all_of, each_once_in_order, soon
from numbered_process import LARGEST, note, noted

_PROGRAM = Path(__file__).with_name("numbered_process.py")
_KILLS = 6


async def every_number_once(opening: Opening, section: Mapping[str, Any], folder: Path) -> None:
    """Kill a producer for the queue that ``opening`` opens and ``section`` names; all it has published stands there."""
    mark = folder / "mark"
    note(mark, 0)
    for kill in range(_KILLS + 1):
        # In the end all that may stand there of a batch that was cut off.
        last = 10**9 if kill < _KILLS else noted(mark)[0] + LARGEST
        running = await asyncio.create_subprocess_exec(
            sys.executable, _PROGRAM, json.dumps(section), mark, str(last), stdout=PIPE
        )
        try:
            assert running.stdout is not None
            assert await soon(running.stdout.readline()) == b"publishing\n"
            if kill < _KILLS:
                begun = mark.stat().st_mtime_ns
                async with asyncio.timeout(30):
                    while mark.stat().st_mtime_ns == begun:  # noqa: ASYNC110 - another process writes it
                        await asyncio.sleep(0.001)
                await asyncio.sleep(random.uniform(0, 0.15))
                running.send_signal(signal.SIGKILL)
            assert await soon(running.wait()) == (-signal.SIGKILL if kill < _KILLS else 0)
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
    known, _ = noted(mark)
    async with opening() as queue:
        assert each_once_in_order(await all_of(queue, known), range(known), profiles=7)

"""A producer as a process of its own: publishes numbered events of seven profiles, and notes what is published.

``numbered_process.py SECTION MARK LAST``: SECTION is the section ``queue`` in JSON; the file MARK holds the last number
known to be published, and when the process knew. Ends once LAST is published, or killed.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path

from contract import events
from pydantic import TypeAdapter

from exporter.queues.kinds import QueueSettings, open_queue
from exporter.queues.port import Numbered, QueueUnavailable

LARGEST = 500
#: Long enough for a kill to come between publishing and noting.
_BEFORE_NOTING_SECONDS = 0.003


def noted(mark: Path) -> tuple[int, float]:
    """The last number known to be published, and when the producer knew."""
    number, at = mark.read_text().split()
    return int(number), float(at)


def note(mark: Path, number: int) -> None:
    new = mark.with_suffix(".new")
    new.write_text(f"{number} {time.time()}")
    new.rename(mark)


async def main(section: str, mark: Path, last: int) -> None:
    settings: QueueSettings = TypeAdapter(QueueSettings).validate_python(json.loads(section))
    chance = random.Random()
    async with open_queue(settings, (), lambda text: print(text, file=sys.stderr)) as queue:
        print("publishing", flush=True)
        while True:
            known, since = noted(mark)
            if known >= last:
                return
            count = chance.choice((1, 5, 30, LARGEST))
            try:
                await queue.publish(events(count, profiles=7, begin=known), Numbered("outbox", known + 1, since))
            except QueueUnavailable as error:
                print(error, file=sys.stderr)
                continue
            await asyncio.sleep(_BEFORE_NOTING_SECONDS)
            note(mark, known + count)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))

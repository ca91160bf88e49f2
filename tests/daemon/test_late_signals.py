"""Between a handler and ignoring a signal there is no moment in which it would end the process."""

from __future__ import annotations

import signal
import subprocess
import sys

ROUNDS = """
import asyncio, signal, threading
from exporter.daemon import signals
from exporter.daemon.process.event_loop import new_event_loop

ended = threading.Event()
threads = [threading.Thread(target=ended.wait) for _ in range(4)]  # a signal comes to any that does not block it
for thread in threads:
    thread.start()

async def main():
    loop = asyncio.get_running_loop()
    for number in range(3000):
        loop.add_signal_handler(signal.SIGTERM, lambda: None)
        if not number:
            print("ready", flush=True)
        signals.ignore(loop, (signal.SIGTERM,))

with asyncio.Runner(loop_factory=new_event_loop) as runner:
    runner.run(main())
ended.set()
"""


def test_a_flood_of_signals_ends_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ROUNDS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.returncode == 0

"""Files with personal data are whole or not there, however the command ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_WRITES = """
import asyncio, sys
from pathlib import Path
from exporter.cli.shared.carried_files import written

async def write():
    with written(Path("letters.jsonl")) as out:
        out.write(b"half of it")
        out.flush()
        print("begun", flush=True)
        await asyncio.sleep(600)

asyncio.run(write())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_half_written(tmp_path: Path, number: signal.Signals) -> None:
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    with subprocess.Popen(
        [sys.executable, "-c", heard + _WRITES], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            assert len([*tmp_path.iterdir()]) == 1
            process.send_signal(number)
            assert process.wait(60) != 0
        finally:
            process.kill()
    assert [*tmp_path.iterdir()] == []

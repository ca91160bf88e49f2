"""Which build runs, in words and for ``/status``, and why it is not the compiled one."""

from __future__ import annotations

import json
import platform

import pytest

from exporter.telemetry.build import build_of, in_words

PLAIN = json.dumps({"modules": "no gcc", "projector": "no gcc"}).encode()
NO_PROJECTOR = json.dumps({"projector": "it failed"}).encode()
NO_MODULES = json.dumps({"modules": "mypy failed"}).encode()


@pytest.mark.parametrize(
    ("compiled", "native", "note", "words"),
    [
        (True, True, b"{}", "compiled, native projector"),
        (True, True, None, "compiled, native projector"),
        (True, False, NO_PROJECTOR, "compiled, projector in Python: it failed"),
        (True, False, b"{}", "compiled, projector in Python: what was compiled cannot be loaded here"),
        (False, True, NO_MODULES, "plain Python, native projector: mypy failed"),
        (False, False, PLAIN, "plain Python: no gcc"),
        (False, False, None, "plain Python: it runs from its sources, or was built without build hooks"),
        (False, False, b"{}", "plain Python: what was compiled cannot be loaded here"),
    ],
)
def test_a_build_in_words(compiled: bool, native: bool, note: bytes | None, words: str) -> None:
    build = build_of(compiled, native, note)
    assert in_words(build) == words
    assert build.python == platform.python_version()
    assert (build.kind, build.projector) == (
        "compiled" if compiled else "interpreted",
        "native" if native else "python",
    )

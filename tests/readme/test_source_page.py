"""docs/source.md: the commands from curl to an arrived export, in one shell and their order, and what each prints."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from clean_clone import HANGS_SECONDS, ROOT, environment, free_port
from fences import Fence, fences

from exporter.telemetry.source_metrics import MEANING

PAGE = (ROOT / "docs/source.md").read_text(encoding="utf-8")
#: What follows is the reference.
WALK = PAGE.partition("\n## Requests\n")[0]
FENCES = fences(WALK)
#: What differs from run to run: names of records, and times.
_NAME = re.compile(r"\b\d{13}:\d+:\d+")
_MOMENT = re.compile(r"\b\d{13}\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z")
#: As JSON shows them.
_NUMBER = re.compile(r'("(?:min|max|avg)Ms": ?|": ?(?=\d{13}\b))\d+')
#: The ids of runs and batches, which tell their hour, and etags.
_ID = re.compile(r'\b[0-9a-f]{8}-?[0-9a-f]{4}-?8[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}\b|\\"[0-9a-f-]{36}\\"')
_END = "== end of snippet"


def unvarying(text: str) -> str:
    return _MOMENT.sub("TIME", _NAME.sub("NAME", text))


def alike(printed: str, shown: Fence) -> bool:
    if shown.language == "text":
        return unvarying(printed) == unvarying(shown.text)
    # Where an hour ends meanwhile, a run is over.
    texts = (each.replace('"processing"', '"failed"') for each in (shown.text, printed))
    known, found = (json.loads(unvarying(_ID.sub("ID", _NUMBER.sub(r"\1 0", each)))) for each in texts)
    return bool(known == found)


def test_every_snippet_in_its_order(tmp_path: Path) -> None:
    assert WALK.count("\n```") == 2 * len(FENCES) > 30
    assert all(fence.not_run is None and fence.language in ("sh", "json", "text") for fence in FENCES)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    ports = {number: str(free_port()) for number in ("8080", "8085", "8086", "9464", "9465")}
    config = tmp_path / "config/tutorial.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "serve:\n",
        f"ops: {{port: {ports['9464']}}}\nserve:\n  ops: {{port: {ports['9465']}}}\n  api: {{port: {ports['8086']}}}\n",
    )
    # Nothing but the ports differs from what is pasted, since the usual ones may be taken.
    for number in ("8080", "8085"):
        text = text.replace(f"127.0.0.1:{number}", f"127.0.0.1:{ports[number]}")
    config.write_text(text.replace("port: 8085", f"port: {ports['8085']}"), encoding="utf-8")
    script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2> /dev/null || true; wait || true' EXIT"]
    shell = [fence for fence in FENCES if fence.language == "sh"]
    for fence in shell:
        pasted = fence.text
        for number, port in ports.items():
            pasted = re.sub(rf"(127\.0\.0\.1:|--port ){number}\b", rf"\g<1>{port}", pasted)
        script += [pasted, f"echo; echo '{_END}'"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=HANGS_SECONDS,
    )  # fmt: skip
    logs = "".join(each.read_text(encoding="utf-8") for each in (tmp_path / "data").glob("*.log"))
    assert done.returncode == 0, done.stderr + done.stdout + logs
    printed = done.stdout.split(f"\n{_END}\n")
    for fence, text in zip(shell, printed, strict=False):
        after = FENCES[FENCES.index(fence) + 1 :]
        if after and after[0].language != "sh":
            assert alike(text, after[0]), f"the snippet at line {fence.line} printed {text}"
        else:
            assert text.strip() == "", f"the snippet at line {fence.line} printed {text}"


def test_the_metrics_that_it_names_are_those_that_there_are() -> None:
    named = set(re.findall(r"`(exporter_source_\w+)", PAGE))
    # A counter's ``_total`` is added where it is rendered.
    assert {name if name in MEANING else name.removesuffix("_total") for name in named} == set(MEANING)

"""What Helm makes of the chart, and which of that is shipped. Started as a program it writes config/kubernetes anew.

``python tests/container/rendered.py``: exit code 75 when Helm could not be downloaded.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHART = ROOT / "config/helm/exporter"
VALUES = ROOT / "config/helm/values"
SHIPPED = ROOT / "config/kubernetes"
#: The objects of one exporter, in the order in which they are read.
_SINGLE = ("configmap", "secret", "service", "statefulset")
_MANY = ("configmap", "secret", "service", "deployment", "poddisruptionbudget")


@dataclass(frozen=True)
class Manifest:
    """One file of config/kubernetes: the names of its values, later ones over earlier ones, and of its templates.

    The comment with which its last values begin is its own, too.
    """

    file: str
    values: tuple[str, ...]
    templates: tuple[str, ...]


MANIFESTS = (
    Manifest("exporter.yaml", ("exporter",), _SINGLE),
    Manifest("source.yaml", ("source",), _SINGLE),
    Manifest("kafka/exporter.yaml", ("kafka",), _MANY),
    Manifest("kafka/scale-by-metric.yaml", ("kafka", "kafka-by-metric"), ("keda",)),
    Manifest("kafka/scale-by-group.yaml", ("kafka", "kafka-by-group"), ("keda",)),
    Manifest("kafka/scale-hpa.yaml", ("kafka", "kafka-by-hpa"), ("hpa",)),
)


def chosen(names: Sequence[str]) -> list[str]:
    """The options with which Helm takes these values."""
    return [option for name in names for option in ("--values", str(VALUES / f"{name}.yaml"))]


def run_helm(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Helm; whether that went well is the caller's to look at."""
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


def template(program: Path, *options: str, release: str = "exporter") -> str:
    """What Helm renders of a release. Raises AssertionError with what it says where it refuses."""
    done = run_helm(program, "template", release, CHART, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rendered(program: Path, manifest: Manifest) -> str:
    """The text of a shipped file."""
    shown = [option for name in manifest.templates for option in ("--show-only", f"templates/{name}.yaml")]
    output = template(program, *chosen(manifest.values), *shown, "--set", "plain=true")
    values = (VALUES / f"{manifest.values[-1]}.yaml").read_text(encoding="utf-8").splitlines()
    head = list(takewhile(lambda line: line.startswith("#"), values))
    files = " and ".join(f"config/helm/values/{name}.yaml" for name in manifest.values)
    # Helm 4 has an empty line between objects, and Helm 3 has none.
    body = re.sub(r"\n+---\n", "\n---\n", output.strip())
    return "\n".join([*head, "#", f"# Made of {files} by `make manifests`.", body, ""])


def main() -> int:
    """Write every shipped file; returns the exit code."""
    from downloads import DownloadFailed
    from helm import missing, program

    if (lacking := missing()) is not None:
        print(lacking, file=sys.stderr)
        return 1
    try:
        built = program()
    except DownloadFailed as failed:
        print(failed, file=sys.stderr)
        return 75
    for manifest in MANIFESTS:
        (SHIPPED / manifest.file).write_text(rendered(built, manifest), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests/servers"))
    sys.exit(main())

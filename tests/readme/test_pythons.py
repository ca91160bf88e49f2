"""On which Pythons CI installs the exporter: one of each version, wherever it is, and none that could not do it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from clean_clone import ROOT

#: A Python of another version than the one that runs it.
PRETENDING = """#!{python}
import sys
{pretended}
sys._base_executable = {path!r}
assert sys.argv[1] == "-c"
exec(sys.argv[2])
"""


def found(folder: Path, **fakes: str) -> list[str]:
    """What the script prints where only these stand on the PATH, beside what a shell needs."""
    (folder / "bin").mkdir()
    for tool in ("bash", "sh", "env", "sort", "cut", "grep"):
        (folder / "bin" / tool).symlink_to(f"/usr/bin/{tool}" if Path(f"/usr/bin/{tool}").exists() else f"/bin/{tool}")
    for name, pretended in fakes.items():
        path = folder / "bin" / name.replace("_", ".")
        path.write_text(PRETENDING.format(python=sys.executable, pretended=pretended, path=str(path)), encoding="utf-8")
        path.chmod(0o755)
    environ = {"PATH": str(folder / "bin"), "HOME": str(folder), "PYENV_ROOT": str(folder / "pyenv")}
    done = subprocess.run([ROOT / ".ci/pythons"], env=environ, capture_output=True, text=True, check=True, timeout=60)
    return [Path(line).name for line in done.stdout.splitlines() if line.startswith(str(folder))]


def version(text: str) -> str:
    release = text.replace(".", ", ")
    return (
        f"class Version(tuple): minor = {release.split(', ')[1]}; releaselevel = 'final'\n"
        f"sys.version_info = Version(({release}, 0, 'final', 0))"
    )


def test_one_of_each_version_the_oldest_first(tmp_path: Path) -> None:
    fakes = {"python3": version("3.27"), "python3_27": version("3.27"), "python3_31": version("3.31")}
    fakes |= {"python3_10": version("3.10")}
    assert found(tmp_path, **fakes) == ["python3", "python3.31"]


def test_none_that_makes_no_environments_or_is_no_release(tmp_path: Path) -> None:
    without_venv = version("3.28") + "\nsys.modules['ensurepip'] = None"
    candidate = version("3.29").replace("'final'", "'candidate'", 1)
    broken = "sys.exit(127)"
    assert found(tmp_path, python3_28=without_venv, python3_29=candidate, python3_30=broken) == []


def test_those_of_this_machine_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / ".ci/pythons"], env=os.environ, capture_output=True, text=True, check=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert lines
    for line in lines:
        said = subprocess.run(
            [line, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True, text=True
        )
        assert said.stdout == "True\n"

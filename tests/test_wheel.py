"""The wheel: its name, what is in it beside the modules, and that a user's type checker sees our types."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from exporter import __version__

ROOT = Path(__file__).parents[1]
#: As a program that embeds the exporter would use it.
SNIPPET = """\
from pathlib import Path

from exporter.settings.loading.load import load
from exporter.settings.loading.problems import Problems


def names(file: Path) -> list[str]:
    loaded = load(file, {})
    if isinstance(loaded, Problems):
        raise SystemExit(loaded.render())
    return [destination.name for destination in loaded.settings.destinations]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HATCH_")}
    environ["EXPORTER_COMPILE"] = "0"
    subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True, timeout=120)
    [built] = folder.iterdir()
    return built


def test_its_name_is_its_own_and_the_commands_is_not(wheel: Path) -> None:
    assert wheel.name == f"profile_exporter-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as opened:
        about = f"profile_exporter-{__version__}.dist-info"
        metadata = Parser().parsestr(opened.read(f"{about}/METADATA").decode())
        assert (metadata["Name"], metadata["Version"]) == ("profile-exporter", __version__)
        # Whoever asks for every extra must not be sent to an index for this package.
        assert [
            each for each in metadata.get_all("Requires-Dist", []) if re.match(r"(profile-)?exporter\b", each)
        ] == []
        scripts = opened.read(f"{about}/entry_points.txt").decode()
        assert scripts.split() == ["[console_scripts]", "exporter", "=", "exporter.cli.app:main"]
        assert {name.split("/")[0] for name in opened.namelist()} == {"exporter", about}


def test_the_page_on_installing_names_this_wheel(wheel: Path) -> None:
    assert f"`./dist/{wheel.name}[redis]`" in (ROOT / "docs/install.md").read_text(encoding="utf-8")


def test_it_has_every_file_of_the_package(wheel: Path) -> None:
    package = ROOT / "exporter"
    files = {file.relative_to(ROOT).as_posix() for file in package.rglob("*") if file.is_file()}
    expected = {file for file in files if "__pycache__" not in file} | {"exporter/telemetry/build.json"}
    assert {"exporter/py.typed", "exporter/cli/init/exporter.yaml", "exporter/cli/init/source.yaml"} <= expected
    with zipfile.ZipFile(wheel) as opened:
        assert {name for name in opened.namelist() if name.startswith("exporter/")} == expected


def test_a_users_type_checker_sees_its_types(wheel: Path, tmp_path: Path) -> None:
    """Installed in an environment of its own, where only ``py.typed`` tells that there are types."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=60)
    python = tmp_path / "venv/bin/python"
    [packages] = (tmp_path / "venv/lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(packages)
    # What it depends on; the sources of this clone, which a file there names, are not in reach.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")

    def checked(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "program.py").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable", str(python)]
        return subprocess.run(
            [*command, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )  # fmt: skip

    right = checked(SNIPPET)
    assert right.returncode == 0, right.stdout + right.stderr
    wrong = checked(SNIPPET.replace("destination.name", "destination.nmae"))
    assert wrong.returncode == 1
    assert '"Destination" has no attribute "nmae"' in wrong.stdout

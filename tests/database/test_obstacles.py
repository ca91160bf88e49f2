"""Files and folders that cannot be used, as a process without privileges meets them: each is named as what it is."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from privileges import LIKE_ANYBODY, needs_setpriv

from exporter.database import Database, DatabaseRefused, DatabaseUnavailable, Schema
from exporter.database.opening import open_file

SCHEMA = Schema(0x1234, "a test", ("CREATE TABLE t (x)",))

OPEN = """
import sys
from pathlib import Path
from exporter.database import DatabaseRefused, DatabaseUnavailable, Schema
from exporter.database.opening import open_file

try:
    open_file(Path(sys.argv[1]), Schema(0x1234, "a test", ("CREATE TABLE t (x)",))).close()
except (DatabaseRefused, DatabaseUnavailable) as error:
    print(type(error).__name__, error)
else:
    print("opened")
"""


def said_to(path: Path, *before: str) -> str:
    """What opening the file comes to in a process of its own."""
    done = subprocess.run(
        [*before, sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    folder.mkdir()
    yield folder
    folder.chmod(0o700)


def made(path: Path) -> Path:
    open_file(path, SCHEMA).close()
    return path


@needs_setpriv
@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_may_not_be_written(folder: Path, there: bool) -> None:
    path = folder / "data.db"
    if there:
        made(path)
    folder.chmod(0o500)
    said = said_to(path, *LIKE_ANYBODY)
    assert said == f"DatabaseRefused {path}: its folder {folder} cannot be written: Permission denied"
    assert sorted(folder.iterdir()) == ([path] if there else [])


@needs_setpriv
def test_a_folder_that_may_not_be_written_where_there_are_no_nameless_files(folder: Path) -> None:
    """As on other systems than Linux, and on some file systems."""
    folder.chmod(0o500)
    path = folder / "data.db"
    without = "import os; del os.O_TMPFILE\n" + OPEN
    done = subprocess.run(
        [*LIKE_ANYBODY, sys.executable, "-c", without, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"DatabaseRefused {path}: its folder {folder} cannot be written\n"
    folder.chmod(0o700)
    made(path)


@needs_setpriv
def test_a_folder_that_may_not_be_looked_into(folder: Path) -> None:
    path = made(folder / "data.db")
    folder.chmod(0)
    said = said_to(path, *LIKE_ANYBODY)
    assert said == f"DatabaseRefused {path}: it cannot be looked at: Permission denied"


@needs_setpriv
def test_a_folder_that_may_not_be_made(folder: Path) -> None:
    folder.chmod(0o500)
    path = folder / "deeper" / "data.db"
    said = said_to(path, *LIKE_ANYBODY)
    assert said == f"DatabaseRefused {path}: its folder {path.parent} cannot be made: Permission denied"


@needs_setpriv
@pytest.mark.parametrize("mode", [0o400, 0])
def test_a_file_that_may_not_be_written(folder: Path, mode: int) -> None:
    path = made(folder / "data.db")
    path.chmod(mode)
    assert said_to(path, *LIKE_ANYBODY) == f"DatabaseRefused {path}: it cannot be written: Permission denied"


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root may mount")
def test_a_file_system_that_may_not_be_written(folder: Path) -> None:
    path = made(folder / "data.db")
    mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    said = said_to(path, "unshare", "-m", "sh", "-c", mount, "sh", str(folder))
    assert said == f"DatabaseRefused {path}: its folder {folder} cannot be written: Read-only file system"


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root may mount")
def test_a_file_that_is_mounted_alone(folder: Path, tmp_path: Path) -> None:
    """As ``docker run -v queue.db:/data/queue.db`` does: the log would stay behind in the container."""
    path = made(folder / "data.db")
    other = tmp_path / "other folder" / "queue.db"
    other.parent.mkdir()
    other.touch()
    mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    said = said_to(other, "unshare", "-m", "sh", "-c", mount, "sh", str(path), str(other))
    assert said.startswith(f"DatabaseRefused {other}: it is mounted alone, and its log would not stand beside it")


def _immutable(path: Path) -> bool:
    return not subprocess.run(["chattr", "+i", str(path)], capture_output=True, check=False).returncode


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("chattr") is None, reason="only root may make a file immutable")
@pytest.mark.parametrize("of_folder", [False, True])
def test_what_nobody_may_change(folder: Path, of_folder: bool) -> None:
    path = made(folder / "data.db")
    what = folder if of_folder else path
    if not _immutable(what):
        pytest.skip("this file system knows no immutable files")
    try:
        said = said_to(path)
    finally:
        subprocess.run(["chattr", "-i", str(what)], check=True)
    named = f"its folder {folder} cannot be written" if of_folder else "it cannot be written"
    assert said == f"DatabaseRefused {path}: {named}: Operation not permitted"


def test_a_loop_of_links(folder: Path) -> None:
    path = folder / "data.db"
    path.symlink_to(path)
    with pytest.raises(DatabaseRefused, match=f"^{path}: it cannot be looked at: Too many levels of symbolic links"):
        open_file(path, SCHEMA)


def test_no_descriptor_left_is_trouble_that_passes(folder: Path) -> None:
    """Wherever in opening it is met."""
    path = made(folder / "data.db")
    held: list[int] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    said = []
    highest = max(int(name.name) for name in Path("/proc/self/fd").iterdir())
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 20, hard))
        while True:
            try:
                held.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        while held:
            try:
                open_file(path, SCHEMA).close()
            except DatabaseUnavailable as error:
                said.append(str(error))
            else:
                break
            os.close(held.pop())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)
    assert len(said) >= 3
    assert set(said) == {f"{path}: Too many open files"}


def test_other_names_of_the_file(folder: Path) -> None:
    path = made(folder / "data.db")
    other = folder / "other.db"
    other.hardlink_to(path)
    for name in (path, other):
        with pytest.raises(DatabaseRefused, match=r"it has 2 names \(hard links\), and each would get"):
            open_file(name, SCHEMA)
    other.unlink()
    made(path)


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_a_link_is_the_file_that_it_leads_to(folder: Path, tmp_path: Path) -> None:
    """Its log too: SQLite keeps that beside the file, not beside the link."""
    path = folder / "data.db"
    link = tmp_path / "link.db"
    link.symlink_to(path)
    async with Database.open(link, SCHEMA) as database:
        await database.write(lambda connection: connection.execute("INSERT INTO t VALUES (1)"))
        open_file(path, SCHEMA).close()
        assert names_in(tmp_path) == ["data", "link.db"]
        assert names_in(folder) == ["data.db", "data.db-shm", "data.db-wal"]

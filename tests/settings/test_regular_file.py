"""Which files are read: regular ones, up to a bound. A pipe would block for ever, a device never end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.sections.regular_file import read_regular, stamp_of
from exporter.sections.section import FromFile
from exporter.settings.loading.load import load
from exporter.settings.loading.problems import Problems

TOKEN = "auth: {kind: bearer, token: !file %s}"
CA = "tls: {ca_file: %s}"


def configuration(folder: Path, destination: str, top: str = "") -> Path:
    file = folder / "exporter.yaml"
    file.write_text(f"{top}destinations:\n  - name: crm\n    endpoint: https://crm.example/\n    {destination}\n")
    return file


def refusal(file: Path) -> str:
    found = load(file, {})
    assert isinstance(found, Problems)
    [problem] = found.problems
    return problem.reason


@pytest.fixture(params=["pipe", "device", "link to a pipe"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "device":
        return Path("/dev/zero")
    os.mkfifo(tmp_path / "pipe.yaml")
    if request.param == "pipe":
        return tmp_path / "pipe.yaml"
    (tmp_path / "link").symlink_to(tmp_path / "pipe.yaml")
    return tmp_path / "link"


@pytest.mark.parametrize("key", [TOKEN, CA])
def test_a_pipe_or_a_device_is_refused_wherever_a_destination_names_it(tmp_path: Path, odd: Path, key: str) -> None:
    reason = refusal(configuration(tmp_path, key % odd))
    assert reason.endswith("cannot be read: it is no regular file")


@pytest.mark.parametrize("top", ["segments_file: %s\n", "queue: {kind: nats, tls: {ca_file: %s}}\n"])
def test_it_is_refused_elsewhere_too(tmp_path: Path, odd: Path, top: str) -> None:
    file = configuration(tmp_path, "description: none", top % odd)
    assert refusal(file) == "the file cannot be read: it is no regular file"


def test_it_is_refused_as_the_configuration_and_as_one_of_its_files(tmp_path: Path, odd: Path) -> None:
    assert refusal(odd) == "the file cannot be read: it is no regular file"
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "a.yaml").symlink_to(odd)
    (tmp_path / "exporter.yaml").write_text("destinations_dir: more\n")
    assert refusal(tmp_path / "exporter.yaml") == "the file cannot be read: it is no regular file"


def test_a_file_that_is_too_large_is_refused_by_its_kind(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(1024**2 + 1)
    assert refusal(configuration(tmp_path, TOKEN % large)).endswith("cannot be read: it is larger than 1 MiB")
    os.truncate(large, 16 * 1024**2 + 1)
    assert refusal(configuration(tmp_path, CA % large)) == "the file cannot be read: it is larger than 16 MiB"
    os.truncate(large, 64 * 1024**2 + 1)
    assert refusal(large) == "the file cannot be read: it is larger than 64 MiB"


def test_what_is_just_small_enough_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 10)
    assert read_regular(file, 10).content == b"x" * 10
    with pytest.raises(OSError, match="larger"):
        read_regular(file, 9)


def test_a_file_that_says_that_it_is_empty_is_bounded_too() -> None:
    """As those below /proc do."""
    assert read_regular(Path("/proc/self/status"), 1024**2).content
    with pytest.raises(OSError, match="larger"):
        read_regular(Path("/proc/self/status"), 5)


def test_the_stamp_is_that_of_what_was_read_whatever_comes_after(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one")
    read = FromFile.read(file)
    assert read.stamp == stamp_of(file)
    new = tmp_path / "new"
    new.write_text("two")
    new.replace(file)
    assert read.stamp != stamp_of(file)


def test_a_link_that_is_swapped_above_the_file_is_another_stamp(tmp_path: Path) -> None:
    """As Kubernetes renews what it mounts."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text("same")
    data = tmp_path / "..data"
    data.symlink_to("one")
    (tmp_path / "token").symlink_to("..data/token")
    before = stamp_of(tmp_path / "token")
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").replace(data)
    assert before != stamp_of(tmp_path / "token")
    data.unlink()
    assert stamp_of(tmp_path / "token") is None

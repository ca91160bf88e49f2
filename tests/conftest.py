"""What every test shares: aioresponses made to work with this aiohttp, asserts that explain themselves, properties that
no busy machine fails, signals that reach the processes that tests start, the build that was asked for, long files
first, and in CI what its steps took, and no skip for want of a program."""

from __future__ import annotations

import gc
import inspect
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import aioresponses.core
import pytest
from aiohttp import ClientResponse
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from exporter.daemon.process.cores import usable

#: Modules of shared tests; before anything imports them.
pytest.register_assert_rewrite("contract")


#: A machine that is busy makes no test fail: no example has a deadline, and none is made too slowly.
settings.register_profile(
    "unhurried",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")

#: A script's background jobs ignore the first two, what ``nohup`` starts ignores the last.
_SIGNALS_IGNORED_BY_SOME_PARENTS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)

_runtime = TemporaryDirectory(prefix="exporter-tests-", ignore_cleanup_errors=True)


def pytest_configure() -> None:
    """Where this run ignores a signal, what tests start must not: that is inherited, a handler is not.

    No test needs the system's authorities, and each TLS context and each import of aiohttp would read them all: most
    of the processor time of the transport's tests.
    With EXPORTER_EXPECT_COMPILED no test is run on anything but the compiled build.
    """
    os.environ["SSL_CERT_FILE"] = os.devnull
    # The sockets of daemons that tests kill are not to stay on the machine.
    os.environ["XDG_RUNTIME_DIR"] = _runtime.name
    for number in _SIGNALS_IGNORED_BY_SOME_PARENTS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)
    if os.environ.get("EXPORTER_EXPECT_COMPILED"):
        import compiled_build  # here, since this file is also tested alone, in a folder of its own

        if (mistakes := compiled_build.mistakes()) or (mistakes := compiled_build.mistakes_of_a_child()):
            raise pytest.UsageError("not the compiled build: " + "; ".join(mistakes))


#: What .ci/run did before, a line each; not for the runs of pytest that tests start.
_ci_steps = os.environ.pop("CI_STEPS", "")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """In CI, how long each step took, but for this one, whose seconds are in pytest's last line."""
    if _ci_steps:
        terminalreporter.section("CI's steps before this one")
        terminalreporter.write_line(_ci_steps.rstrip("\n"))


def pytest_unconfigure() -> None:
    """Take the folder of sockets away; left to the interpreter's end, a warning would follow pytest's summary."""
    _runtime.cleanup()


#: Files that take a minute or more, the longest first. One that began last would keep one worker busy alone.
LONG_FILES = (
    "acceptance/crashes/test_sigkill.py",
    "acceptance/on_brokers/test_state_sharing.py",
    "acceptance/on_brokers/test_shared_state.py",
    "acceptance/on_brokers/test_kafka_growth.py",
    "queues/kafka/test_kafka.py",
    "acceptance/on_brokers/test_kafka_daemon.py",
    "transport/answers/test_transport_misbehaviour.py",
    "transport/answers/test_transport_odd_answers.py",
    "cli/test_check_brokers.py",
    "acceptance/on_brokers/test_kafka_kills.py",
    "acceptance/operations/test_tools.py",
    "acceptance/on_brokers/test_nats_kills.py",
    "queues/kafka/test_kafka_tokens.py",
    "benchmarks/test_every_benchmark.py",
    "readme/test_readme.py",
    "monitoring/test_alerts_fire.py",
    "acceptance/on_brokers/test_redis_kills.py",
    "profile/test_projector_fuzzed.py",
)


#: Files that start brokers of several kinds. Those of one kind are told by its name in theirs.
SEVERAL_BROKERS = ("test_as_installed.py", "test_check_brokers.py", "test_state_sharing.py", "test_tools.py")
_BROKERS = ("kafka", "nats", "redis")
_LEAST_WORKERS = 4


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """``-n auto``: one a core, and four at least, since much of the suite waits for processes that it has started."""
    return max(_LEAST_WORKERS, usable())


def group_of(file: PurePosixPath) -> str:
    """The tests that one worker runs one after the other: of a file, and of all files with one kind of broker.

    So no two Kafkas start at a time, and no two kill loops on one kind of broker take each other's processor.
    """
    if file.name in SEVERAL_BROKERS:
        return "brokers"
    return next((broker for broker in _BROKERS if broker in file.name), file.as_posix())


class _ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # without types
    """Hands whole groups to workers, in the order of their first tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(PurePosixPath(nodeid.partition("::")[0].removeprefix("tests/")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Groups by a scheduler of our own: marks of groups, of which xdist has one, are lost with pytest 9.2."""
    config.option.loadscopereorder = False
    return _ByGroup(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the garbage collector look neither at what is collected, most of which stays, nor at it again later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, all others as they were."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, which installs every program that tests start, a test that is skipped for want of one fails.

    Such a skip is told by naming the Debian package.
    """
    report = yield
    if report.skipped and os.environ.get("CI") and "(Debian:" in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


class _WithoutStreamWriter(ClientResponse):
    """A response that may be made without ``stream_writer``, which aiohttp 3.14 demands and aioresponses omits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture(autouse=True, scope="session")
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test begins in the clone, where databases of an exporter that was run there would be found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        yield
    assert not (tmp_path_factory.getbasetemp() / "data").exists(), "a test left databases beside its folder"


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """A folder in the test's own: a configuration's databases stand in ``../data``, which no neighbour may find."""
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True, scope="session")
def _aioresponses_shim() -> Iterator[None]:
    """Inert once either side is repaired (aioresponses 0.7.9 is not: pnuckowski/aioresponses issue 289)."""
    parameter = inspect.signature(ClientResponse.__init__).parameters.get("stream_writer")
    demanded = parameter is not None and parameter.default is inspect.Parameter.empty
    supplied = "stream_writer" in inspect.getsource(aioresponses.core)
    with pytest.MonkeyPatch.context() as patch:
        if demanded and not supplied:
            patch.setattr(aioresponses.core, "ClientResponse", _WithoutStreamWriter)
        yield

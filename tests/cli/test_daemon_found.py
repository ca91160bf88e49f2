"""Whom a command asks: a daemon that runs its configuration, or that does not say what it runs (an earlier one)."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from exporter.cli.shared.daemon import Candidate, Daemon, Runs
from exporter.cli.shared.daemon_port import NoDaemon, Where, get_json
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import document
from exporter.daemon.ops.local_socket import serve_locally
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.status import ConfigStatus, DataflowStatus, Health

OTHER = "/etc/hosts"  # a file that is there, and not the configuration


def desk(started: float, config: ConfigStatus, destination: str) -> Desk:
    status = document(started, config, [DataflowStatus(destination, "running")])
    return Desk(Metrics(), lambda: Health(True), lambda: status, configure(io.StringIO(), False))


async def asked(
    folder: Path,
    runs: Runs,
    *of_each: ConfigStatus,
    ask: Callable[[Daemon], Any],
    is_guess: bool = False,
    shares: tuple[str, ...] = (),
) -> Any:
    """What ``ask`` returns for daemons on sockets ``0``, ``1``...: whole ones, or shares that run ``shares``."""
    async with AsyncExitStack() as stack:
        places = []
        for number, config in enumerate(of_each):
            there = desk(float(number), config, shares[number] if shares else "a")
            await stack.enter_async_context(serve_locally([folder / str(number)], there))
            places.append(Candidate(folder / str(number), is_share=bool(shares), is_guess=is_guess))
        return await asyncio.to_thread(ask, Daemon(tuple(places), None, (), runs))


def started_at(where: Where) -> float:
    return float(get_json(where, "/status")["started_at"])


def first(daemon: Daemon) -> float:
    return daemon.ask(started_at)[1]


def said(file: str | None, prefix: str = "x.") -> ConfigStatus:
    return ConfigStatus(file=file, group_prefix=prefix)


@pytest.mark.parametrize("groups", [None, frozenset({"b.a"})])
async def test_a_daemon_of_another_configuration_is_passed_over(tmp_path: Path, groups: frozenset[str] | None) -> None:
    runs = Runs(tmp_path / "b.yaml", groups)
    assert await asked(tmp_path, runs, said(OTHER), said(str(tmp_path / "b.yaml")), ask=first) == 1.0
    with pytest.raises(NoDaemon, match="runs another configuration, /etc/hosts"):
        await asked(tmp_path, runs, said(OTHER), ask=first)


async def test_the_same_groups_or_a_link_to_the_file_are_the_same_configuration(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("")
    (tmp_path / "link").symlink_to("real")
    link = Runs(tmp_path / "link", None)
    assert await asked(tmp_path, link, said(str(tmp_path / "real")), ask=first) == 0.0
    groups = Runs(tmp_path / "copy", frozenset({"b.a"}))
    assert await asked(tmp_path, groups, said(OTHER), said(OTHER, "b."), ask=first) == 1.0


async def test_a_file_of_another_container_says_nothing_while_the_groups_are_not_known(tmp_path: Path) -> None:
    elsewhere = said(str(tmp_path / "not here"))
    assert await asked(tmp_path, Runs(tmp_path / "b", None), elsewhere, ask=first) == 0.0
    with pytest.raises(NoDaemon, match="another configuration"):
        await asked(tmp_path, Runs(tmp_path / "b", None), elsewhere, ask=first, is_guess=True)


async def test_a_daemon_of_an_earlier_version_is_asked_where_the_configuration_names_it(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "b.yaml", frozenset({"b.a"}))
    assert await asked(tmp_path, runs, said(None), ask=first) == 0.0
    with pytest.raises(NoDaemon, match="does not say which configuration"):
        await asked(tmp_path, runs, said(None), ask=first, is_guess=True)


async def test_shares_answer_together_and_an_action_goes_to_the_one_with_the_destination(tmp_path: Path) -> None:
    runs, config = Runs(tmp_path / "b", None), said(str(tmp_path / "b"))

    def together(daemon: Daemon) -> list[float]:
        return [answer for _, answer in daemon.ask_all(started_at)]

    def of_b(daemon: Daemon) -> float:
        return daemon.ask(started_at, "b")[1]

    shares = ("a", "b")
    assert await asked(tmp_path, runs, config, config, ask=together, shares=shares) == [0.0, 1.0]
    assert await asked(tmp_path, runs, config, config, ask=of_b, shares=shares) == 1.0
    with pytest.raises(NoDaemon, match="does not run b"):
        await asked(tmp_path, runs, config, ask=of_b, shares=shares)
    assert await asked(tmp_path, runs, config, config, ask=together) == [0.0], "one that runs all answers alone"

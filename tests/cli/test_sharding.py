"""``--shard`` and ``--workers``: what they may be, and what is said of them."""

from __future__ import annotations

import pytest
import typer

from exporter.cli.run.sharding import fewer_workers, refuse_ports_beyond, shard_option, workers_option
from exporter.daemon.process.cores import usable
from exporter.daemon.workers.shard import Shard


@pytest.mark.parametrize("text", ["0", "-1", "+2", "٢", "²", " 2", "2 ", "1_0", "2.0", "0x2", "", "many", "9" * 5_000])
def test_what_is_no_count_is_a_usage_error(text: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        workers_option(text, None)
    assert refused.value.exit_code == 2
    assert refused.value.param_hint == "--workers"


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("12", 12), ("auto", usable())])
def test_counts(text: str, count: int) -> None:
    assert workers_option(text, None) == count


@pytest.mark.parametrize("text", ["2", "auto"])
def test_a_shard_has_no_workers(text: str) -> None:
    assert workers_option("1", Shard(1, 2)) == 1
    with pytest.raises(typer.BadParameter, match="a shard runs in one process"):
        workers_option(text, Shard(1, 2))


def test_a_share() -> None:
    assert shard_option(None) is None
    assert shard_option("2/4") == Shard(2, 4)
    with pytest.raises(typer.BadParameter, match="is no share: N/COUNT"):
        shard_option("١/٢")


@pytest.mark.parametrize(
    ("asked", "destinations", "note"),
    [
        (1, 0, None),
        (1, 1, None),
        (2, 2, None),
        (2, 3, None),
        (2, 0, "1 process runs, not 2: no destinations are enabled"),
        (4, 1, "1 process runs, not 4: 1 destination is enabled"),
        (4, 3, "3 processes run, not 4: 3 destinations are enabled"),
    ],
)
def test_that_fewer_run_is_said_with_its_reason(asked: int, destinations: int, note: str | None) -> None:
    said = fewer_workers(asked, destinations)
    assert said == (note and f"{note}, and each stays whole in one process")


@pytest.mark.parametrize(
    ("port", "shard", "workers"),
    [(0, Shard(9, 9), 0), (0, None, 100), (65_535, None, 0), (65_531, None, 4), (65_526, Shard(9, 9), 0)],
)
def test_ports_that_there_are(port: int, shard: Shard | None, workers: int) -> None:
    refuse_ports_beyond(port, shard, workers)


@pytest.mark.parametrize(
    ("port", "shard", "workers", "said"),
    [
        (
            65_532,
            None,
            4,
            "ops.port: 4 workers take the ports after 65532, up to 65536, but 65535 is the last there is",
        ),
        (65_527, Shard(9, 9), 0, "ops.port: share 9/9 takes the port after 65527 by 9, 65536, but 65535 is the last"),
    ],
)
def test_ports_beyond_the_last_are_refused_by_who_would_have_them(
    port: int, shard: Shard | None, workers: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as refused:
        refuse_ports_beyond(port, shard, workers)
    assert refused.value.exit_code == 78
    assert capsys.readouterr().err.startswith(said)

"""Which destinations a shard runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.daemon.workers.shard import Shard
from exporter.settings.tree import Settings

NAMES = st.lists(st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True), unique=True, max_size=60)


@given(names=NAMES, count=st.integers(1, 9))
def test_every_destination_runs_in_exactly_one_shard_and_shards_differ_by_one_at_most(
    names: list[str], count: int
) -> None:
    shares = [Shard(n, count).owned(names) for n in range(1, count + 1)]

    assert sorted(name for share in shares for name in share) == sorted(names)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    ("destinations", "count", "each"),
    [(10, 2, [5, 5]), (10, 4, [2, 2, 3, 3]), (5, 4, [1, 1, 1, 2]), (100, 4, [25] * 4), (500, 8, [62] * 4 + [63] * 4)],
)
def test_shares_are_fair(destinations: int, count: int, each: list[int]) -> None:
    names = [f"destination-{n}" for n in range(destinations)]
    assert sorted(len(Shard(n, count).owned(names)) for n in range(1, count + 1)) == each


@given(names=NAMES, count=st.integers(1, 9))
def test_the_order_of_the_configuration_does_not_matter(names: list[str], count: int) -> None:
    assert Shard(1, count).owned(names) == Shard(1, count).owned(reversed(names))


def places(names: list[str], count: int) -> dict[str, int]:
    return {name: n for n in range(1, count + 1) for name in Shard(n, count).owned(names)}


@pytest.mark.parametrize("destinations", [10, 99, 100, 101])
def test_another_destination_moves_few_others(destinations: int) -> None:
    names = [f"destination-{n}" for n in range(destinations)]
    for number in range(20):
        before, after = places(names, 4), places([*names, f"another-{number}"], 4)
        assert sum(before[name] != after[name] for name in names) <= 5


def test_another_shard_takes_its_share_and_moves_few_others() -> None:
    names = [f"destination-{n}" for n in range(100)]
    before, after = places(names, 4), places(names, 5)

    assert sum(before[name] != after[name] for name in names) <= 35


@pytest.mark.parametrize(
    "text",
    ["", "2", "0/4", "5/4", "-1/4", "a/b", "1/0", "1/2/3", "1 /2", "١/٢", "+1/2", "1/1_0", " 1/2", "1/2\n", "1/100000"],
)
def test_what_is_no_shard(text: str) -> None:
    assert Shard.parse(text) is None


def test_others_are_switched_off_but_stay_configured_and_the_port_is_its_own() -> None:
    names = ["a", "b", "c", "d"]
    settings = Settings.model_validate(
        {
            "ops": {"port": 9000},
            "destinations": [{"name": name, "endpoint": "http://127.0.0.1/"} for name in names],
        }
    )
    shard = Shard(2, 2)
    own = shard.of(settings)

    assert {destination.name for destination in own.running} == shard.owned(names)
    assert [destination.name for destination in own.destinations] == names
    assert own.ops.port == 9002
    assert own.memory == settings.memory


def test_shards_of_one_daemon_have_the_memory_together() -> None:
    settings = Settings.model_validate({"memory": "100MiB"})

    assert Shard(2, 4).of(settings, sharing_memory=True).memory == 25 * 1024**2

"""The set of profiles that may have dead letters is never wrong about "no"."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.state.profiles_with_letters import Profiles

IDS = st.lists(st.text(max_size=3), max_size=40)


@given(IDS, st.integers(0, 20))
def test_what_was_added_is_in(ids: list[str], hashes: int) -> None:
    profiles = Profiles(ids, hashes=hashes, bits=64)
    assert all(profile_id in profiles for profile_id in ids)
    assert bool(profiles) == bool(ids)


@given(IDS, IDS)
def test_few_are_told_apart(ids: list[str], others: list[str]) -> None:
    profiles = Profiles(ids)
    assert {other for other in others if other in profiles} == set(others) & set(ids)


def test_bits_leave_most_others_out() -> None:
    profiles = Profiles((f"p-{number}" for number in range(1000)), hashes=10, bits=1 << 16)
    assert sum(f"q-{number}" in profiles for number in range(10_000)) < 500


@given(IDS, IDS, st.integers(0, 20))
def test_a_removal_spares_what_was_added_after_it_was_decided(ids: list[str], later: list[str], hashes: int) -> None:
    profiles = Profiles(ids, hashes=hashes, bits=64)
    decided = profiles.last
    for profile_id in later:
        profiles.add(profile_id)
    for profile_id in ids:
        profiles.discard(profile_id, decided)
    assert all(profile_id in profiles for profile_id in later)


def test_a_removal_removes() -> None:
    profiles = Profiles(["a", "b"])
    profiles.discard("a", profiles.last)
    profiles.discard("unknown", profiles.last)
    assert "a" not in profiles
    assert "b" in profiles

"""Who is signed in to the page, and for how long."""

from __future__ import annotations

from exporter.daemon.ops.page.sessions import IDLE_SECONDS, LONGEST_SECONDS, MOST, Sessions


def test_a_session_is_found_by_its_key_alone() -> None:
    sessions = Sessions()
    key = sessions.begin(0.0)
    found = sessions.of(key, 1.0)
    assert found is not None
    assert key not in repr(found)
    assert found.form_key not in repr(found)
    assert [sessions.of(other, 1.0) for other in (None, "", key[:-1], f"{key}\udcff")] == [None] * 4
    sessions.end(key)
    assert sessions.of(key, 2.0) is None


def test_a_form_is_known_by_the_key_of_its_session() -> None:
    sessions = Sessions()
    one, two = (sessions.of(sessions.begin(0.0), 0.0) for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.has(one.form_key)
    assert not one.has(two.form_key)
    assert not one.has("")
    assert not one.has("\udcff")


def test_it_ends_when_nobody_uses_it() -> None:
    sessions = Sessions()
    key = sessions.begin(0.0)
    assert sessions.of(key, IDLE_SECONDS) is not None
    assert sessions.of(key, 2 * IDLE_SECONDS) is not None, "it was used meanwhile"
    assert sessions.of(key, 3 * IDLE_SECONDS + 1) is None


def test_a_page_that_renews_itself_keeps_no_session_alive() -> None:
    sessions = Sessions()
    key = sessions.begin(0.0)
    assert sessions.of(key, IDLE_SECONDS, by_hand=False) is not None
    assert sessions.of(key, IDLE_SECONDS + 1, by_hand=False) is None


def test_it_ends_in_any_case() -> None:
    sessions = Sessions()
    key, now = sessions.begin(0.0), 0.0
    while now + IDLE_SECONDS < LONGEST_SECONDS:
        now += IDLE_SECONDS
        assert sessions.of(key, now) is not None
    assert sessions.of(key, LONGEST_SECONDS) is not None
    assert sessions.of(key, LONGEST_SECONDS + 1) is None


def test_there_are_no_more_than_so_many() -> None:
    sessions = Sessions()
    keys = [sessions.begin(float(number)) for number in range(MOST)]
    assert sessions.of(keys[0], 100.0) is not None, "now it is the one that was used last"
    sessions.begin(101.0)
    assert sessions.of(keys[0], 102.0) is not None
    assert sessions.of(keys[1], 102.0) is None

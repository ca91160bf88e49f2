"""The values of Idempotency-Key and Exporter-Position."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.profile.export_headers import idempotency_key, position_value


@pytest.mark.parametrize("event_id", ["e-1", "a b", "~!\"#$%&'()*+,-./:;<=>?@[]^_`{|}", "x" * 251])
def test_a_key_of_printable_ascii_is_sent_as_it_is(event_id: str) -> None:
    assert idempotency_key("crm", event_id) == f"crm:{event_id}"


@pytest.mark.parametrize("event_id", ["x" * 252, "é", "a\r\nb: c", "\x7f", "\x00", "名", "a ", "\ud800"])
def test_any_other_key_is_hashed(event_id: str) -> None:
    whole = f"crm:{event_id}".encode("utf-8", "surrogatepass")
    assert idempotency_key("crm", event_id) == sha256(whole).hexdigest()


def test_a_key_that_begins_with_a_space_is_hashed() -> None:
    assert idempotency_key(" crm", "e-1") == sha256(b" crm:e-1").hexdigest()


def test_two_destinations_have_two_keys() -> None:
    assert len({idempotency_key(name, event_id) for name in ("a", "b") for event_id in ("1", "é")}) == 4


@given(st.text(), st.text())
def test_every_key_fits_a_header_and_survives_it(destination: str, event_id: str) -> None:
    key = idempotency_key(destination, event_id)
    assert 1 <= len(key) <= 255
    assert all(" " <= character <= "~" for character in key)
    assert key.strip() == key


@pytest.mark.parametrize(
    ("lane", "position", "value"),
    [
        ("journal", 7, "journal-7"),
        ("profile-changes/12", 0, "profile-changes/12-0"),
        ("a b\r\n", 1, "a%20b%0D%0A-1"),
        ("é%", 2, "%C3%A9%25-2"),
        ("50%", 3, "50%25-3"),
        ("a b", 4, "a%20b-4"),
        ("~\x7f", 5, "~%7F-5"),
        ("", 6, "-6"),
    ],
)
def test_a_position_is_its_lane_and_number(lane: str, position: int, value: str) -> None:
    assert position_value(lane, position) == value


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_position_fits_a_header_and_no_two_lanes_share_one(lane: str, other: str) -> None:
    value = position_value(lane, 1)
    assert all("!" <= character <= "~" for character in value)
    assert unquote(value) == f"{lane}-1"
    assert (value == position_value(other, 1)) is (lane == other)

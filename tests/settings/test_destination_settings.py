"""A destination's settings: names, bounds, defaults, its URL and its mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.profile.mapping import MappedSegment, Mapping
from exporter.settings.segments import CatalogueSegment
from exporter.settings.tree import Destination, Settings
from exporter.state.sqlite.settings import SqliteSettings


def destination(**keys: Any) -> Destination:
    return Destination.model_validate({"name": "crm", "endpoint": "https://crm.example.com/p", **keys})


def test_defaults_are_those_of_the_design() -> None:
    found = destination()
    assert found.auth.kind == "none"
    assert (found.enabled, found.start, found.segment_membership, found.identity_fields) == (
        True,
        "earliest",
        "all",
        ("id",),
    )
    assert (found.position_header, found.require_membership) == (True, True)
    assert (found.activate_on.segments, found.activate_on.identities, found.activate_on.attributes) == (True,) * 3
    delivery = found.delivery
    assert (delivery.timeout, delivery.retries, delivery.rate, delivery.concurrency) == (10, (15, 30), 10_000, 256)
    assert (delivery.window.events, delivery.window.bytes) == (10_000, 16 * 1024**2)
    assert (delivery.retry_after_cap, delivery.pause_after_rejections) == (3600, 100)
    assert delivery.dead_letters_max_bytes == 1024**3
    settings = Settings()
    assert (settings.queue.kind, settings.state) == ("journal", SqliteSettings(path=Path("../data/state.db")))
    assert (settings.drain, settings.max_event_bytes, settings.memory) == (15, 1024**2, 256 * 1024**2)
    assert (settings.ops.host, settings.ops.port) == ("127.0.0.1", 9464)


@pytest.mark.parametrize(
    "keys",
    [
        {"name": ""},
        {"name": "a" * 65},
        {"name": "a b"},
        {"name": "a/b"},
        {"name": "a\n"},
        {"name": "é"},
        {"start": "middle"},
        {"segment_membership": "some"},
        {"segments": [{"namespace": "ups"}]},
        {"segments": [""]},
        {"segments": ["a", {"id": "a"}]},
        {"attributes": ["segmentMembership.ups"]},
        {"attributes": ["a..b"]},
        {"attributes": [""]},
        {"identity_fields": [""]},
        {"delivery": {"retries": []}},
        {"delivery": {"retries": [-1]}},
        {"delivery": {"retries": ["nan"]}},
        {"delivery": {"timeout": 0}},
        {"delivery": {"timeout": "inf"}},
        {"delivery": {"rate": 0}},
        {"delivery": {"concurrency": 0}},
        {"delivery": {"window": {"events": 0}}},
        {"delivery": {"window": {"bytes": 0}}},
        {"delivery": {"window": {"bytes": "-1MiB"}}},
        {"delivery": {"pause_after_rejections": -1}},
        {"delivery": {"dead_letters_max_bytes": "much"}},
        {"tls": {"ca_file": "/nowhere/ca.pem"}},
        {"headers": {"Authorization": "Basic x"}, "auth": {"kind": "bearer", "token": "t"}},
        {"proxy": "proxy.example.com:3128"},
        {"auth": {"token": "t"}},
        {"unknown": 1},
    ],
)
def test_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        destination(**keys)


def test_authorization_may_be_a_header_where_auth_is_none() -> None:
    assert destination(headers={"Authorization": "Key x"}).headers == {"Authorization": "Key x"}


def test_a_segment_of_another_namespace_is_another_segment() -> None:
    found = destination(segments=["a", {"id": "a", "namespace": "aam"}, "A"])
    assert [segment.key for segment in found.segments] == [("ups", "a"), ("aam", "a"), ("ups", "A")]


def test_id_is_always_sent_first_and_once() -> None:
    assert destination(identity_fields=["primary", "id", "primary"]).identity_fields == ("id", "primary")
    assert destination(identity_fields=[]).identity_fields == ("id",)


@pytest.mark.parametrize(
    ("endpoint", "query", "url"),
    [
        ("https://e.example/p", "", "https://e.example/p"),
        ("https://e.example/p", "a=1", "https://e.example/p?a=1"),
        ("https://e.example/p?x=1", "a=1", "https://e.example/p?x=1&a=1"),
        ("https://e.example/p?", "a=1", "https://e.example/p?a=1"),
        ("https://e.example/p?x&", {"a": "1 2"}, "https://e.example/p?x&a=1%202"),
    ],
)
def test_the_query_follows_the_endpoints_own(endpoint: str, query: Any, url: str) -> None:
    assert destination(endpoint=endpoint, query=query).url == url


def test_a_certificate_needs_no_key_file_but_a_key_needs_its_certificate(tmp_path: Path) -> None:
    pem = tmp_path / "client.pem"
    pem.write_text("x")
    assert destination(tls={"client_cert_file": pem}).tls.client_key_file is None
    with pytest.raises(ValidationError, match="client_key_file needs client_cert_file"):
        destination(tls={"client_key_file": pem})


def test_the_mapping_takes_names_from_the_catalogue_and_times_from_where_they_are_known() -> None:
    catalogue = {("ups", "a"): CatalogueSegment(id="a", name="A", created_at=1, updated_at=2)}
    found = destination(
        segments=["a", {"id": "b", "mapping_created_at": 30}, {"id": "c", "mapping_updated_at": 50}, "d"],
        attributes=["person.name", r"custom.a\.b"],
        activate_on={"identities": False},
        identity_fields=["primary"],
        segment_membership="mapped",
        include_segment_names=True,
    )
    assert found.mapping(catalogue, {("ups", "a"): 10, ("ups", "b"): 20, ("ups", "c"): 40}) == Mapping(
        destination="crm",
        segments=(
            MappedSegment("ups", "a", "A", 1, 2, 10, 10),
            MappedSegment("ups", "b", None, None, None, 30, 30),
            MappedSegment("ups", "c", None, None, None, 40, 50),
            MappedSegment("ups", "d"),
        ),
        attributes=(("person", "name"), ("custom", "a.b")),
        segment_membership="mapped",
        identity_fields=("id", "primary"),
        include_segment_names=True,
        include_segment_timestamps=False,
        require_membership=True,
        triggers=frozenset({"segment", "attribute", "backfill"}),
    )


def test_nothing_secret_is_in_a_repr() -> None:
    found = destination(
        endpoint="https://e.example/p?key=hunter2",
        headers={"x-key": "hunter2"},
        query="sig=hunter2",
        proxy="http://u:hunter2@proxy.example:1",
        auth={"kind": "bearer", "token": "hunter2"},
    )
    assert "hunter2" not in repr(Settings(destinations=(found,)))


def test_settings_built_plainly_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPORTER__DRAIN", "3")
    assert Settings().drain == 15

"""The sections ``profiles`` and ``identities``: what they accept, and the rules that they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contract_of_profiles import applied, entity
from profile_records import record
from pydantic import ValidationError

from exporter.source.profiles.kinds import open_profiles
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.settings import IdentitySettings, SqliteProfileSettings, rules_of


def test_the_defaults() -> None:
    profiles = SqliteProfileSettings()
    assert profiles.outbox_max == 64 * 1024**2
    assert profiles.membership_ttl is None
    assert rules_of(profiles, IdentitySettings()) == Rules()


def test_what_is_set() -> None:
    profiles = SqliteProfileSettings.model_validate(
        {
            "merge": ["crm", "web"],
            "identity_graph": "none",
            "max_identities": 7,
            "delete_tells": "none",
            "coalesce": True,
            "membership_ttl": "30d",
            "outbox_max": "1MiB",
        }
    )
    identities = IdentitySettings.model_validate({"ignore": [" N/A "], "unique": ["CRMID"]})
    assert rules_of(profiles, identities) == Rules(
        ("crm", "web"), False, 7, frozenset({"n/a"}), frozenset({"crmid"}), False, True
    )
    assert (profiles.membership_ttl, profiles.outbox_max) == (30 * 86400, 1024**2)


@pytest.mark.parametrize(
    "section",
    [
        {"kind": "postgresql"},
        {"merge": []},
        {"merge": ["a", "a"]},
        {"merge": "datasets"},
        {"max_identities": 0},
        {"outbox_max": 0},
        {"membership_ttl": 0},
        {"unknown": 1},
    ],
)
def test_what_is_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SqliteProfileSettings.model_validate(section)


async def test_the_store_that_is_named_is_opened(tmp_path: Path) -> None:
    profiles = SqliteProfileSettings.model_validate({"path": tmp_path / "p.db", "merge": ["crm"]})
    async with open_profiles(profiles, IdentitySettings()) as store:
        await applied(store, record("e:1", entity={"a": 1}), record("e:1", dataset="web", entity={"a": 2}, at=1))
        assert await entity(store, "e:1") == {"a": 1}

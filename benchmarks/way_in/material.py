"""The material of the benchmarks of the way in: a source with a mapping of twenty fields, and records of 1 KB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INLET = "a" * 64
FLOW = "f2ae0194-8bd8-4a40-a4d9-f07bdc3e6ce2"
DATASET = "people"
BATCH = 100

#: Twenty destination paths; two have an expression, as mappings have.
MAPPING = {
    "_acme.key": "id",
    "person.name.firstName": "first",
    "person.name.lastName": "last",
    "person.name.fullName": "concat(first, ' ', last)",
    "person.name.courtesyTitle": "title",
    "person.birthDate": "birthday",
    "person.birthYear": "year",
    "person.gender": "gender",
    "person.nationality": "nationality",
    "preferredLanguage": "language",
    "workEmail.address": "lower(email)",
    "workPhone.number": "phone",
    "workAddress.city": "location.city",
    "workAddress.country": "location.country",
    "workAddress.postalCode": "location.code",
    "workAddress.street1": "location.street",
    "_acme.points": "points",
    "_acme.level": "level",
    "_acme.note": "note",
    "_acme.visits": "visits",
}


def configuration(folder: Path, **serve: Any) -> dict[str, Any]:
    """A configuration of one source, all of whose files are in ``folder``; JSON is YAML, too."""
    fields = dict.fromkeys(("_acme.key", "_acme.level", "_acme.note"), "string")
    fields |= dict.fromkeys(("_acme.points", "_acme.visits"), "integer")
    return {
        "queue": {"kind": "journal", "path": str(folder / "queue.db")},
        "state": {"kind": "sqlite", "path": str(folder / "state.db")},
        "intake": {"kind": "journal", "path": str(folder / "intake.db")},
        "profiles": {"kind": "sqlite", "path": str(folder / "profiles.db")},
        "serve": {"port": 0, "api": {"port": 0}, "ops": {"port": 0}, **serve},
        "schemas": [
            {
                "id": "s",
                "groups": ["person", "work_contact", "identity_map", "segmentation"],
                "fields": fields,
                "identities": [{"path": "_acme.key", "namespace": "Key", "primary": True}],
            }
        ],
        "datasets": [{"id": DATASET, "schema": "s"}],
        "mappings": [{"id": "m", "schema": "s", "mappings": MAPPING}],
        "sources": [
            {
                "name": "crm",
                "inlet": INLET,
                "flows": [{"id": FLOW, "name": "people", "dataset": DATASET, "mapping": "m"}],
            }
        ],
        "destinations": [{"name": "nobody", "endpoint": "http://127.0.0.1:9/", "enabled": False}],
    }


def record(profile: int, version: int) -> bytes:
    """A raw record of about 1 KB of one profile; each version differs from the one before in two fields."""
    return json.dumps(
        {
            "id": f"k{profile:09}",
            "first": "John",
            "last": "Doe",
            "title": "Mr",
            "birthday": "1980-01-01",
            "year": 1980,
            "gender": "male",
            "nationality": "FR",
            "language": "fr",
            "email": f"John.Doe.{profile}@example.com",
            "phone": "+33 1 23 45 67 89",
            "location": {"city": "Paris", "country": "France", "code": "75001", "street": "1, rue de Rivoli"},
            "points": version,
            "level": "gold",
            "note": "n" * 480,
            "visits": version + 1,
            "unmapped": {"session": "5f0c1d2e" * 8, "agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"},
        },
        separators=(",", ":"),
    ).encode()


def batch(records: Iterator[bytes]) -> bytes:
    """The body of a batch of ``BATCH`` records."""
    return b'{"messages":[' + b",".join(next(records) for _ in range(BATCH)) + b"]}"

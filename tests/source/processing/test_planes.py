"""Ids of sources and flows: those of a configuration and those that were made tell things apart."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.source.processing.planes import doubled, ids_of, wanted
from exporter.source.settings.declared import SourceSettings

ONE, OTHER = "a" * 64, "b" * 64
UUID = "00000000-0000-4000-8000-000000000000"


def source(name: str, flow: dict[str, Any] | None = None, **more: Any) -> SourceSettings:
    flows = [] if flow is None else [{"name": "raw", "dataset": "d", **flow}]
    return SourceSettings.model_validate({"name": name, "flows": flows, **more})


@pytest.mark.parametrize(
    ("sources", "made", "why"),
    [
        ([source("a"), source("b", inlet=ONE)], {"inlet/a": OTHER}, None),
        ([source("a"), source("b", inlet=ONE)], {"inlet/a": ONE}, "sources a and b have one inlet id"),
        (
            [source("b", connection_id=UUID), source("a")],
            {"connection/a": UUID},
            "sources b and a have one connection id",
        ),
        ([source("a", {"id": UUID}), source("b", {"id": UUID})], {}, None),
        ([source("a", {}), source("b", {"id": UUID, "name": "x"})], {"flow/a/raw": UUID}, "the id of flow x was made"),
    ],
)
def test_an_id_that_was_made_for_something_else(
    sources: list[SourceSettings], made: dict[str, str], why: str | None
) -> None:
    known = {name: given or made.get(name, f"of {name}") for name, given in wanted(sources)}
    found = doubled(sources, ids_of(sources, known))
    assert found is None if why is None else found is not None and found.startswith(why)

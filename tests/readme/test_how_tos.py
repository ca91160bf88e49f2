"""docs/how-to: each page is followed, in a folder of its own, and prints what it shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from clean_clone import ROOT
from fences import fences
from how_to import Place

from exporter.settings.loading.load import Loaded, load

PAGES = sorted((ROOT / "docs/how-to").glob("*.md"))
#: What the pages' commands use beside the exporter, with the Debian package that has it.
PROGRAMS = {"curl": "curl", "jq": "jq", "openssl": "openssl"}


@pytest.fixture(autouse=True)
def needs_programs() -> None:
    lacking = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if lacking:
        pytest.skip(f"programs are missing (Debian: {', '.join(lacking)})")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_followed(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = fences(text)
    assert text.count("\n```") == 2 * len(found) > 0
    for ran in Place(tmp_path).run(found):
        assert ran.as_shown(), f"the snippet at line {ran.command.line} printed {ran.printed}"


def test_the_sinks_configuration_fits_the_one_beside_it(tmp_path: Path) -> None:
    """As the connector reads it: a URL of which it makes another, a host, and headers in a text."""
    found = fences((ROOT / "docs/how-to/adobe-kafka-sink.md").read_text(encoding="utf-8"))
    ours, theirs = (next(fence.text for fence in found if fence.language == kind) for kind in ("yaml", "json"))
    connector = json.loads(theirs)["config"]
    for folder, name, text in (
        ("config", "exporter.yaml", ours),
        ("secrets", "kafka-connect", connector["aep.connection.auth.client.secret"]),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text, encoding="utf-8")
    loaded = load(tmp_path / "config/exporter.yaml", {})
    assert isinstance(loaded, Loaded), loaded
    serve, (source,) = loaded.settings.serve, loaded.settings.sources
    endpoint, tokens = (urlsplit(connector[f"aep.{name}endpoint"]) for name in ("", "connection.auth."))
    assert (endpoint.port, endpoint.path) == (serve.port, f"/collection/{source.inlet}")
    assert (tokens.port, tokens.path) == (serve.api.port, "")
    assert serve.ims is not None
    assert [client.client_id for client in serve.ims.clients] == [connector["aep.connection.auth.client.id"]]
    headers = json.loads(connector["aep.connection.endpoint.headers"])
    assert headers == {"x-adobe-flow-id": source.flows[0].id, "x-adobe-dataset-id": source.flows[0].dataset}

"""``exporter source preview``: what records become, on the configuration of the tutorials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from standard_input import standard_input
from typer.testing import CliRunner, Result

from exporter.cli.commands import command_line
from exporter.cli.source.previewer import NoSuchFlow, RecordPreviewer
from exporter.settings.loading.load import Loaded, load
from exporter.settings.tree import Settings

CONFIG = Path(__file__).parents[2] / "config" / "tutorial.yaml"
RAW = {
    "name": "Johnson Smith",
    "location": {"city": "Seattle", "country": "United State of America", "address": "3692 Main Street"},
    "gender": "Male",
    "birthday": {"year": 1984, "month": 6, "day": 9},
}


def run(flow: str, *records: Any, words: tuple[str, ...] = (), config: Path = CONFIG) -> Result:
    text = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in records)
    command = ["source", "preview", flow, "-", "--config", str(config), *words]
    with standard_input(text.encode()):
        return CliRunner().invoke(command_line(["source", "serve"]), command)


def lines(flow: str, *records: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(flow, *records, words=("--json",)).stdout.splitlines()]


@pytest.fixture(scope="module")
def settings() -> Settings:
    found = load(CONFIG, {})
    assert isinstance(found, Loaded), found
    return found.settings


def test_a_raw_record_for_people(tmp_path: Path) -> None:
    config = tmp_path / "tutorial.yaml"
    config.write_bytes(CONFIG.read_bytes())
    done = run("acme-raw", RAW, config=config)
    assert done.exit_code == 0
    head, identity, event, *document = done.stdout.splitlines()
    assert head == "# stdin:1: applied (create) to dataset 637eb7fadc8a211b6312b65b"
    assert identity.startswith("#   identity acmekey ")
    assert identity.endswith(" (primary)")
    assert event.startswith("#   event of a new profile: identities acmekey; attributes person.name.fullName, ")
    assert json.loads("\n".join(document))["person"] == {
        "name": {"fullName": "Johnson Smith", "firstName": "Johnson", "lastName": "Smith"},
        "gender": "male",
        "birthDate": "1984-06-09",
    }
    # Not even the folder of the stores is made.
    assert [each.name for each in tmp_path.iterdir()] == [config.name]
    assert not (tmp_path.parent / "data").exists()


def test_all_forms_and_outcomes_for_scripts() -> None:
    entity = {"workEmail": {"address": "ada@example.com", "extra": 1}, "person": 3}
    wrapped = {"header": {"operations": {"data": "merge"}}, "body": RAW}
    xdm = {"header": {"flowId": "f2ae0194-8bd8-4a40-a4d9-f07bdc3e6ce2"}, "body": {"xdmEntity": entity}}
    shown = lines("1f086c23-2ea8-4d06-886c-232ea8bd061d", RAW, wrapped, xdm, [7], "no JSON")
    assert [(each["outcome"], each.get("operation"), each.get("reason")) for each in shown] == [
        ("applied", "create", None),
        ("applied", "merge", None),
        ("bad", None, "xdm"),
        ("refused", None, None),
        ("refused", None, None),
    ]
    assert [each["namespace"] for each in shown[0]["identities"]] == ["acmekey"]
    assert shown[2]["xdm"] == entity
    assert [cause["pointerToViolation"] for cause in shown[2]["violations"][0]["causingExceptions"]] == [
        "#/person",
        "#/workEmail",
    ]
    assert shown[3]["detail"] == "Message is not a JSON object"


ENTITY = {
    "workEmail": {"address": "ada@example.com"},
    "person": {"gender": "female"},
    "segmentMembership": {"ups": {"s-1": {"status": "realized"}, "s-2": {"status": "exited"}}},
}


def with_segments(folder: Path, **sections: Any) -> Path:
    """The tutorial's configuration, whose schema also has memberships, and whose sources may delete."""
    document = yaml.safe_load(CONFIG.read_text())
    for source in document["sources"]:
        source["deletes"] = True
    document["schemas"][0]["groups"] = ["segmentation"]
    config = folder / "exporter.yaml"
    config.write_text(yaml.safe_dump(document | sections))
    return config


def test_what_the_event_of_a_new_profile_tells(tmp_path: Path) -> None:
    config = with_segments(tmp_path)
    xdm = {"body": {"xdmEntity": ENTITY}}
    done = run("acme-xdm", xdm, config=config)
    assert done.exit_code == 0, done.output
    told = "segments ups s-1 realized, ups s-2 exited; identities email; attributes workEmail.address, person.gender"
    assert f"#   event of a new profile: {told}\n" in done.stdout
    deleting = {"header": {"operations": {"data": "delete"}}, **xdm}
    shown = [
        json.loads(line)
        for line in run("acme-xdm", xdm, deleting, words=("--json",), config=config).stdout.splitlines()
    ]
    event = shown[0]["event"]
    assert event["changes"] == {
        "segments": [
            {"namespace": "ups", "id": "s-1", "from": None, "to": "realized"},
            {"namespace": "ups", "id": "s-2", "from": None, "to": "exited"},
        ],
        "identities": ["email"],
        "attributes": ["workEmail.address", "person.gender"],
        "joined": [],
        "backfill": False,
    }
    assert event["profile"]["identityMap"] == {"email": [{"id": "ada@example.com", "primary": True}]}
    # A deletion makes nobody known.
    assert (shown[1]["outcome"], shown[1]["event"]) == ("applied", None)
    assert "event of a new profile: none" in run("acme-xdm", deleting, config=config).stdout


@pytest.mark.parametrize(
    ("sections", "reason"),
    [({"identities": {"ignore": ["ADA@example.com"]}}, "no_primary_identity"), ({"max_event_bytes": 200}, "too_large")],
)
def test_what_the_profile_store_would_refuse(tmp_path: Path, sections: dict[str, Any], reason: str) -> None:
    done = run("acme-xdm", {"body": {"xdmEntity": ENTITY}}, config=with_segments(tmp_path, **sections))
    assert done.exit_code == 1
    assert f"a bad record ({reason}): its " in done.stdout


def test_what_is_worth_a_note_although_the_record_is_good(tmp_path: Path) -> None:
    """A namespace that the schema names is as well known as one that is built in."""
    config = tmp_path / "exporter.yaml"
    document = yaml.safe_load(CONFIG.read_text())
    document["datasets"][0]["validate"] = False
    config.write_text(yaml.safe_dump(document))
    first = {"id": "a", "primary": True}
    entity = {"identityMap": {"ECID": [first], "acmekey": [first], "Loyalty": [{"id": "b"}, {"id": 1.5}]}}
    xdm = {"header": {"datasetId": "637eb7fadc8a211b6312b65b"}, "body": {"xdmEntity": entity}}
    flow = "f2ae0194-8bd8-4a40-a4d9-f07bdc3e6ce2"
    shown = json.loads(run(flow, xdm, words=("--json",), config=config).stdout)
    assert shown["outcome"] == "applied", shown
    assert shown["warnings"] == [
        "what stands at #/identityMap/Loyalty/1/id can be no id, and was left out",
        "identity namespace loyalty is neither declared nor built in",
        "2 identities say that they are primary: the first counts",
    ]
    assert "#   warning: 2 identities say" in run(flow, xdm, config=config).stdout


def test_a_built_in_namespace_needs_no_declaration(tmp_path: Path) -> None:
    config = tmp_path / "exporter.yaml"
    document = yaml.safe_load(CONFIG.read_text())
    config.write_text(yaml.safe_dump(document | {"identities": {"namespaces": "declared"}}))
    xdm = {
        "header": {"datasetId": "637eb7fadc8a211b6312b65b"},
        "body": {"xdmEntity": {"workEmail": {"address": "a@b"}}},
    }
    done = run("f2ae0194-8bd8-4a40-a4d9-f07bdc3e6ce2", xdm, words=("--json",), config=config)
    assert json.loads(done.stdout)["outcome"] == "applied", done.stdout


def test_what_is_unsound_ends_with_1_and_says_why() -> None:
    done = run("acme-raw-by-the-tutorial", RAW)
    assert done.exit_code == 1
    assert "a bad record (no_primary_identity)" in done.stdout
    assert "violation at #: primary identity not found" in done.stdout
    done = run("acme-raw", {**RAW, "birthday": {"year": "x", "month": 6, "day": 9}})
    assert done.exit_code == 0  # the rest of the record is sound
    assert "no value for person.birthDate" in done.stdout


def test_a_flow_that_is_none_is_named_with_those_that_are(settings: Settings) -> None:
    done = run("acme", RAW)
    assert done.exit_code == 2
    words = "there is no flow acme; there are acme-xdm, acme-raw, acme-raw-by-the.*a flow made by API is not looked for"
    with pytest.raises(NoSuchFlow, match=words):
        RecordPreviewer(settings, "acme")


def test_what_is_larger_than_a_body_may_be(settings: Settings) -> None:
    previewer = RecordPreviewer(settings, "acme-raw")
    assert previewer.preview(b" " * (settings.serve.max_body + 1)).outcome == "refused"
    assert previewer.preview(json.dumps(RAW).encode()).outcome == "applied"


def test_a_file_that_holds_nothing_is_noted() -> None:
    done = run("acme-raw")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "stdin holds no record" in done.stderr

"""``exporter check --destination``, equal notes in a line, and the result in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from check_command import check

from exporter.cli.check.notes import grouped, of_these


def destination(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "endpoint": f"http://127.0.0.1:9/{name}",
        "attributes": ["personID"],
        "segments": ["s"],
        **more,
    }


async def test_only_what_is_named_is_shown_and_connected_to(tmp_path: Path) -> None:
    both = [destination("a", activate_on=dict.fromkeys(("segments", "identities", "attributes"), False))]
    both += [destination("b", segments=[]), destination("c", segments=[], enabled=False)]
    found = await check(tmp_path, "--destination", "b", "--connect", "--json", destinations=both)
    document = json.loads(found.stdout)
    assert [shown["name"] for shown in document["destinations"]] == ["b"]
    assert {step["destination"] for step in document["connect"]} == {None, "b"}
    assert [note[:3] for note in document["notes"]] == ["b: "]
    found = await check(tmp_path, "--destination", "c", "--destination", "a", destinations=both)
    assert found.code == 0
    assert "\na\n" in found.stdout
    assert "\nb\n" not in found.stdout
    assert found.stderr == "note: a: nothing is on under activate_on: nothing but backfills will be exported\n"
    assert found.stdout.endswith("\n\nthe configuration is valid; 1 enabled, 1 switched off; 1 note\n")
    found = await check(tmp_path, "--destination", "warehose", destinations=[destination("warehouse")])
    assert found.code == 2
    assert "did you mean warehouse?" in found.stderr.replace("\n", " ").replace("│", "").replace("  ", " ")


async def test_what_is_switched_off_is_connected_to_where_it_is_named(tmp_path: Path) -> None:
    off = [destination("a"), destination("b", enabled=False)]
    found = await check(tmp_path, "--destination", "b", "--connect", "--json", destinations=off)
    assert {step["destination"] for step in json.loads(found.stdout)["connect"]} == {None, "b"}
    found = await check(tmp_path, "--connect", "--json", destinations=off)
    assert {step["destination"] for step in json.loads(found.stdout)["connect"]} == {None, "a"}


async def test_equal_notes_are_told_in_a_line_and_the_end_counts_them(tmp_path: Path) -> None:
    found = await check(
        tmp_path, "--connect", destinations=[destination(name, segments=[]) for name in ("a", "b", "c")]
    )
    assert found.stderr == (
        "note: 3 destinations: no segments are mapped and require_membership is on: only switching that off lets "
        "changes through (a, b, c)\n"
    )
    assert found.code == 1
    assert found.stdout.endswith("\nthe configuration is valid; 3 enabled; 1 note; 3 of 8 steps of --connect FAILED\n")


NAMES = ["a", "b", *(f"d{number}" for number in range(30))]


@pytest.mark.parametrize(
    ("notes", "lines"),
    [
        ([], []),
        (["a: x: y", "b: x: z"], ["a: x: y", "b: x: z"]),
        (["general: x", "a: x", "general: x", "b: x"], ["general: x", "2 destinations: x (a, b)"]),
        (
            [f"d{number}: x" for number in range(30)],
            [f"30 destinations: x ({', '.join(f'd{number}' for number in range(20))} and 10 more)"],
        ),
    ],
)
def test_grouping(notes: list[str], lines: list[str]) -> None:
    assert grouped(notes, NAMES) == lines


def test_notes_on_others_are_left_out() -> None:
    assert of_these(["a: x", "general: x", "b: y", "c: d"], ["b"], ["a", "b"]) == ["general: x", "b: y", "c: d"]

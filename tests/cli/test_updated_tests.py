"""``exporter test --update``: what is sent now is written, and all else in the file stays as it is."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from exporter.cli.test import command
from exporter.cli.test.json_tree import Number, differences, same, typed
from exporter.cli.test.yaml_edit import changed, flow
from exporter.settings.loading.plain_values import values_in

CONFIG = """
destinations:
  - name: crm
    endpoint: https://partner.example.com/
    headers: {x-team: growth}
    segments: [s]
    attributes: [person, loyalty]
  - {name: mail, endpoint: https://mail.example.com/, segments: [t]}
"""

BEFORE = """\
# Tests of the CRM.
tests:
  - name: entered              # the usual case
    event:
      profileId: p-1
      changes: {segments: [{id: s, from: null, to: realized}]}
      profile:
        person: {name: {first: John, last: Doe}, since: 2026-11-20T10:15:00Z}
        loyalty: {points: 120, level: [gold, 1]}
    expect:

      # The CRM wants all of it.
      crm:
        triggers: [identity]   # why not
        headers: {X-Team: sales, x-other: y}
        body:
          # Names first.
          person:
            name: {first: Jane, last: Doe}    # both names
            # The date of the contract.
            since: "2020"      # a date
            gone: 1            # this goes
          gone:                # and this
            - all
            - of it
      # Nothing for these.
      mail: {triggers: [segment], body: {}}

  - name: nothing yet
    event: {profileId: p-2, changes: {backfill: true}, profile: {person: {name: {first: Zoë "Z", note: "no"}}}}
    expect: {mail: , crm: {excluded: no_trigger}}   # to be written
  - name: short
    event: {profileId: p-3, changes: {segments: [{id: t, to: realized}]}, profile: {}}
    expect:
      mail:
      crm:   # later
"""

AFTER = """\
# Tests of the CRM.
tests:
  - name: entered              # the usual case
    event:
      profileId: p-1
      changes: {segments: [{id: s, from: null, to: realized}]}
      profile:
        person: {name: {first: John, last: Doe}, since: 2026-11-20T10:15:00Z}
        loyalty: {points: 120, level: [gold, 1]}
    expect:

      # The CRM wants all of it.
      crm:
        triggers: [segment]   # why not
        headers: {X-Team: growth, x-other: null}
        body:
          # Names first.
          person:
            name: {first: John, last: Doe}    # both names
            # The date of the contract.
            since: "2026-11-20T10:15:00Z"      # a date
          loyalty: {points: 120, level: [gold, 1]}
      # Nothing for these.
      mail: {excluded: no_trigger}

  - name: nothing yet
    event: {profileId: p-2, changes: {backfill: true}, profile: {person: {name: {first: Zoë "Z", note: "no"}}}}
    expect: {mail: {excluded: not_a_member}, crm: {excluded: not_a_member}}   # to be written
  - name: short
    event: {profileId: p-3, changes: {segments: [{id: t, to: realized}]}, profile: {}}
    expect:
      mail: {triggers: [segment], body: {}}
      crm: {excluded: no_trigger}   # later
"""

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exporter.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    app = typer.Typer()
    app.command("test")(command.run_tests)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "--config", "exporter.yaml"])

    return run


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_only_what_is_expected_changes(run: Run, folder: Path, newline: str, mark: str) -> None:
    file = folder / "a.test.yaml"
    file.write_text(mark + BEFORE, encoding="utf-8", newline=newline)
    result = run("--update")
    assert file.read_bytes().decode() == (mark + AFTER).replace("\n", newline)
    assert result.stdout.splitlines() == [
        "updated a.test.yaml:3: entered",
        "updated a.test.yaml:26: nothing yet",
        "updated a.test.yaml:29: short",
        "3 tests: 0 passed, 3 updated, 0 failed",
    ]
    assert result.exit_code == 0
    assert run().exit_code == 0
    written = file.stat().st_mtime_ns
    assert run("--update").stdout.splitlines()[-1] == "3 tests: 3 passed, 0 failed"
    assert file.stat().st_mtime_ns == written


def test_long_bodies_are_written_over_several_lines(run: Run, folder: Path) -> None:
    file = folder / "a.test.yaml"
    long = "x" * 60
    file.write_text(
        "tests:\n"
        "  - name: n\n"
        "    event:\n"
        "      profileId: p\n"
        "      changes: {segments: [{id: s, to: realized}]}\n"
        f"      profile: {{person: {{a: {long}, b: [{{c: {long}, d: {long}, e: []}}, 1]}}, loyalty: {{}}}}\n"
        "    expect:\n"
        "      crm: {}\n"
    )
    assert run("--update").exit_code == 0
    assert file.read_text().partition("    expect:\n")[2] == (
        "      crm:\n"
        "        triggers: [segment]\n"
        "        body:\n"
        "          person:\n"
        f"            a: {long}\n"
        "            b:\n"
        f"              - c: {long}\n"
        f"                d: {long}\n"
        "                e: []\n"
        "              - 1\n"
    )
    assert run().exit_code == 0


def test_one_destination_and_one_file(run: Run, folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.test.yaml").write_text(BEFORE, encoding="utf-8")
    result = run("--update", "--destination", "mail", "a.test.yaml", "--json")
    assert result.exit_code == 0
    assert '"updated": ["mail"]' in result.stdout
    a, b = ((folder / f"{name}.test.yaml").read_text(encoding="utf-8") for name in ("a", "b"))
    assert b == BEFORE
    assert "mail: {excluded: no_trigger}" in a
    assert "triggers: [identity]   # why not" in a


ANCHORED = """\
tests:
  - name: first
    event: &event {profileId: p, changes: {segments: [{id: s, to: realized}]}, profile: {person: {a: 1}}}
    expect:
      crm: {body: &body {person: {a: 2}}}
  - name: second
    event: {profileId: p, changes: {segments: [{id: s, to: realized}]}, profile: {person: {a: 2}}}
    expect:
      crm: {body: *body}
  - {name: third, event: *event, expect: {crm: {body: *body}}}
"""


def test_what_an_anchor_shares_is_left_to_people_and_an_alias_is_replaced(run: Run, folder: Path) -> None:
    file = folder / "a.test.yaml"
    file.write_text(ANCHORED)
    result = run("--update")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: a.test.yaml:2: what crm expects must be written by hand: an anchor or the layout keeps it from being "
        "changed alone\n"
    )
    assert file.read_text() == ANCHORED.replace("crm: {body: *body}}}", "crm: {body: {person: {a: 1}}}}}")
    assert result.stdout.splitlines()[-1] == "3 tests: 1 passed, 1 updated, 1 failed"


def test_mode_and_link_of_the_file_stay(run: Run, folder: Path) -> None:
    file = folder / "real"
    file.write_text(BEFORE, encoding="utf-8")
    file.chmod(0o640)
    (folder / "a.test.yaml").symlink_to(file)
    assert run("--update").exit_code == 0
    assert (folder / "a.test.yaml").is_symlink()
    assert file.read_text(encoding="utf-8") == AFTER
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(file.name for file in folder.iterdir()) == ["a.test.yaml", "exporter.yaml", "real"]


def test_a_file_in_another_encoding_is_left_alone(run: Run, folder: Path) -> None:
    file = folder / "a.test.yaml"
    file.write_text(BEFORE, encoding="utf-16")
    result = run("--update")
    assert (result.exit_code, file.read_text(encoding="utf-16")) == (1, BEFORE)
    assert result.stderr == "error: a.test.yaml cannot be written: it is not UTF-8 text\n"


COMMENTED = """\
tests:
  - name: n
    event: {profileId: p, changes: {segments: [{id: s, to: realized}]}, profile: {person: {text: two, x: 2}}}
    expect:
      crm:
        body:
          person:
            text: |
              of several
              lines
            # about x
            x: 1   # one

            folded: >-
              long
              text
            # about flow
            flow: {a: 1,   # first
                   b: [1]}  # end
            # the end
"""


def test_comments_and_blank_lines_within_a_body_stay(run: Run, folder: Path) -> None:
    file = folder / "a.test.yaml"
    file.write_text(COMMENTED)
    assert run("--update").exit_code == 0
    kept = COMMENTED.replace("text: |\n              of several\n              lines", "text: two").replace(
        "x: 1 ", "x: 2 "
    )
    kept = kept.replace("            folded: >-\n              long\n              text\n", "")
    kept = kept.replace("            flow: {a: 1,   # first\n                   b: [1]}  # end\n", "")
    assert file.read_text() == kept


def test_a_file_that_cannot_be_written_is_named(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.test.yaml").write_text(BEFORE, encoding="utf-8")

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", refuse)
    result = run("--update")
    assert result.exit_code == 1
    assert result.stderr == "error: a.test.yaml cannot be written: Permission denied\n"
    assert sorted(file.name for file in folder.iterdir()) == ["a.test.yaml", "exporter.yaml"]


KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=6) | st.sampled_from(
    ["a", "b", "a b", "1", "null", "true", "2026-11-20", "x: y", "# x", "- x", "<<", "*a", "{", "é"]
)
NUMBERS = st.integers().map(str) | st.sampled_from(["1.10", "1E5", "-0.5"])
SCALARS = st.none() | st.booleans() | NUMBERS.map(Number) | KEYS | st.just("")
TREES = st.recursive(
    SCALARS, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(KEYS, parts, max_size=3), max_leaves=8
)


def tree(text: str) -> Any:
    document = values_in(text.encode())
    assert document.problems == [], text
    return typed(document.value)


@given(TREES)
def test_what_is_written_is_read_the_same(value: Any) -> None:
    assert same(tree(f"a: {flow(value)}\n"), {"a": value})


def plain(value: Any) -> Any:
    """The value for PyYAML to write, which knows no ``Number``; a number of ours becomes text here."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, str) else value


@given(TREES, TREES, st.sampled_from([None, True, False]), st.integers(2, 4))
def test_a_change_changes_that_value_and_keeps_every_other_line(
    before: Any, after: Any, style: bool | None, indent: int
) -> None:
    written = yaml.safe_dump(
        {"first": 1, "mine": {"of it": plain(before)}, "last": [1]},
        default_flow_style=style, indent=indent, allow_unicode=True, sort_keys=False,
    )  # fmt: skip
    text = f"# above\n{written}# below\n"
    updated = changed(text, {("mine", "of it"): after})
    expected = {**tree(text), "mine": {"of it": after}}
    assert list(differences(expected, tree(updated))) == []
    assert updated.startswith("# above\n")
    assert updated.endswith("# below\n")


def test_what_is_newly_malformed_is_not_written(run: Run, folder: Path) -> None:
    file = folder / "a.test.yaml"
    text = """\
tests:
  - {name: slip, event: {profileId: p, changes: {backfill: 1}}, expect: {crm: {triggers: [segment]}, mail: }}
  - {name: meant, event: {profileId: p, changes: {backfill: 1}}, expect: {crm: {malformed: elsewhere}}}
"""
    file.write_text(text)
    result = run("--update")
    assert result.exit_code == 1
    told = "changes.backfill: must be a boolean or null, not a number"
    assert file.read_text() == text.replace("elsewhere", f'"{told}"')
    for name in ("crm", "mail"):
        assert (
            f"a.test.yaml:2: the event is malformed for {name} ({told}), which --update does not write" in result.stderr
        )

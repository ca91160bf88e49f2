"""Tables and plots from records, and the page that they go into."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from recorded import record, records

import benchmarks
from benchmarks.plots import PLOTS, write_plots
from benchmarks.report import filled, write_report
from benchmarks.tables import TABLES
from benchmarks.targets import targets

PAGE = Path(benchmarks.__file__).with_name("README.md").read_text(encoding="utf-8")
PLACES = {*TABLES, "targets"}


def test_the_page_has_a_place_for_every_table_and_shows_every_plot() -> None:
    assert set(re.findall(r"<!-- begin: ([a-z ]+) -->", PAGE)) == PLACES
    assert set(re.findall(r"\(results/([a-z]+)\.svg\)", PAGE)) == set(PLOTS)


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_table_is_filled_and_filled_again(place: str) -> None:
    page = f"before\n<!-- begin: {place} -->\nold\n<!-- end: {place} -->\nafter\n"
    once = filled(page, records())
    assert "old" not in once
    assert "Not measured." not in once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert filled(once, records()) == once


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_table_of_nothing_says_so(place: str) -> None:
    page = filled(f"<!-- begin: {place} -->\n<!-- end: {place} -->", {})
    assert "not measured" in page.lower() or place == "missing"


def test_a_measurement_that_lost_a_part_still_has_its_table() -> None:
    found = records()
    del found["end to end kafka"].numbers["lean, throughput"]
    found["end to end kafka"].failed["lean, throughput"] = "the broker ended"
    del found["end to end journal"]
    page = filled(PAGE, found)
    assert "* end to end kafka, lean, throughput: the broker ended" in page
    assert "| redis | lean | 40,000 | 0.40 | 40,000 | – |" in page
    assert "| kafka | lean | 40,000" not in page


def test_plain_python_stands_beside_the_compiled_build() -> None:
    found = records()
    numbers = found["end to end journal"].numbers
    numbers["lean from source, throughput"] = numbers["lean, throughput"]
    assert "| journal | lean from source | 40,000 |" in filled(PAGE, found)
    assert "from source" not in TABLES["throughput"](records())


def test_a_target_is_met_or_not_or_was_not_measured() -> None:
    assert " no |" not in targets(records())
    slow = records() | {"shards": record("shards", {"shards": {"times": {"two of one": 1.2}}})}
    assert "| two shards, times one | ≥ 1.7 | 1.20 | no |" in targets(slow)
    refused = records()
    refused["ramp"].numbers["500"]["answers 429"] = 3.0
    assert "| receiver of 500 ms: answers 429 | ≤ 0 | 3.00 | no |" in targets(refused)
    assert "| two shards, times one | ≥ 1.7 | – | not measured |" in targets({})


def test_plots_are_whole_and_follow_the_page(tmp_path: Path) -> None:
    assert write_plots(tmp_path, records()) == list(PLOTS)
    for name in PLOTS:
        text = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
        root = ET.fromstring(text)
        words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert words, "text is text, so that the style can colour it"
        assert "prefers-color-scheme: dark" in text
        # Nothing opaque behind it: the page's own colour shows.
        assert "#ffffff" not in text


def test_plots_of_the_same_numbers_are_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_plots(tmp_path / folder, records())
    for name in PLOTS:
        assert (tmp_path / "one" / f"{name}.svg").read_bytes() == (tmp_path / "two" / f"{name}.svg").read_bytes()


def test_without_numbers_there_are_no_plots(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(PAGE, encoding="utf-8")
    assert write_report(tmp_path, {}) == []
    assert write_plots(tmp_path, {}) == []

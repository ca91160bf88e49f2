"""Tables and plots from records, and the page that they go into."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from recorded import ratios_of, record, records

import benchmarks
from benchmarks.latency_tables import LATENCY_TABLES
from benchmarks.plots import PLOTS, write_plots
from benchmarks.report import filled, write_report
from benchmarks.tables import TABLES
from benchmarks.targets import targets

PAGE = Path(benchmarks.__file__).with_name("README.md").read_text(encoding="utf-8")
PLACES = {*TABLES, *LATENCY_TABLES, "targets", "comparisons", "peer"}


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
    assert "| redis | lean | 40,000 | 0.40 | 40,000 | 25.0 µs |" in page
    assert "| kafka | lean | 40,000" not in page


def test_plain_python_stands_beside_the_compiled_build() -> None:
    found = records()
    numbers = found["end to end journal"].numbers
    numbers["lean from source, throughput"] = numbers["lean, throughput"]
    assert "| journal | lean from source | 40,000 |" in filled(PAGE, found)
    assert "from source" not in TABLES["throughput"](records())


def test_a_target_is_met_or_not_or_was_not_measured() -> None:
    assert " no |" not in targets(records())
    slow = records() | {"shards": record("shards", {"shards": {"times": ratios_of({"two of one": 1.2})}})}
    assert "| two shards, times one | ≥ 1.7 | 1.20 | no |" in targets(slow)
    refused = records()
    refused["ramp"].numbers["500"]["answers 429"] = 3.0
    assert "| receiver of 500 ms: answers 429 | ≤ 0 | 3.00 | no |" in targets(refused)
    assert "| two shards, times one | ≥ 1.7 | – | not measured |" in targets({})


@pytest.mark.parametrize("few", [{"pairs": 6}, {}])
def test_a_target_says_of_a_ratio_that_it_is_of_too_few_pairs(few: dict[str, int]) -> None:
    found = records()
    ratios = found["end to end journal"].numbers["lean, throughput"]
    del ratios["pairs"]
    ratios |= few
    assert "| journal to receiver, of wrk's rate | ≥ 0.28 | 0.40 | yes, of too few pairs |" in targets(found)
    assert "| two shards, times one | ≥ 1.7 | 1.90 | yes |" in targets(found)


def test_the_target_of_latency_is_of_the_worst_run_that_counts() -> None:
    assert "p99, the worst run that counts | ≤ 10 ms | 5.00 ms | yes |" in targets(records())
    none = records()
    none["outliers"].numbers["runs"]["run 2"]["counts"] = 0.0
    assert "p99, the worst run that counts | ≤ 10 ms | – | not measured |" in targets(none)


def test_a_comparison_states_its_spread_its_pairs_and_what_is_noise() -> None:
    found = records()
    page = filled("<!-- begin: comparisons -->\n<!-- end: comparisons -->", found)
    assert "| lean alone | wrk | 0.80 | 0.72 to 0.88 | 0.84 | 0.76 to 0.92 | 7 |" in page
    assert "| journal, lean | aiohttp | 5.00 | 4.50 to 5.50 | 5.25 |" in page
    assert "| kafka, lean | the journal | 0.98 (noise) | 0.88 to 1.08 | 1.03 (noise) | 0.93 to 1.13 | 7 |" in page
    assert "| two shards | one | 1.90 |" in page
    found["shards"].numbers["shards"]["times"] = ratios_of({"two of one": 1.9}, pairs=3)
    assert "| 3, too few |" in filled("<!-- begin: comparisons -->\n<!-- end: comparisons -->", found)


def test_what_was_not_measured_in_pairs_is_no_comparison() -> None:
    found = {"shards": record("shards", {"shards": {"times": {"two of one": 1.9}}})}
    assert "Not measured." in filled("<!-- begin: comparisons -->\n<!-- end: comparisons -->", found)


def test_the_peer_has_its_page() -> None:
    page = filled(PAGE, records())
    assert "Pairs: 7. The exporter: compiled." in page
    assert "| the peer | 30,000 | 31,000 | 400 MB |  |  |  |  |" in page
    assert (
        "| exporter, from the journal | 60,000 | 65,100 | 90 MB | 2.00 | 1.80 to 2.20 | 2.10 | 1.89 to 2.31 |" in page
    )
    assert "| compiled, from the journal, times the peer's rate | ≥ 1.5 | 2.00 | yes |" in page
    assert "| compiled, from Kafka, times the peer's rate | ≥ 1.3 | 2.00 | yes |" in page


def test_plain_python_meets_no_target_of_the_compiled_build() -> None:
    found = records()
    found["peer"].machine = found["peer"].machine | {"exporter": "from source"}
    assert "| compiled, from Kafka, times the peer's rate | ≥ 1.3 | – | not measured |" in targets(found)


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

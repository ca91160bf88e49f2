"""Each alert fires and ends, in a real Prometheus that scrapes real processes each second.

The rules are the shipped ones with seconds in the place of minutes, hours and days.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from incidents import MADE_UP, Incidents
from processes import eventually, fetch
from prometheus_server import needs_prometheus, promtool
from shipped import alerts, expressions

pytestmark = needs_prometheus

#: Those of the last step, in which nothing else is wrong.
AT_THE_END = {"ExporterDown", "ExporterAbsent"}
#: Those whose cause is a process that stands by.
OF_THE_SPARE = {"ExporterNoReader"}
#: Those whose cause has an end before the others'.
FIRST = {"ExporterSourceUnavailable"}
#: Expressions of the dashboard whose series are there only while, or once, something happens.
MAY_BE_EMPTY = {"Notes on records/B"}
#: What a dashboard reads in the place of its variables.
VARIABLES = {"$job": ".+", "$serve_job": ".+", "$destination": ".+", "$__rate_interval": "15s"}


@dataclass
class Told:
    """What was seen while all of it happened."""

    fired: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    expositions: list[bytes] = field(default_factory=list)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with Incidents(tmp_path_factory.mktemp("incidents")) as incidents:
        told = Told()
        restarts = threading.Thread(target=incidents.restart_again_and_again)
        restarts.start()
        try:
            _break(incidents)
            told.shown = {name: len(incidents.prometheus.query(_read(text))) for name, text in expressions().items()}
            told.expositions = [
                fetch(f"http://127.0.0.1:{daemon.port}/metrics")[1]
                for daemon in (incidents.exporting.main, incidents.serving.daemon)
            ]
        finally:
            restarts.join()
        _mend(incidents)
        _take_away(incidents)
        told.fired = incidents.fired
        yield told


def _break(incidents: Incidents) -> None:
    """Begin every cause; return once each alert has fired."""
    exporting, serving = incidents.exporting, incidents.serving
    serving.send(2)
    eventually("all that came is told", lambda: serving.daemon.metric("exporter_source_events_total") >= 2)
    eventually("all is scraped before anything breaks", incidents.scraped)
    incidents.fired.clear()
    exporting.break_()
    incidents.made_up.text = MADE_UP.format(lost=1, behind=60, done=50)
    with serving.without("intake"):
        _until(incidents, FIRST)
    with serving.without("queue"):
        _until(incidents, set(alerts()) - AT_THE_END)


def _until(incidents: Incidents, names: set[str]) -> None:
    def all_have_fired() -> bool:
        incidents.firing()
        incidents.exporting.go_on()
        incidents.serving.send()
        if names != FIRST:
            incidents.serving.send_bad()
        return names <= incidents.fired.keys()

    try:
        eventually("they fire", all_have_fired)
    except AssertionError as error:
        raise AssertionError(f"{error}: {sorted(names - incidents.fired.keys())}") from None


def _mend(incidents: Incidents) -> None:
    """End every cause but the standby; return once no other alert fires."""
    incidents.exporting.mend()
    incidents.made_up.text = MADE_UP.format(lost=1, behind=0, done=90)
    eventually("they end", lambda: incidents.firing() == OF_THE_SPARE)


def _take_away(incidents: Incidents) -> None:
    """Kill the daemon, whose spare takes over, and have it back; hide all of them from Prometheus, and show them."""
    incidents.exporting.kill_main()
    eventually("the spare takes over", lambda: "ExporterDown" in (now := incidents.firing()) and not OF_THE_SPARE & now)
    incidents.exporting.start_main()
    eventually("it is back", lambda: "ExporterDown" not in incidents.firing())
    incidents.announce(known=False)
    eventually("none is known", lambda: "ExporterAbsent" in incidents.firing())
    incidents.announce(known=True)
    eventually("all is well", lambda: not incidents.firing())


def _read(expression: str) -> str:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def test_each_alert_fires_and_ends(told: Told) -> None:
    assert told.fired.keys() == alerts().keys()
    for name, alert in told.fired.items():
        assert alert["labels"]["severity"] == alerts()[name]["labels"]["severity"]
        assert alert["annotations"].keys() == {"summary", "runbook"}
        assert "<no value>" not in alert["annotations"]["summary"]


def test_what_real_processes_show_is_as_prometheus_wants_it(told: Told) -> None:
    assert len(told.expositions) == 2
    for exposition in told.expositions:
        assert promtool("check", "metrics", said=exposition) == ""


def test_each_expression_of_the_dashboard_has_data(told: Told) -> None:
    assert len(told.shown) > 50
    assert {name for name, series in told.shown.items() if not series} <= MAY_BE_EMPTY

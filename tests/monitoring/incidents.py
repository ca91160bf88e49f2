"""Real processes, and a Prometheus that scrapes them each second: the causes of alerts begin and end here.

A daemon exports to receivers that are killed, refuse, or give no token; a second one stands by; a third is killed again
and again; ``exporter serve`` has files taken away. What cannot be had for real shows ``MADE_UP``.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import prometheus_server
from events import Source
from harness import Place
from ports import free_ports
from processes import EXPORTER, Daemon, eventually
from prometheus_server import PrometheusServer
from serving import INLET, connected, post, serve, way_in
from shipped import hastened
from span_collector import SpanCollector

#: What a broker's limit that was lowered, a clock that was set back and a backfill that hangs would show.
MADE_UP = """\
exporter_source_events_lost_total {lost}
exporter_source_clock_behind_seconds {behind}
exporter_source_backfill_total{{destination="crm"}} 90
exporter_source_backfill_done{{destination="crm"}} {done}
"""
_CLIENT = {"client_id": "demo", "client_secret": "demo-secret"}


class Exposition:
    """A text that is served as ``/metrics``, and can be changed."""

    def __init__(self) -> None:
        self.text = MADE_UP.format(lost=0, behind=0, done=90)
        exposition = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exposition.text.encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()
        self.port = self._http.server_port

    def close(self) -> None:
        """End."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Exporting:
    """The daemon ``main`` with a destination for each trouble, and ``spare``, which stands by and cannot log."""

    def __init__(self, place: Place, port: int, spare: int) -> None:
        self.place = place
        self._port = port
        self.collector = SpanCollector()
        self.good, self.gone, self.refusing = (place.receiver(name=name) for name in ("good", "gone", "refusing"))
        self.tokens = place.receiver("--auth", "oauth2_client_credentials", name="tokens")
        self.closed = place.receiver("--auth", "bearer", name="closed")
        self._events = Source(profiles=50)
        for name, receiver in {
            "good": self.good,
            "held": self.good,
            "gone": self.gone,
            "refusing": self.refusing,
        }.items():
            place.destination(name, receiver.url)
        grant = {"kind": "oauth2_client_credentials", "token_url": self.tokens.token_url, **_CLIENT}
        place.destination("tokenless", self.tokens.url, auth=grant)
        place.destination("revoked", self.closed.url, auth={"kind": "bearer", "token": "demo-token"})
        place.config["tracing"] = {"otlp_endpoint": self.collector.url, "sample": 1}
        self.main = self._started()
        # A log that is written to a full disk.
        argv = ("sh", "-c", 'exec "$@" 2> /dev/full', "sh", *EXPORTER, "run")
        self.spare = place.daemon("spare", argv, own={"ops": {"port": spare}, "tracing": {}})

    def _started(self) -> Daemon:
        self.place.config["ops"] = {"port": self._port}
        self.place.write()
        return self.place.daemon("main").ready()

    def publish(self, destination: str, count: int) -> None:
        """Put events on the queue that name this destination alone."""
        made = ({**event.document(), "destination": destination} for event in self._events.make(count))
        self.place.publish(json.dumps(event).encode() for event in made)

    def break_(self) -> None:
        """Begin all that can go wrong at once."""
        self.gone.kill()
        self.refusing.control(status=400)
        self.tokens.control(token_status=500)
        self.closed.control(refuse_credentials=True)
        self.collector.status = 400
        assert self.place.command("pause", "held").returncode == 0
        for name in ("good", "held", "refusing", "tokenless", "revoked"):
            self.publish(name, 5)
        self.publish("gone", 300)
        self.place.file.write_text("destinations: [{name: nobody}]\n", encoding="utf-8")
        self.main.send(signal.SIGHUP)

    def go_on(self) -> None:
        """What happens while things are wrong: the backlog grows, and what logs has something to say."""
        self.publish("gone", 5)
        for name in ("good", "refusing"):
            self.publish(name, 1)
        self.spare.send(signal.SIGHUP)

    def mend(self) -> None:
        """End what ``break_`` began."""
        self.place.write()
        self.main.send(signal.SIGHUP)
        self.gone = self.place.receiver("--port", str(self.gone.port), name="gone")
        self.refusing.control(status=200)
        self.tokens.control(token_status=None)
        self.closed.control(refuse_credentials=False)
        self.collector.status = 200
        assert self.place.command("resume", "held").returncode == 0
        assert self.place.command("deadletters", "purge", "--destination", "refusing", "--yes").returncode == 0
        for name in ("gone", "tokenless", "revoked"):
            assert self.place.command("probe", name).returncode == 0

    def kill_main(self) -> None:
        """SIGKILL; the spare takes over."""
        self.main.kill()

    def start_main(self) -> None:
        """Start it again, as a standby of what was the spare."""
        self.main = self.place.daemon("main")
        self.main.port = self._port


class Serving:
    """``exporter serve``, with senders."""

    def __init__(self, place: Place, port: int) -> None:
        data = place.folder / "data"
        way_in(place)
        for part in ("queue", "state", "intake", "profiles"):
            place.config[part]["path"] = str(data / f"{part}.db")
        # Two events that wait are too many; a second is the longest that a sender is held.
        place.config["profiles"]["outbox_max"] = 1
        place.config["serve"] |= {"ops": {"host": "127.0.0.1", "port": port}, "hold": 1}
        place.write()
        self.place = place
        self.daemon = serve(place).ready()
        self._number = 0

    def send(self, count: int = 1) -> None:
        """Send good records, whatever they are answered."""
        for _ in range(count):
            self._number += 1
            with connected(self.place) as connection:
                post(connection, {"id": f"p-{self._number}", "n": self._number, "name": "Ada"})

    def send_bad(self) -> None:
        """Send a record of nobody, one with a value that cannot be mapped, and something that is refused."""
        with connected(self.place) as connection:
            for record in ({"n": 1}, {"id": "p-0", "n": "none"}):
                assert post(connection, record)[0] == 200
            connection.request("POST", f"/collection/{INLET}", b"{", {"Content-Type": "application/json"})
            assert connection.getresponse().status == 400

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Its file is away for so long."""
        file = self.place.folder / "data" / f"{part}.db"
        aside = file.rename(file.with_name("aside.db"))
        yield
        aside.rename(file)


class Incidents(AbstractContextManager["Incidents"]):
    """All of it. ``fired`` holds one alert of each name that has fired so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fired: dict[str, dict[str, Any]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Incidents:
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _begin(self) -> None:
        self.made_up = Exposition()
        self._stack.callback(self.made_up.close)
        main, spare, looping, serving = free_ports(4)
        self._targets = [f"127.0.0.1:{port}" for port in (main, looping)]
        self.announce(known=True)
        self.prometheus: PrometheusServer = self._stack.enter_context(
            prometheus_server.running(self.folder, self._config(spare, serving))
        )
        self.exporting = Exporting(self._place("out"), main, spare)
        self._stack.callback(self.exporting.collector.close)
        self.serving = Serving(self._place("in"), serving)
        self._looping = self._place("looping")
        self._looping.config["ops"]["port"] = looping
        self._looping.destination("loop", self.exporting.good.url)
        self._looping.write()

    def _place(self, name: str) -> Place:
        (self.folder / name).mkdir()
        return self._stack.enter_context(Place(self.folder / name))

    def _config(self, spare: int, serving: int) -> dict[str, Any]:
        (self.folder / "alerts.yaml").write_text(hastened(), encoding="utf-8")
        at = "127.0.0.1:{}".format
        return {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yaml"],
            "scrape_configs": [
                {"job_name": "exporter", "file_sd_configs": [{"files": ["targets.json"]}]},
                {"job_name": "spare", "static_configs": [{"targets": [at(spare)]}]},
                {"job_name": "exporter-serve", "static_configs": [{"targets": [at(serving), at(self.made_up.port)]}]},
            ],
        }

    def announce(self, *, known: bool) -> None:
        """Tell Prometheus of the exporters, or of none."""
        file = self.folder / "targets.json.new"
        file.write_text(json.dumps([{"targets": self._targets if known else []}]), encoding="utf-8")
        file.rename(self.folder / "targets.json")

    def restart_again_and_again(self) -> None:
        """Kill a daemon four times, each time once Prometheus has seen it."""
        began = f'process_start_time_seconds{{instance="{self._targets[1]}"}}'
        before = 0.0
        for last in (False, False, False, False, True):
            daemon = self._looping.daemon("loop")
            before = eventually("Prometheus sees it", self._greater(began, before))
            if not last:
                daemon.kill()

    def _greater(self, expression: str, before: float) -> Callable[[], float | None]:
        def greater() -> float | None:
            value = self.prometheus.value(expression)
            return value if value > before else None

        return greater

    def scraped(self) -> bool:
        """Whether Prometheus has found all processes, and seen numbers of each; it looks for exporters every 5 s."""
        asked = {"count(exporter_standby)": 2, "count(exporter_source_events_lost_total)": 2}
        found = all(self.prometheus.value(expression) >= count for expression, count in asked.items())
        return found and "ExporterAbsent" not in self.firing()

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        now = self.prometheus.firing()
        self.fired |= {name: alerts[0] for name, alerts in now.items()}
        return set(now)

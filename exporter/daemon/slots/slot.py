"""The place of a destination in the daemon: keeps the dataflow running until stopped, and tells the status."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from exporter.daemon.failures import told, trace
from exporter.daemon.interventions import held_back
from exporter.daemon.slots.wiring import Shared, open_dataflow
from exporter.dataflow.flow import Dataflow
from exporter.dataflow.report import gauges, status
from exporter.outbox.verdict import PauseReason
from exporter.settings.destination import Destination
from exporter.settings.tree import Settings
from exporter.state.interventions import NO_INTERVENTION, Intervention
from exporter.state.port import StateUnavailable
from exporter.tasks.ending import Ending
from exporter.tasks.hurry import Hurry
from exporter.tasks.lifetimes import asked_to_end
from exporter.telemetry.metrics import Gauges
from exporter.telemetry.pauses_told import PausesTold
from exporter.telemetry.status import DataflowState, DataflowStatus, PausedByHand
from exporter.transport.tls.contexts import TlsFilesUnusable


class Slot:
    """Runs one destination; a dataflow that ends by a bug is opened anew after growing waits, unnoticed by the rest."""

    def __init__(
        self,
        destination: Destination,
        settings: Settings,
        shared: Shared,
        intervention: Intervention = NO_INTERVENTION,
    ) -> None:
        self.destination = destination
        self.ended = asyncio.Event()
        self.committed = True
        self._settings = settings
        self._shared = shared
        self._log = shared.log.bind(destination=destination.name)
        self._flow: Dataflow | None = None
        self._failing: PauseReason | None = None
        self._failure: str | None = None
        self._ending = Ending()
        self._hurry = Hurry()
        self._intervention = intervention
        self._pauses = PausesTold(shared.clock.monotonic)

    async def run(self) -> None:
        """Run until stopped."""
        tries = 0
        try:
            while not self._ending.is_set():
                try:
                    opening = open_dataflow(self.destination, self._settings, self._shared, self._pauses)
                    async with opening as self._flow:
                        if self._ending.is_set():
                            break
                        self._failing = None
                        self._flow.obey(self._intervention.pause)
                        # Until ``run`` returns, whether the last commit succeeded is not known.
                        self.committed = False
                        self.committed = await self._flow.run()
                except StateUnavailable as error:
                    self._failed("state", error.reason)
                except TlsFilesUnusable as error:
                    self._failed("unreachable", str(error))
                except asyncio.CancelledError as error:
                    if asked_to_end():
                        raise
                    self._failed("bug", told(error), trace(error))
                except Exception as error:
                    self._failed("bug", told(error), trace(error))
                finally:
                    self._let_go()
                if self._failing is None:
                    break
                await self._ending.unless_asked(self._hurry.sleep(self._shared.wait_delay(tries)))
                tries += 1
        finally:
            self._pauses.end(self._log)
            self.ended.set()

    def stop(self, drain_seconds: float) -> None:
        """End: the dataflow stops as ``Dataflow.stop`` says, and none is opened any more."""
        self._ending.set()
        if self._flow is not None:
            self._flow.stop(drain_seconds)

    def cut(self) -> None:
        """End at once: the dataflow does not wait for attempts in flight, and none is opened any more."""
        self._ending.set()
        if self._flow is not None:
            self._flow.cut()

    def obey(self, intervention: Intervention) -> None:
        """Do what operators ask for by hand: pause or not, and probe where that was asked since the last call."""
        before, self._intervention = self._intervention, intervention
        if self._flow is not None:
            self._flow.obey(intervention.pause)
        self._tell_of_failure()
        if intervention.probes > before.probes:
            idle = "" if self.paused else ", and there is nothing to probe: no pause here"
            self._log.info("probe", detail=f"an operator asks for it now{idle}")
            self._hurry.now()
            if self._flow is not None:
                self._flow.probe()

    @property
    def state(self) -> DataflowState:
        """The stage of the dataflow between start and end."""
        if self._flow is not None:
            return self._flow.state
        return "draining" if self._ending.is_set() else "starting"

    @property
    def broken(self) -> bool:
        """Whether the dataflow ended by a bug and is not open again yet."""
        return self._failing == "bug"

    @property
    def paused(self) -> frozenset[str]:
        """The reasons for which the dataflow sends nothing, if any."""
        if self._failing is not None:
            return frozenset({self._failing}) | ({"operator"} if self._intervention.pause else set())
        return frozenset() if self._flow is None else self._flow.dependencies.outbox.reasons

    @property
    def stops(self) -> Mapping[str, str]:
        """The reasons that stop the dataflow, or keep the dataflow from opening, each with the failure."""
        if self._failing is not None:
            return {self._failing: self._failure or ""}
        return {} if self._flow is None else dict(self._flow.dependencies.outbox.stop_details.items())

    def gauges(self) -> Gauges:
        """The current numbers of the dataflow."""
        if self._flow is None or self._failing is not None:
            now = Gauges(0, 0, None, None, self.paused, None)
        else:
            now = gauges(self._flow)
        return replace(now, rate=self.destination.delivery.rate)

    @property
    def in_flight(self) -> int:
        """Attempts in flight."""
        return 0 if self._flow is None else self._flow.dependencies.outbox.in_flight

    def status(self) -> DataflowStatus:
        """The current status of the dataflow."""
        found, pause = self._status(), self._intervention.pause
        if pause is None:
            return found
        warning = held_back(self._settings.queue.kind, found.lag_messages)
        since = pause.at if found.paused_since is None else min(pause.at, found.paused_since)
        by_hand = PausedByHand(pause.at, pause.by, pause.why, warning)
        # Only an operator knows when the next probe is.
        return replace(found, paused_since=since, next_probe_seconds=None, operator=by_hand)

    def _status(self) -> DataflowStatus:
        if self._flow is None or self._failing is not None:
            state: DataflowState = "starting" if self._failing is None else "paused"
            began, clock = self._pauses.since, self._shared.clock
            return DataflowStatus(
                self.destination.name,
                state,
                tuple(sorted(self.paused)),
                paused_since=None if began is None else clock.epoch() - (clock.monotonic() - began),
                last_failure=self._failure,
            )
        return status(self._flow)

    def _let_go(self) -> None:
        flow, self._flow = self._flow, None
        if flow is not None:
            flow.let_go()

    def _failed(self, reason: PauseReason, detail: str, calls: Sequence[str] = ()) -> None:
        self._failing = reason
        self._failure = detail
        self._shared.metrics.of(self.destination.name).history.failed(detail, self._shared.clock.epoch())
        more = {"trace": calls} if calls else {}
        self._log.error("dataflow failed", reason=reason, detail=detail, **more)
        self._tell_of_failure()

    def _tell_of_failure(self) -> None:
        """Tell of the pauses while no dataflow is open, since the last has failed; else the dataflow tells of them."""
        if self._failing is None:
            return
        now: dict[PauseReason, str] = {self._failing: self._failure or ""}
        if self._intervention.pause is not None:
            now["operator"] = str(self._intervention.pause)
        self._pauses.look(self._log, now)

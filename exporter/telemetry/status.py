"""What ``/status`` says, as values: the document of a process, and in it the status of each dataflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from exporter.telemetry.latencies import Latencies

DataflowState = Literal["starting", "standby", "running", "paused", "draining"]
BuildKind = Literal["compiled", "interpreted"]
ProjectorKind = Literal["native", "python"]


def _said(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


@dataclass(frozen=True, slots=True)
class PausedByHand:
    """A pause by hand, which only an operator ends."""

    since: Annotated[float, _said("When it began.")]
    by: Annotated[str, _said("Who asked for it; empty where that is not known.")]
    why: Annotated[str, _said("The operator's note; empty where none was given.")]
    warning: Annotated[
        str | None, _said("What becomes meanwhile of what waits in the queue; null where nothing waits.")
    ] = None


@dataclass(frozen=True, slots=True)
class DataflowStatus:
    """A destination's dataflow at one moment.

    Times whose name ends with ``_at``, and ``paused_since``, are seconds since the epoch, all others are durations in
    seconds. null means not known, or not now. Counts are since the process started, so two samples give rates.
    """

    destination: Annotated[str, _said("The name of the destination.")]
    state: Annotated[DataflowState, _said("standby: another process reads the destination's group.")]
    paused: Annotated[tuple[str, ...], _said("Why nothing is sent, every reason that holds; empty while it runs.")] = ()
    paused_since: Annotated[float | None, _said("When the pause began.")] = None
    next_probe_seconds: Annotated[float | None, _said("How long until the next probe of a pause.")] = None
    last_failure: Annotated[
        str | None, _said("What failed last, for people; free of personal data and secrets. It may be long over.")
    ] = None
    lag_messages: Annotated[int | None, _said("How many events of the queue are not settled.")] = None
    lag_seconds: Annotated[float | None, _said("How old the oldest of them is.")] = None
    oldest_pending_seconds: Annotated[float | None, _said("How old the oldest event is that is not settled.")] = None
    in_flight: Annotated[int, _said("Requests whose answer has not come.")] = 0
    concurrency: Annotated[int, _said("How many requests may be in flight now; adapts.")] = 0
    window_events: Annotated[int, _said("Events read and not settled.")] = 0
    received: Annotated[int, _said("Events read from the queue; what a reload reads again counts again.")] = 0
    excluded: Annotated[int, _said("Events that were not for this destination.")] = 0
    delivered: Annotated[int, _said("Exports that were answered with 2xx.")] = 0
    dead_lettered: Annotated[int, _said("Events that became dead letters.")] = 0
    retried: Annotated[int, _said("Attempts that repeated an earlier one.")] = 0
    dead_letters: Annotated[int, _said("Dead letters that are kept now, superseded ones included.")] = 0
    endpoint_host: Annotated[str | None, _said("Host, and port where it is named, of the endpoint.")] = None
    rate: Annotated[float | None, _said("Attempts a second, at most, as configured.")] = None
    max_concurrency: Annotated[int | None, _said("Requests in flight, at most, as configured.")] = None
    last_success_at: Annotated[float | None, _said("When an export was delivered last.")] = None
    last_failure_at: Annotated[float | None, _said("When `last_failure` was.")] = None
    operator: Annotated[PausedByHand | None, _said("The pause by hand, if there is one.")] = None
    latency: Annotated[
        Latencies | None, _said("How long the attempts of the last five minutes took; null if there were none.")
    ] = None


@dataclass(frozen=True, slots=True)
class Build:
    """The build that runs."""

    kind: Annotated[BuildKind, _said("compiled: what every event passes through is compiled.")]
    python: Annotated[str, _said("The version of Python.")]
    projector: Annotated[ProjectorKind, _said("native: events can be read, decided and built in one pass, in C.")] = (
        "python"
    )
    why: Annotated[str | None, _said("Why not all is compiled that can be; null where all is.")] = None


@dataclass(frozen=True, slots=True)
class ConfigStatus:
    """How the configuration was when it was read last."""

    valid: Annotated[bool, _said("false: the reload was refused, and the configuration before goes on.")] = True
    reloaded_at: Annotated[
        float | None, _said("When a reload took over a configuration last; null: the one of the start runs.")
    ] = None
    problems: Annotated[
        tuple[str, ...],
        _said("Why the reload was refused, as the log says it; without secrets. Files are named from the root on."),
    ] = ()
    refused_at: Annotated[
        float | None, _said("When the reload was refused, seconds since the epoch; null: none since the last good one.")
    ] = None
    file: Annotated[str | None, _said("The main file, from the root on; null: not known.")] = None
    group_prefix: Annotated[
        str | None, _said("What stands before a destination's name in the name of its group; null: not known.")
    ] = None


@dataclass(frozen=True, slots=True)
class StatusDocument:
    """What /status answers; with several workers, of all of them. More keys may come with later versions."""

    version: Annotated[str, _said("The version of the exporter.")]
    build: Build
    started_at: Annotated[float, _said("When the process started, seconds since the epoch.")]
    config: ConfigStatus
    destinations: Annotated[
        tuple[DataflowStatus, ...], _said("The enabled destinations, in the order of the configuration.")
    ] = ()


def status_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what ``/status`` answers."""
    schema = msgspec.json.schema(StatusDocument)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Status of exporter"}
    _all_are_there(schema["$defs"])
    return {**head, **schema}


def _all_are_there(definitions: dict[str, Any]) -> None:
    """Say that every key is always there: the defaults are Python's, and no answer leaves a key out."""
    for definition in definitions.values():
        definition["required"] = list(definition["properties"])
        for of_key in definition["properties"].values():
            of_key.pop("default", None)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the process is ready, and if not, every reason why; reasons are shown to whoever asks."""

    ready: bool
    reasons: tuple[str, ...] = ()

"""The whole configuration as types (contract.md#configuration); the parts are in the files beside this file."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from exporter.auth.presented import DemandedToken
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kinds import QueueSettings
from exporter.sections.mistakes import Mistake, mistake, mistakes
from exporter.sections.paths import FilePath
from exporter.sections.quantities import Duration
from exporter.sections.section import Section
from exporter.sections.urls import HostName, ListenHost
from exporter.settings.delivery import Bytes
from exporter.settings.destination import Destination
from exporter.settings.segments import LISTED, CatalogueSegment, SegmentKey, once
from exporter.source.profiles.kinds import ProfileSettings
from exporter.source.profiles.settings import IdentitySettings, SqliteProfileSettings
from exporter.source.settings.backfill import BackfillSettings
from exporter.source.settings.declared import DatasetSettings, MappingSetSettings, SchemaSettings, SourceSettings
from exporter.source.settings.intake import IntakeSettings, JournalIntake
from exporter.source.settings.serve import Serve
from exporter.state.kinds import StateSettings
from exporter.state.sqlite.settings import SqliteSettings
from exporter.telemetry.threshold import Level
from exporter.telemetry.tracing.settings import TracingSettings

__all__ = ["Destination", "Ops", "Settings"]

#: What people write who want no socket.
_NO_SOCKET = ("none", "off", "no", "false")


def _socket_path(value: Any) -> Any:
    if value == "":
        raise mistake("a path must not be empty; null: no socket")
    if isinstance(value, str) and value.lower() in _NO_SOCKET:
        raise mistake(f"write null for no socket, or ./{value} for a file of that name")
    return value


def _is_auto(value: Any) -> str:
    return "auto" if value == "auto" else "path"


#: A single branch is tried, so that a mistake is told of once.
SocketPlace = Annotated[
    Annotated[Literal["auto"], Tag("auto")] | Annotated[FilePath, BeforeValidator(_socket_path), Tag("path")],
    Discriminator(_is_auto),
]


class Ops(Section):
    """Where /live, /ready, /metrics, /status and the page for people answer, and who may act there."""

    host: ListenHost = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: int = Field(default=9464, ge=0, le=65535, description="Port to listen on; 0: any that is free.")
    token: DemandedToken | None = Field(
        default=None,
        description="Who presents it may act over the port, and is shown more on the page, also that of "
        "`exporter serve`; null: nobody.",
    )
    hosts: tuple[HostName, ...] = Field(
        default=(),
        description="Further names by which the page, or an action, may be asked for, beside addresses and localhost.",
    )
    socket: SocketPlace | None = Field(
        default="auto",
        description="Unix socket for the commands on this machine, for the daemon's user alone; auto: beside the state "
        "file, else in the runtime or temporary folder; null: none.",
    )


class LogSettings(Section):
    """What the daemon logs, and how; `exporter run --log-level` and `--log-format` win."""

    level: Level = Field(
        default="info",
        description="The least important lines to write; debug: each attempt, too. A reload takes it over.",
    )
    format: Literal["auto", "text", "json"] = Field(
        default="auto", description="text: for people; json: an object a line; auto: text on a terminal, else JSON."
    )


def _kind(default: str) -> Callable[[Any], Any]:
    """Let ``kind`` be left out: ``default`` is filled in."""

    def fill(value: Any) -> Any:
        return {"kind": default, **value} if isinstance(value, dict) else value

    return fill


#: The sections that keep something in a file of their own, and what that file is called.
_FILES = {"queue": "the queue's", "state": "the state's", "intake": "the intake's", "profiles": "the profiles'"}


def _place(section: object) -> tuple[object, ...] | None:
    """What tells the queue of a broker from others; None of a queue that is no broker's."""
    kind = getattr(section, "kind", None)
    at = [getattr(section, name, None) for name in ("url", "bootstrap_servers", "stream", "topic")]
    return None if at == [None] * 4 else (kind, *map(str, at))


def _merged_before(value: Any) -> Any:
    """Nothing: ``loading`` has given the defaults to the destinations, and they may hold secrets."""
    return {} if isinstance(value, dict) else value


class Settings(BaseSettings):
    """Everything that may be configured. Built directly, the class reads no environment; ``loading.load.load`` does."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
        allow_inf_nan=False,
        env_prefix="EXPORTER__",
        env_nested_delimiter="__",
        env_parse_none_str="null",
        enable_decoding=False,
    )

    queue: Annotated[QueueSettings, BeforeValidator(_kind("journal"))] = Field(
        default_factory=JournalSettings,
        description="Where events come from.",
        json_schema_extra={"default_kind": "journal"},
    )
    state: Annotated[StateSettings, BeforeValidator(_kind("sqlite"))] = Field(
        default_factory=SqliteSettings,
        description="Where dead letters and mapping times are kept; not the queue's file.",
        json_schema_extra={"default_kind": "sqlite"},
    )
    ops: Ops = Field(default=Ops(), description="Where the daemon answers questions about itself.")
    log: LogSettings = Field(default=LogSettings(), description="What the daemon logs.")
    tracing: TracingSettings = Field(
        default=TracingSettings(), description="Where spans of attempts go; the requests then carry `traceparent`."
    )
    defaults: Annotated[dict[str, Any], BeforeValidator(_merged_before)] = Field(
        default={},
        repr=False,
        description="What every destination has unless it says otherwise: merged by key, lists replaced; any key of a "
        "destination but name and description.",
    )
    drain: Annotated[float, Duration(most=3600)] = Field(
        default=15.0, description="How long SIGTERM waits for what is in flight."
    )
    max_event_bytes: Bytes = Field(default=1024**2, description="A larger event is malformed.")
    memory: Bytes = Field(
        default=256 * 1024**2, description="All windows together; each dataflow may always hold its share."
    )
    destinations_dir: FilePath | None = Field(
        default=None,
        description="Folder with one file per destination (*.yaml, *.yml; not *.test.yaml), relative to this file.",
    )
    segments: tuple[CatalogueSegment, ...] = Field(
        default=(), description="The catalogue: names and times of segments. Or segments_file."
    )
    segments_file: FilePath | None = Field(
        default=None, description="File with the catalogue, a YAML or JSON list, relative to this file."
    )
    destinations: tuple[Destination, ...] = Field(default=(), description="Where profiles go.")

    serve: Serve = Field(default=Serve(), description="Where `exporter serve` takes records, and within which limits.")
    intake: Annotated[IntakeSettings, BeforeValidator(_kind("journal"))] = Field(
        default_factory=JournalIntake,
        description="Where records stand from their answer on until they are applied; not the product's queue.",
        json_schema_extra={"default_kind": "journal"},
    )
    profiles: ProfileSettings = Field(default=SqliteProfileSettings(), description="Where profiles are kept.")
    identities: IdentitySettings = Field(default=IdentitySettings(), description="Who belongs together.")
    backfill: BackfillSettings = Field(default=BackfillSettings(), description="How fast profiles are told again.")
    bad_records_max_bytes: Bytes = Field(
        default=1024**3, description="Records that cannot be applied are kept in state; full, the others wait."
    )
    sources_dir: FilePath | None = Field(
        default=None, description="Folder with one file per source (*.yaml, *.yml), relative to this file."
    )
    schemas: tuple[SchemaSettings, ...] = Field(default=(), description="What records may hold.")
    datasets: tuple[DatasetSettings, ...] = Field(default=(), description="Where records of one kind belong.")
    mappings: tuple[MappingSetSettings, ...] = Field(
        default=(), description="How raw records become what a schema has."
    )
    sources: tuple[SourceSettings, ...] = Field(default=(), description="Where records come from.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the arguments of the caller; ``exporter.settings.loading.load`` adds files and environment."""
        return (init_settings,)

    @field_validator("segments")
    @classmethod
    def _listed_once(cls, segments: tuple[CatalogueSegment, ...]) -> tuple[CatalogueSegment, ...]:
        once([segment.key for segment in segments], LISTED)
        return segments

    @model_validator(mode="after")
    def _files_apart(self) -> Self:
        owners: dict[Path, str] = {}
        found = []
        for key, owner in _FILES.items():
            file = getattr(getattr(self, key), "path", None)
            if isinstance(file, Path) and owners.setdefault(file.resolve(), owner) != owner:
                reason = f"{key} needs a file of its own, not {owners[file.resolve()]}"
                found.append(Mistake((key, "path"), reason))
        if found:
            raise mistakes(found)
        return self

    @model_validator(mode="after")
    def _intake_apart(self) -> Self:
        """Two journals are told apart by their files."""
        if _place(self.intake) == _place(self.queue) is not None:
            raise mistakes([Mistake(("intake",), "the intake needs a queue of its own, not the product's")])
        return self

    @cached_property
    def catalogue(self) -> dict[SegmentKey, CatalogueSegment]:
        """The catalogue's segments by namespace and id."""
        return {segment.key: segment for segment in self.segments}

    def group_of(self, destination: str) -> str:
        """The name of a destination's group in the queue."""
        return self.queue.group_prefix + destination

    @property
    def groups(self) -> set[str]:
        """The groups of all configured destinations: unread events of a disabled destination are kept too."""
        return {self.group_of(destination.name) for destination in self.destinations}

    @property
    def running(self) -> tuple[Destination, ...]:
        """The enabled destinations, in the order of the configuration."""
        return tuple(destination for destination in self.destinations if destination.enabled)

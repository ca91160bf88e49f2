"""The sections ``profiles``, ``identities`` and ``backfill``: what is kept of whom, and who belongs together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from exporter.sections.paths import FilePath
from exporter.sections.quantities import Duration, Rate, Size
from exporter.sections.section import Section

Namespace = Annotated[str, Field(min_length=1), AfterValidator(str.lower)]
_Datasets: TypeAlias = tuple[Annotated[str, Field(min_length=1)], ...]


class ProfilesSettings(Section):
    """Profiles in a local file of their own."""

    kind: Literal["sqlite"] = "sqlite"
    path: FilePath = Field(default=Path("../data/profiles.db"), description="The file; its folder is created.")
    merge: Literal["timestamp"] | _Datasets = Field(
        default="timestamp",
        description="timestamp: of two datasets the last that wrote wins; or a list of datasets, of which the first "
        "wins, and what is not listed stays out of the view.",
    )
    identity_graph: Literal["linked", "none"] = Field(
        default="linked", description="none: records meet only by their primary identity."
    )
    max_identities: int = Field(default=50, ge=1, description="Of a profile; what is beyond links nothing.")
    outbox_max: Annotated[int, Size(above=0)] = Field(
        default=64 * 1024**2, description="Events that wait for the queue; beyond it records wait in the intake."
    )
    delete_tells: Literal["exited", "none"] = Field(
        default="exited", description="What the deletion of a profile tells: that each segment was left, or nothing."
    )
    membership_ttl: Annotated[float, Duration(above=0)] | None = Field(
        default=None, description="A membership without news for as long leaves, with an event, e.g. 30d; null: never."
    )
    coalesce: bool = Field(
        default=False, description="One event for all records of a profile that are applied in one transaction."
    )
    keep_time_series: Annotated[float, Duration()] = Field(
        default=0.0, description="How long events in time are kept, e.g. 30d; 0d: only their identities."
    )


class DeclaredNamespace(Section):
    """A namespace of identities."""

    code: Namespace = Field(description="As records write it, in any letter case.")
    name: str | None = Field(default=None, description="For people.")
    id_type: str = Field(default="CROSS_DEVICE", description="What its ids stand for.")


class Identities(Section):
    """Which identities link records, and which do not."""

    namespaces: Literal["any", "declared"] = Field(
        default="any", description="declared: records with other namespaces are bad."
    )
    declared: tuple[DeclaredNamespace, ...] = Field(default=(), description="Namespaces besides the known ones.")
    ignore: tuple[str, ...] = Field(default=(), description="Ids that link nothing, such as n/a.")
    unique: tuple[Namespace, ...] = Field(default=(), description="Namespaces of which a profile has one id at most.")
    lowercase_ids: tuple[Namespace, ...] = Field(default=(), description="Namespaces whose ids are put in lower case.")


class BackfillSettings(Section):
    """How fast profiles are told again to a destination."""

    rate: Annotated[float, Rate(above=0)] = Field(default=500.0, description="Profiles a second.")
    lag: int = Field(default=1000, ge=0, description="Only while fewer events wait for the destination.")

"""The sections ``profiles`` and ``identities`` of the configuration, and the rules that they come to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from exporter.sections.mistakes import mistake
from exporter.sections.operator_text import OneLine
from exporter.sections.paths import DatabasePath
from exporter.sections.quantities import Duration, Size
from exporter.sections.section import Section
from exporter.source.profiles.merge.rules import Rules

#: A namespace's code: compared, stored and told in lower case.
Code = OneLine


class NamespaceSettings(Section):
    """A namespace of identities that somebody declared."""

    code: Annotated[str, Field(min_length=1)] = Field(description="Its code, in any letter case.")
    name: str | None = Field(None, description="Its name for people.")
    id_type: str = Field("CROSS_DEVICE", description="What its ids name: CROSS_DEVICE, COOKIE, DEVICE, EMAIL, …")


class IdentitySettings(Section):
    """What identities may be, and which belong together."""

    namespaces: Literal["any", "declared"] = Field(
        "any", description="Which namespaces records may use; with `declared`, records with other ones are bad."
    )
    declared: Sequence[NamespaceSettings] = Field((), description="Namespaces with a name of their own.")
    ignore: Sequence[str] = Field((), description="Ids that are nobody's, such as n/a; in any letter case.")
    unique: Sequence[Code] = Field((), description="Namespaces of which a profile has at most one id.")
    lowercase_ids: Sequence[Code] = Field((), description="Namespaces whose ids are compared in lower case.")


def _no_other_text(value: object) -> object:
    if isinstance(value, str) and value != "timestamp":
        raise mistake("should be timestamp, or a list of datasets")
    return value


class SqliteProfileSettings(Section):
    """Profiles in a local file."""

    kind: Literal["sqlite"] = "sqlite"
    path: DatabasePath = Field(Path("../data/profiles.db"), description="The SQLite file; made when it is not there.")
    merge: Annotated[Literal["timestamp"] | Sequence[str], BeforeValidator(_no_other_text)] = Field(
        "timestamp",
        description="Of each attribute the last write counts; or a list of datasets, of which the first wins. What is "
        "not in the list stays out of the profile.",
    )
    identity_graph: Literal["linked", "none"] = Field(
        "linked", description="With `none`, records meet only by their primary identity."
    )
    max_identities: Annotated[int, Field(ge=1)] = Field(
        50, description="The most identities of a profile; what is beyond is not linked."
    )
    outbox_max: Annotated[int, Size(above=0)] = Field(
        64 * 1024**2, description="Beyond so many bytes of events that wait to be published, no record is applied."
    )
    delete_tells: Literal["exited", "none"] = Field(
        "exited", description="Whether the deletion of a profile tells that it left its segments."
    )
    membership_ttl: Annotated[float, Duration(above=0)] | None = Field(
        None, description="A membership without news for so long leaves, with an event."
    )
    coalesce: bool = Field(False, description="One event for all records of a profile in one transaction.")
    keep_time_series: Annotated[float, Duration()] = Field(
        0.0, description="How long time series records are kept to be read. They never become attributes."
    )

    @field_validator("merge", mode="after")
    @classmethod
    def _each_once(cls, value: str | Sequence[str]) -> str | Sequence[str]:
        if not isinstance(value, str) and (not value or len(set(value)) < len(value)):
            raise mistake("should name at least one dataset, and each once")
        return value


def rules_of(profiles: SqliteProfileSettings, identities: IdentitySettings) -> Rules:
    """The rules of merging, linking and telling."""
    return Rules(
        precedence=None if isinstance(profiles.merge, str) else tuple(profiles.merge),
        linked=profiles.identity_graph == "linked",
        max_identities=profiles.max_identities,
        ignore=frozenset(each.strip().casefold() for each in identities.ignore),
        unique=frozenset(each.lower() for each in identities.unique),
        delete_tells=profiles.delete_tells == "exited",
        coalesce=profiles.coalesce,
        keeps_time_series=profiles.keep_time_series > 0,
    )

"""The sections ``schemas``, ``datasets``, ``mappings`` and ``sources``: what records are, and where they come from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from exporter.sections.matching import SHORT_NAME, Matching
from exporter.sections.section import Section, shadowing_keys

_Name = Annotated[str, Field(min_length=1)]
_Inlet = Annotated[str, Matching("[0-9a-f]{64}", "64 hexadecimal digits, in small letters")]
_Uuid = Annotated[
    str,
    Matching("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "a UUID with hyphens, in small letters"),
]


class IdentityDescriptor(Section):
    """A field that holds an identity."""

    path: _Name = Field(description="The field, such as workEmail.address.")
    namespace: _Name = Field(description="Whose ids they are, such as Email.")
    primary: bool = Field(default=False, description="Whether it is the record's own identity.")


with shadowing_keys():

    class SchemaSettings(Section):
        """What a record may hold."""

        id: _Name = Field(description="Its $id, by which records and datasets name it.")
        title: str = Field(default="", description="For people.")
        behaviour: Literal["record", "time_series"] = Field(
            default="record", description="record: what a profile is; time_series: what happened to it."
        )
        schema: dict[str, Any] | None = Field(  # type: ignore[assignment]
            default=None, description="A JSON Schema, whole."
        )
        fields: dict[str, Any] = Field(
            default={}, description="Paths and their types, such as {person.name.firstName: string}."
        )
        groups: tuple[_Name, ...] = Field(default=(), description="Field groups that ship with the exporter.")
        identities: tuple[IdentityDescriptor, ...] = Field(default=(), description="Where its identities stand.")

    class DatasetSettings(Section):
        """Where records of one kind belong."""

        id: _Name = Field(description="As records name it.")
        name: str = Field(default="", description="For people.")
        schema: _Name = Field(description="The id of its schema.")  # type: ignore[assignment]
        profile: bool = Field(default=True, description="false: its records are counted, and reach no profile.")
        upsert: bool = Field(
            default=False, description="Records merge into what was said before, unless they say otherwise."
        )
        validate: bool = Field(  # type: ignore[assignment]
            default=True, description="false: any record is taken as it is."
        )

    class MappingSetSettings(Section):
        """How raw records become what the schema has."""

        id: _Name = Field(description="As flows name it.")
        version: int = Field(default=0, ge=0, description="Its version.")
        schema: _Name = Field(description="The id of the schema that it maps to.")  # type: ignore[assignment]
        allow_nulls: bool = Field(default=False, description="Write nulls, too.")
        mappings: dict[str, str] | tuple[dict[str, Any], ...] = Field(
            description="Destination paths and source expressions; or a list in either dialect of Data Prep."
        )


class FlowSettings(Section):
    """The way of an inlet's records into a dataset."""

    id: _Uuid | None = Field(default=None, description="null: made once and kept in state.")
    name: _Name = Field(description="For people, logs and metrics.")
    dataset: _Name = Field(description="The id of the dataset.")
    mapping: _Name | None = Field(default=None, description="The id of the mapping set; null: records are XDM already.")
    enabled: bool = Field(default=True, description="false: records that name it are refused.")


class SourceSettings(Section):
    """One inlet, and its flows."""

    name: Annotated[str, SHORT_NAME] = Field(description="For people, logs and metrics.")
    inlet: _Inlet | None = Field(
        default=None, repr=False, description="The last part of its URL, 64 hex digits; null: made once, kept in state."
    )
    connection_id: _Uuid | None = Field(default=None, description="null: made once and kept in state.")
    source_connection_id: _Uuid | None = Field(
        default=None, description="As scripts name its source connection; null: made of connection_id."
    )
    target_connections: dict[_Name, _Uuid] = Field(
        default={}, description="Ids of target connections by dataset, as scripts name them; others are made likewise."
    )
    authentication: bool = Field(default=False, description="Whether a token must be presented.")
    key: _Name | None = Field(
        default=None, description="A path whose value spreads the inlet over the intake's lanes; null: it stays in one."
    )
    datasets: tuple[_Name, ...] = Field(default=(), description="Datasets that it may write to besides its flows'.")
    deletes: bool = Field(default=False, description="Whether its records may delete.")
    flows: tuple[FlowSettings, ...] = Field(default=(), description="Its flows.")

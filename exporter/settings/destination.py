"""The section of a destination: endpoint, mapping, authentication and delivery."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from exporter.auth.kinds import AuthSettings
from exporter.auth.none import NoAuth
from exporter.profile import mapping as profile
from exporter.profile.decision import Trigger
from exporter.profile.paths import mapping_problem, parse_path
from exporter.queues.port import Start
from exporter.sections.matching import SHORT_NAME
from exporter.sections.mistakes import Mistake, mistake, mistakes
from exporter.sections.section import Section
from exporter.sections.tls import Tls
from exporter.sections.urls import HttpUrl, ProxyUrl
from exporter.settings.delivery import Delivery
from exporter.settings.headers import Headers, Query
from exporter.settings.segments import MAPPED, CatalogueSegment, MappedById, SegmentKey, SegmentMapping, once
from exporter.transport.options import chosen


def _attribute(text: str) -> str:
    problem = mapping_problem(text)
    if problem is not None:
        raise mistake(f"this path {problem}")
    return text


AttributePath = Annotated[str, AfterValidator(_attribute)]


class ActivateOn(Section):
    """Which triggers may export a profile (contract.md#triggers); a backfill always does."""

    segments: bool = Field(default=True, description="A mapped segment was entered or left.")
    identities: bool = Field(default=True, description="Any identity changed.")
    attributes: bool = Field(default=True, description="A mapped attribute was written, also with the same value.")

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """The triggers that may export, in the order of ``Trigger``."""
        return tuple(trigger for trigger in get_args(Trigger) if self._is_on(trigger))

    def _is_on(self, trigger: Trigger) -> bool:
        match trigger:
            case "segment":
                return self.segments
            case "identity":
                return self.identities
            case "attribute":
                return self.attributes
            case "backfill":
                return True


class Destination(Section):
    """One destination; its name is its group on the queue and its label in metrics."""

    name: Annotated[str, SHORT_NAME] = Field(
        description="1 to 64 letters, digits, dots, hyphens, underscores. Renaming begins a new group.",
    )
    description: str = Field(default="", description="For people.")
    enabled: bool = Field(default=True, description="false: does not run; its position is kept.")
    endpoint: HttpUrl = Field(
        repr=False, description="http(s) URL that profiles are POSTed to. A query in it stays; `query` follows after &."
    )
    headers: Headers = Field(
        default={},
        repr=False,
        description='Custom headers: a mapping, or "x-team:growth,x-env:prod", split at every comma, then at the first '
        "colon. On data requests only.",
    )
    query: Query = Field(
        default="",
        repr=False,
        description='Query parameters: a mapping, or "source=cdp&v=2", appended as it is. On data requests only.',
    )
    auth: AuthSettings = Field(default_factory=NoAuth, description="How requests are authorised.")
    tls: Tls = Field(default=Tls(), description="Certificates of this destination.")
    proxy: ProxyUrl | None = Field(
        default=None, repr=False, description="http(s) URL of a forward proxy, user:password@ allowed."
    )
    start: Start = Field(default="earliest", description="Where a new group begins.")
    segments: tuple[MappedById, ...] = Field(default=(), description="Mapped segments: ids, or mappings.")
    attributes: tuple[AttributePath, ...] = Field(
        default=(), description="Mapped XDM paths, such as person.name.firstName; a dot in a key is written \\."
    )
    segment_membership: Literal["all", "mapped"] = Field(
        default="all", description="Which memberships are sent: all, or those of mapped segments."
    )
    identity_fields: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=("id",), description="Fields of an identity that are sent; id always is, and comes first."
    )
    include_segment_names: bool = Field(default=False, description="Send the name of mapped segments.")
    include_segment_timestamps: bool = Field(
        default=False, description="Send createdAt, updatedAt, mappingCreatedAt, mappingUpdatedAt of mapped segments."
    )
    position_header: bool = Field(
        default=True, description="Send Exporter-Position, by which a receiver can drop older states."
    )
    require_membership: bool = Field(
        default=True,
        description="Identity and attribute changes and backfills need the profile to be in a mapped segment.",
    )
    activate_on: ActivateOn = Field(default=ActivateOn(), description="Which triggers may export.")
    delivery: Delivery = Field(default=Delivery(), description="Limits, retries and dead letters.")

    @field_validator("segments")
    @classmethod
    def _mapped_once(cls, segments: tuple[SegmentMapping, ...]) -> tuple[SegmentMapping, ...]:
        once([segment.key for segment in segments], MAPPED)
        return segments

    @field_validator("identity_fields")
    @classmethod
    def _id_first(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("id", *fields)))

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        own = [name for name in self.headers if name.lower() == "authorization"]
        if own and not isinstance(self.auth, NoAuth):
            raise mistakes([Mistake(("headers", own[0]), f"auth of kind {self.auth.kind} sets this header", ("auth",))])
        return self

    @model_validator(mode="after")
    def _transport_can_serve(self) -> Self:
        if self.delivery.transport == "lean" and self.proxy is not None:
            at = ("delivery", "transport")
            raise mistakes([Mistake(at, "lean cannot go through a proxy: write auto or aiohttp, or leave out proxy")])
        if chosen(self.delivery.transport, self.proxy) == "aiohttp":
            aiohttp = "aiohttp, which a proxy needs," if self.proxy is not None else "aiohttp"
            reason = f"the transport {aiohttp} sends ASCII only as it is written"
            odd = [Mistake(("headers", name), reason) for name, value in self.headers.items() if not value.isascii()]
            if odd:
                raise mistakes(odd)
        return self

    @property
    def url(self) -> str:
        """The endpoint with ``query`` behind its own query. May hold a secret."""
        if not self.query:
            return self.endpoint
        if self.endpoint.endswith(("?", "&")):
            return self.endpoint + self.query
        return f"{self.endpoint}{'&' if '?' in self.endpoint else '?'}{self.query}"

    def mapping(
        self, catalogue: MappingOf[SegmentKey, CatalogueSegment], mapping_times: MappingOf[SegmentKey, int]
    ) -> profile.Mapping:
        """The mapping from which triggers and payload are compiled.

        Args:
            catalogue: ``Settings.catalogue``.
            mapping_times: when each mapped segment was first seen on the destination, in epoch milliseconds; times in
                the configuration win.
        """
        return profile.Mapping(
            destination=self.name,
            segments=tuple(
                profile.MappedSegment(
                    segment.namespace,
                    segment.id,
                    **_known(catalogue.get(segment.key)),
                    **_mapped(segment, mapping_times.get(segment.key)),
                )
                for segment in self.segments
            ),
            attributes=tuple(parse_path(path) for path in self.attributes),
            segment_membership=self.segment_membership,
            identity_fields=self.identity_fields,
            include_segment_names=self.include_segment_names,
            include_segment_timestamps=self.include_segment_timestamps,
            require_membership=self.require_membership,
            triggers=frozenset(self.activate_on.triggers),
        )


def _known(segment: CatalogueSegment | None) -> dict[str, Any]:
    if segment is None:
        return {}
    return {"name": segment.name, "created_at": segment.created_at, "updated_at": segment.updated_at}


def _mapped(segment: SegmentMapping, first_seen: int | None) -> dict[str, Any]:
    created = first_seen if segment.mapping_created_at is None else segment.mapping_created_at
    updated = created if segment.mapping_updated_at is None else segment.mapping_updated_at
    return {"mapping_created_at": created, "mapping_updated_at": updated}

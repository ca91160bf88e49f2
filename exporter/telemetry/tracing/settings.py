"""The section ``tracing`` of the configuration."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from exporter.sections.extras import missing_extra
from exporter.sections.mistakes import Mistake, mistake, mistakes
from exporter.sections.section import Section
from exporter.sections.urls import HTTP_PATTERN, http_url

_PATH = "/v1/traces"


def _base_url(text: str) -> str:
    if "?" in http_url(text):
        raise mistake("the URL of a collector has no query: headers for it come from OTEL_EXPORTER_OTLP_HEADERS")
    return text


CollectorUrl = Annotated[
    str,
    AfterValidator(_base_url),
    WithJsonSchema({"type": "string", "format": "uri", "pattern": f"{HTTP_PATTERN}[^?]*$"}),
]


Share = Annotated[float, Field(ge=0, le=1)]


class TracingSettings(Section):
    """Where spans of attempts go, and how many traces are kept."""

    otlp_endpoint: CollectorUrl | None = Field(
        default=None,
        description="Collector that takes OTLP over HTTP, such as http://127.0.0.1:4318; null: nothing is traced.",
    )
    sample: Share = Field(
        default=0.01,
        description="Share of the traces that begin here which are kept; an event's own trace says so itself.",
    )

    @model_validator(mode="after")
    def _has_libraries(self) -> Self:
        if self.otlp_endpoint is not None:
            modules = "opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"
            missing = missing_extra("otel", *modules, what="tracing needs libraries that are not installed")
            if missing is not None:
                raise mistakes([Mistake(("otlp_endpoint",), missing)])
        return self

    @property
    def traces_url(self) -> str | None:
        """Where spans are posted: the endpoint, with OTLP's path for traces unless that stands there; None for off."""
        if self.otlp_endpoint is None or urlsplit(self.otlp_endpoint).path.endswith(_PATH):
            return self.otlp_endpoint
        return self.otlp_endpoint.removesuffix("/") + _PATH

"""How requests of a destination are sent: limits and retries."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exporter.sections.quantities import Duration, Rate, Size
from exporter.sections.section import Section
from exporter.transport.options import TransportKind

_DAY_SECONDS = 86_400.0

Bytes = Annotated[int, Size(above=0)]
Seconds = Annotated[float, Duration(most=_DAY_SECONDS)]


class Window(Section):
    """How much of the queue one dataflow holds unsettled at a time."""

    events: int = Field(default=10_000, ge=1, le=10_000_000, description="Events; one profile may hold a quarter.")
    bytes: Bytes = Field(default=16 * 1024**2, description="Bytes of events.")


class Delivery(Section):
    """Limits of a destination's requests and what follows when they fail."""

    timeout: Annotated[float, Duration(above=0, most=3600)] = Field(default=10.0, description="For the whole exchange.")
    retries: tuple[Seconds, ...] = Field(
        default=(15.0, 30.0),
        min_length=1,
        max_length=100,
        description="How long before the 1st, the 2nd ... retry; as many retries as items, at least one.",
    )
    rate: Annotated[float, Rate(above=0, most=10_000_000)] = Field(
        default=10_000.0, description="Attempts a second of this process, at most in any second; or such as 100/10s."
    )
    concurrency: int = Field(default=256, ge=1, le=100_000, description="Attempts in flight, at most; adapts below it.")
    transport: TransportKind = Field(
        default="auto", description="HTTP client: lean is the faster one; auto: lean, but aiohttp behind a proxy."
    )
    window: Window = Field(default=Window(), description="What is unsettled at a time.")
    retry_after_cap: Seconds = Field(default=3600.0, description="A longer Retry-After is cut to it.")
    pause_after_rejections: int = Field(
        default=100, ge=0, description="Rejections in a row, without a 2xx between, that pause; 0: never."
    )
    dead_letters_max_bytes: Bytes = Field(
        default=1024**3, description="Room for dead letters; when it is full, the dataflow pauses."
    )

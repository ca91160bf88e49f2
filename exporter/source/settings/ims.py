"""The section ``serve.ims``: the built-in token endpoints, and who gets a token there."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exporter.sections.quantities import Duration
from exporter.sections.section import Secret, Section
from exporter.sections.tls import ReadableFile


class ImsClient(Section):
    """A client that gets tokens for its secret, or for what its key has signed."""

    client_id: str = Field(min_length=1, description="Its name.")
    secret: Secret = Field(description="What it presents.")
    org: str = Field(min_length=1, description="The organisation that its tokens name.")
    scopes: tuple[str, ...] = Field(default=(), description="What its tokens may name; empty: anything.")
    jwt_public_key_file: ReadableFile | None = Field(default=None, description="PEM with the key of its JWTs.")


class Ims(Section):
    """The built-in token endpoints, which are not there yet: these keys are read, and change nothing."""

    enabled: bool = Field(default=True, description="Whether they answer; beyond loopback only with clients.")
    open: bool = Field(default=False, description="Whether any client and secret get a token.")
    clients: tuple[ImsClient, ...] = Field(default=(), description="Who gets tokens.")
    lifetime: Annotated[float, Duration(above=0)] = Field(default=86_400.0, description="How long a token is good.")

"""The settings of a receiver: address, demands, and known credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from exporter.receiver.faults import Faults

#: The authentication that a receiver may demand of a sender.
AuthKind = Literal[
    "none",
    "bearer",
    "oauth2_password",
    # Accepts the client's credentials in the body or as Basic; the other two insist on one place.
    "oauth2_client_credentials",
    "oauth2_client_credentials_body",
    "oauth2_client_credentials_basic",
]

CLIENT_ID = "demo"
CLIENT_SECRET = "demo-secret"  # noqa: S105 - the documented default of a development tool
USERNAME = "demo-user"
PASSWORD = "demo-password"  # noqa: S105 - the documented default of a development tool
TOKEN = "demo-token"  # noqa: S105 - the documented default of a development tool


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials that a sender must present. The defaults are documented in ``exporter receive --help``."""

    client_id: str = CLIENT_ID
    client_secret: str = field(default=CLIENT_SECRET, repr=False)
    username: str = USERNAME
    password: str = field(default=PASSWORD, repr=False)
    token: str = field(default=TOKEN, repr=False)


@dataclass(frozen=True, slots=True)
class ReceiverOptions:
    """A receiver's settings.

    ``port`` 0 takes a free port. ``token_lifetime`` is promised and kept by the token endpoint, in seconds. ``seed``
    makes the choice of requests that fail repeatable. ``faults`` are those at the start, to be changed while it runs.
    """

    host: str = "127.0.0.1"
    port: int = 0
    auth: AuthKind = "none"
    credentials: Credentials = field(default_factory=Credentials)
    token_lifetime: float = 3600.0
    seed: int = 0
    faults: Faults = field(default_factory=Faults)

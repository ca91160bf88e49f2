"""The authentication that a receiver may demand of a sender, and the default credentials."""

from __future__ import annotations

from typing import Literal

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

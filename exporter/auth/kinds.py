"""The kinds of authentication that a destination may name: a line each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exporter.auth.bearer import Bearer
from exporter.auth.none import NoAuth
from exporter.auth.oauth2_client_credentials import OAuth2ClientCredentials
from exporter.auth.oauth2_password import OAuth2Password

AuthSettings = Annotated[
    NoAuth | Bearer | OAuth2Password | OAuth2ClientCredentials,
    Field(discriminator="kind"),
]

"""The kind ``oauth2_password``: the exporter presents a resource owner's name and password (RFC 6749 §4.3)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from exporter.auth.oauth2 import FilledText, OAuth2
from exporter.auth.token_request import Grant
from exporter.sections.section import Secret


class OAuth2Password(OAuth2):
    """``{kind: oauth2_password, token_url, client_id, client_secret, username, password, …}``."""

    kind: Literal["oauth2_password"] = "oauth2_password"
    username: FilledText = Field(description="The resource owner's name.")
    password: Secret = Field(description="The resource owner's password.")

    def grant(self) -> Grant:
        owner = [("username", self.username), ("password", self.password.reveal())]
        return Grant("password", [*owner, *self._common_fields()])

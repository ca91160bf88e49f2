"""The kind ``oauth2_client_credentials``: the exporter is the client and acts for itself (RFC 6749 §4.4)."""

from __future__ import annotations

from typing import Literal

from exporter.auth.oauth2 import OAuth2
from exporter.auth.token_request import Grant


class OAuth2ClientCredentials(OAuth2):
    """``{kind: oauth2_client_credentials, token_url, client_id, client_secret, …}``."""

    kind: Literal["oauth2_client_credentials"] = "oauth2_client_credentials"

    def grant(self) -> Grant:
        return Grant("client_credentials", self._common_fields())

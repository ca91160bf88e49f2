"""A real OAuth 2.0 server that nobody here wrote: Authlib's, on a Flask app, served by werkzeug in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.models import ClientMixin, TokenMixin
from flask import Flask, Response
from werkzeug.serving import WSGIRequestHandler, make_server


@dataclass
class Registered(ClientMixin):  # type: ignore[misc]  # Authlib ships no types
    """A client as the server knows it."""

    client_id: str
    client_secret: str
    method: str

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.client_secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return True


@dataclass
class Issued(TokenMixin):  # type: ignore[misc]  # Authlib ships no types
    """A token that the server handed out, and to whom."""

    client: Registered
    user: str | None
    access_token: str
    refresh_token: str | None
    scope: str
    revoked: bool = False

    def check_client(self, client: Registered) -> bool:
        return client is self.client

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Records:
    """Who may have tokens, and which were handed out."""

    client: Registered
    users: dict[str, str] = field(default_factory=dict)
    issued: list[Issued] = field(default_factory=list)
    token_url: str = ""

    def accepts(self, header: str | None) -> bool:
        """Whether a request with this ``Authorization`` header would be let in."""
        return any(header == f"Bearer {token.access_token}" and not token.revoked for token in self.issued)


def _grants(records: Records, method: str) -> list[type[grants.BaseGrant]]:
    class ClientCredentials(grants.ClientCredentialsGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = [method]  # noqa: RUF012 - as Authlib has it

    class Password(grants.ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = [method]  # noqa: RUF012

        def authenticate_user(self, username: str, password: str) -> str | None:
            return username if records.users.get(username) == password else None

    class Refresh(grants.RefreshTokenGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = [method]  # noqa: RUF012

        def authenticate_refresh_token(self, refresh_token: str) -> Issued | None:
            known = (one for one in records.issued if one.refresh_token == refresh_token and not one.revoked)
            return next(known, None)

        def authenticate_user(self, credential: Issued) -> str | None:
            return credential.user

        def revoke_old_credential(self, credential: Issued) -> None:
            pass  # the refresh token stays good: the answer holds no new one

    return [ClientCredentials, Password, Refresh]


@contextmanager
def authorization_server(
    client: Registered,
    users: dict[str, str] | None = None,
    access_token: Callable[[], tuple[str, int]] | None = None,
) -> Iterator[Records]:
    """Serve ``/token`` for one client on a free port of loopback.

    ``access_token`` makes a token and says how many seconds it lives; else they are random text.
    """
    records = Records(client, users or {})

    def save_token(token: dict[str, Any], request: Any) -> None:
        if access_token is not None:
            token["access_token"], token["expires_in"] = access_token()
        issued = Issued(client, request.user, token["access_token"], token.get("refresh_token"), token.get("scope", ""))
        records.issued.append(issued)

    app = Flask("authorization server")
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    server = AuthorizationServer(app, lambda name: client if name == client.client_id else None, save_token)
    for grant in _grants(records, client.method):
        server.register_grant(grant)

    @app.post("/token")
    def token() -> Response:
        response: Response = server.create_token_response()
        return response

    served = make_server("127.0.0.1", 0, app, request_handler=_Quiet)
    records.token_url = f"http://127.0.0.1:{served.server_port}/token?tenant=a&api-version=1"
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    try:
        yield records
    finally:
        served.shutdown()
        thread.join()
        served.server_close()


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        pass

"""The kind ``none``: requests carry no authorization."""

from __future__ import annotations

from typing import ClassVar, Literal

from exporter.auth.authorizer import Authorization, Authorizer, AuthSection, Surroundings, Unauthorized
from exporter.transport.port import Transport


class NoAuth(AuthSection):
    """``{kind: none}``: nothing is presented."""

    presented: ClassVar[str | None] = None

    kind: Literal["none"] = "none"

    def authorizer(
        self,
        transport: Transport,  # noqa: ARG002 - the same signature for every kind
        surroundings: Surroundings,  # noqa: ARG002
    ) -> Authorizer:
        """An authorizer that presents nothing; none of the arguments is needed."""
        return _NoAuthorizer()


class _NoAuthorizer:
    """Presents nothing, and has nothing else to present when that is refused (contract.md#whose-fault)."""

    refresh_on = frozenset({401})

    def __init__(self) -> None:
        self._nothing = Authorization(header=None)

    def at_hand(self) -> Authorization | None:
        return self._nothing

    async def authorize(self) -> Authorization | Unauthorized:
        return self._nothing

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:  # noqa: ARG002
        return Unauthorized("credentials", "the endpoint asks for credentials and none are configured")

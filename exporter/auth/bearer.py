"""The kind ``bearer``: a token that the operator wrote down or keeps in a file."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from exporter.auth.authorizer import Authorization, Authorizer, AuthSection, Surroundings, Unauthorized
from exporter.auth.presented import PresentedToken
from exporter.auth.reading.token import is_presentable
from exporter.sections.section import MASK, FromFile, Secret
from exporter.tasks.off_loop import off_loop
from exporter.transport.port import Transport


class Bearer(AuthSection):
    """``{kind: bearer, token: …}``: every request carries ``Authorization: Bearer <token>``."""

    presented: ClassVar[str | None] = f"Bearer {MASK}"

    kind: Literal["bearer"] = "bearer"
    token: PresentedToken = Field(description="The token; with !file it is read again when the endpoint refuses it.")

    def authorizer(
        self,
        transport: Transport,  # noqa: ARG002 - the same signature for every kind
        surroundings: Surroundings,  # noqa: ARG002
    ) -> Authorizer:
        """An authorizer that presents the token and reads the token's file again after a refusal."""
        return _BearerAuthorizer(self.token)


class _BearerAuthorizer:
    """Presents a token until the endpoint refuses it and the file holds a new token (contract.md#whose-fault)."""

    refresh_on = frozenset({401})

    def __init__(self, token: Secret) -> None:
        self._file = token.file
        self._token = token.reveal()
        self._current = Authorization(header=f"Bearer {self._token}")

    def at_hand(self) -> Authorization | None:
        return self._current

    async def authorize(self) -> Authorization | Unauthorized:
        return self._current

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        if refused is not self._current:
            return self._current
        if self._file is None:
            return Unauthorized("credentials", "the endpoint refused the token, and it does not come from a file")
        try:
            token = str(await off_loop(FromFile.read, self._file))
        except OSError as error:
            return Unauthorized("credentials", f"the token's file cannot be read: {error.strerror or 'unknown error'}")
        except UnicodeDecodeError:
            return Unauthorized("credentials", "the token's file is not UTF-8")
        if refused is not self._current:
            return self._current  # another caller has read the file meanwhile
        if not is_presentable(token):
            return Unauthorized("credentials", "the token's file does not hold visible ASCII without spaces")
        if token == self._token:
            return Unauthorized("credentials", "the endpoint refused the token, and its file still holds the same one")
        self._token = token
        self._current = Authorization(header=f"Bearer {token}")
        return self._current

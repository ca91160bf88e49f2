"""The section ``serve.ims``: the built-in token endpoints, and who gets a token there."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, PrivateAttr, model_validator

from exporter.sections.matching import Matching
from exporter.sections.mistakes import Mistake, mistakes
from exporter.sections.quantities import Duration
from exporter.sections.regular_file import TLS_BYTES, read_regular
from exporter.sections.section import Secret, Section
from exporter.sections.tls import PemFiles, ReadableFile

#: RFC 6749 §3.3; without the comma, by which clients of the reference system join scopes.
_Scope = Annotated[str, Matching(r"[!#-+\--\[\]-~]+", "visible ASCII characters without comma, quote and backslash")]


class ImsClient(PemFiles):
    """A client that gets tokens for its secret, or for its secret and a JWT that its key has signed."""

    client_id: str = Field(min_length=1, description="Its name.")
    secret: Secret = Field(description="What it presents.")
    org: str = Field(min_length=1, description="The organisation that its tokens name.")
    scopes: tuple[_Scope, ...] = Field(default=(), description="What its tokens may name; empty: anything.")
    jwt_public_key_file: ReadableFile | None = Field(
        default=None, description="PEM with the RSA key of its JWTs, or with a certificate; null: it has none."
    )
    _jwt_public_key: bytes | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _read_key(self) -> Self:
        if self.jwt_public_key_file is not None:
            from exporter.source.tokens.key_set import NoKey, read_public_key

            try:
                pem = read_regular(self.jwt_public_key_file, TLS_BYTES).content
                read_public_key(pem)
            except OSError as error:  # the file went just now
                reason = f"the file cannot be read: {error.strerror or 'unknown error'}"
                raise mistakes([Mistake(("jwt_public_key_file",), reason)]) from None
            except NoKey as error:
                raise mistakes([Mistake(("jwt_public_key_file",), str(error))]) from None
            self._jwt_public_key = pem
        return self

    @property
    def jwt_public_key(self) -> bytes | None:
        """What the file of its key held when the configuration was read; PEM, and ``read_public_key`` reads it."""
        return self._jwt_public_key


class Ims(Section):
    """The built-in token endpoints, on the control plane's listener."""

    enabled: bool = Field(default=True, description="Whether they answer; beyond loopback only with clients.")
    open: bool = Field(default=False, description="Whether any client and secret get a token.")
    clients: tuple[ImsClient, ...] = Field(default=(), description="Who gets tokens.")
    lifetime: Annotated[float, Duration(above=0)] = Field(default=86_400.0, description="How long a token is good.")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        first: dict[str, int] = {}
        found = []
        for index, client in enumerate(self.clients):
            earlier = first.setdefault(client.client_id, index)
            if earlier != index:
                at = ("clients", index, "client_id")
                found.append(Mistake(at, "another client has this name", beside=("clients", earlier, "client_id")))
        if found:
            raise mistakes(found)
        return self

"""Tokens in ``Authorization: Bearer``, as values of fields: one that we present, and one that we demand."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from exporter.auth.reading.token import is_presentable
from exporter.sections.section import Secret


def _presentable(token: Secret) -> Secret:
    if not is_presentable(token.reveal()):
        raise PydanticCustomError("token_characters", "a token must be visible ASCII, without spaces")
    return token


def _demandable(token: Secret) -> Secret:
    text = token.reveal()
    if not (text.isascii() and text.isprintable() and text == text.strip()):
        raise PydanticCustomError("token_characters", "a token must be printable ASCII, without spaces at its ends")
    return token


#: Of the syntax that all servers take (RFC 6750, section 2.1, and more).
PresentedToken = Annotated[Secret, AfterValidator(_presentable)]
#: Whatever a header can carry: a passphrase serves as well.
DemandedToken = Annotated[Secret, AfterValidator(_demandable)]

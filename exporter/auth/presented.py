"""A token that somebody presents as ``Authorization: Bearer``: of a field's value, whichever side of it we are."""

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


PresentedToken = Annotated[Secret, AfterValidator(_presentable)]

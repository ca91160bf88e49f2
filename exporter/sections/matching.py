"""Texts of a given form: the schema has the form as a pattern, and whoever is refused reads a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from exporter.sections.mistakes import mistake


@dataclass(frozen=True, slots=True)
class Matching:
    """A text as a whole matches ``pattern``, which JSON Schema knows too, and ``what`` says so to people.

    As in ``name: Annotated[str, Matching("[a-z]{1,9}", "1 to 9 small letters")]``.
    """

    pattern: str
    what: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^{self.pattern}$"}

    def read(self, text: str) -> str:
        """The text unchanged.

        Raises:
            PydanticCustomError: it is of another form.
        """
        if re.fullmatch(self.pattern, text) is None:
            raise mistake(f"should be {self.what}")
        return text


#: What names something in logs, metrics and paths, where a single dot and two of them are no name.
SHORT_NAME = Matching(
    r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}",
    "1 to 64 letters (A to Z), digits, dots, hyphens or underscores, and neither . nor ..",
)

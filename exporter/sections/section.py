"""What every section of the configuration has in common, and the types of its odd values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MASK = "**********"


class Section(BaseModel):
    """A part of the configuration: immutable, and a key that is not listed is a mistake."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True, allow_inf_nan=False
    )


class FromFile(str):
    """Text that ``!file PATH`` put into the configuration; remembers where it came from."""

    __slots__ = ("file",)
    file: Path

    @classmethod
    def read(cls, file: Path) -> Self:
        """The file's text without its last line break. Raises OSError and UnicodeDecodeError."""
        self = cls(file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r"))
        self.file = file
        return self


class Secret:
    """A value that never shows: not in a repr, an error, a dump or the schema.

    ``file`` is where it came from, if from ``!file``, so that it can be read again.
    """

    __slots__ = ("_value", "file")

    def __init__(self, value: str, file: Path | None = None) -> None:
        self._value = value
        self.file = file

    def reveal(self) -> str:
        """The secret itself, for the one place that presents it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._value, self.file) == (other._value, other.file)

    def __hash__(self) -> int:
        return hash((self._value, self.file))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(lambda _: MASK)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "password", "writeOnly": True, "minLength": 1}

    @classmethod
    def _validate(cls, value: object) -> Secret:
        if isinstance(value, Secret):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("secret_type", "a secret must be text")
        if not value:
            raise PydanticCustomError("secret_empty", "a secret must not be empty")
        return cls(str(value), value.file if isinstance(value, FromFile) else None)


class ReadAnew(Secret):
    """A secret that is read from its file whenever it is needed: another text there is no other configuration."""

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ReadAnew) and self.file is not None:
            return self.file == other.file
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__() if self.file is None else hash(self.file)

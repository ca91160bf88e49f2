"""What every section of the configuration has in common, and the types of its odd values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from exporter.sections.handed_over import has_control_character, trimmed
from exporter.sections.regular_file import SECRET_BYTES, Stamp, read_regular

MASK = "**********"


class Section(BaseModel):
    """A part of the configuration: immutable, and a key that is not listed is a mistake."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True, allow_inf_nan=False
    )


class FromFile(str):
    """Text that ``!file PATH`` put into the configuration; remembers where it came from.

    ``stamp`` is that of the file when it was read.
    """

    __slots__ = ("file", "stamp")
    file: Path
    stamp: Stamp

    @classmethod
    def read(cls, file: Path) -> Self:
        """The file's text as ``handed_over`` has it. Reads a file. Raises OSError and UnicodeDecodeError."""
        read = read_regular(file, SECRET_BYTES)
        self = cls(trimmed(read.content.decode("utf-8")))
        self.file = file
        self.stamp = read.stamp
        return self


class Secret:
    """A value that never shows: not in a repr, an error, a dump or the schema.

    ``file`` is where it came from, if from ``!file``, so that it can be read again.
    """

    __slots__ = ("_value", "file")
    _has_lines: ClassVar[bool] = False

    def __init__(self, value: str, file: Path | None = None) -> None:
        self._value = value
        self.file = file

    def reveal(self) -> str:
        """The secret itself, for the one place that presents it."""
        return self._value

    def current(self) -> str:
        """The secret as its file has it now; as it was where that cannot be used. Reads a file."""
        if self.file is None:
            return self._value
        try:
            return self._usable(FromFile.read(self.file))
        except (OSError, UnicodeDecodeError, PydanticCustomError):
            return self._value

    @classmethod
    def of(cls, text: str) -> Self:
        """A secret of this text by the rule for all of them (``handed_over``).

        Raises:
            PydanticCustomError: it is empty, or has control characters; the reason does not show it.
        """
        return cls(cls._usable(text), text.file if isinstance(text, FromFile) else None)

    @classmethod
    def _usable(cls, text: str) -> str:
        value = trimmed(text)
        if not value:
            raise PydanticCustomError("secret_empty", "a secret must not be empty")
        if has_control_character(value, but_lines=cls._has_lines):
            where = f": the file {text.file} does" if isinstance(text, FromFile) else ""
            what = "a secret must not contain a control character, such as a line break or a tab{where}"
            raise PydanticCustomError("secret_control_character", what, {"where": where})
        try:
            value.encode()
        except UnicodeEncodeError:  # a variable may hold bytes that are no text
            raise PydanticCustomError("secret_encoding", "this text is not valid UTF-8") from None
        return value

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
        return cls.of(value)


class ReadAnew(Secret):
    """A secret that is read from its file whenever it is needed: another text there is no other configuration."""

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ReadAnew) and self.file is not None:
            return self.file == other.file
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__() if self.file is None else hash(self.file)


class ReadAnewLines(ReadAnew):
    """Such a secret of several lines."""

    _has_lines = True

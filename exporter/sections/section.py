"""The base of every section of the configuration, and the types of its values that are secret or come from a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar
from warnings import catch_warnings, filterwarnings

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from exporter.sections.operator_text import has_control_character, trimmed
from exporter.sections.paths import Written
from exporter.sections.regular_file import SECRET_BYTES, Stamp, read_regular

MASK = "**********"

T = TypeVar("T")


class Section(BaseModel):
    """A part of the configuration: immutable, and a key that is not listed is a mistake."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True, allow_inf_nan=False
    )


@contextmanager
def shadowing_keys() -> Iterator[None]:
    """Where sections are defined with keys such as ``schema`` and ``validate``: methods that pydantic has given up."""
    with catch_warnings():
        filterwarnings("ignore", 'Field name "(schema|validate)"', UserWarning)
        yield


class FromFile(Written):
    """Text that ``!file PATH`` put into the configuration, with the ``file``, and the file's ``stamp`` when read."""

    __slots__ = ("file", "stamp")
    file: Path
    stamp: Stamp

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the file's text, trimmed by the rule of ``operator_text``.

        Raises:
            OSError: the file cannot be read.
            UnicodeDecodeError: the file is not UTF-8.
        """
        read = read_regular(file, SECRET_BYTES)
        self = cls.of(trimmed(read.content.decode("utf-8")), file.parent)
        self.file = file
        self.stamp = read.stamp
        return self


class Secret:
    """A value that never shows: not in a repr, an error, a dump or the schema.

    ``file`` is the source of a value from ``!file``, so that the value can be read again.
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
        """The secret that the file holds now, or the old value where that cannot be used. Reads a file."""
        if self.file is None:
            return self._value
        try:
            return self._usable(FromFile.read(self.file))
        except (OSError, UnicodeDecodeError, PydanticCustomError):
            return self._value

    @classmethod
    def of(cls, text: str) -> Self:
        """A secret of ``text``, by the rule for all secrets (``operator_text``).

        Raises:
            PydanticCustomError: the text is empty, has control characters or is not UTF-8; the reason does not show it.
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
    """A secret that is read from its file at every use: a new text there is no change of the configuration."""

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ReadAnew) and self.file is not None:
            return self.file == other.file
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__() if self.file is None else hash(self.file)


class ReadAnewLines(ReadAnew):
    """A ``ReadAnew`` secret that may have several lines."""

    _has_lines = True


def values_of(kind: type[T], section: object) -> Iterator[T]:
    """Every value of the type ``kind`` in ``section``, at any depth; also ``section`` itself, if of that type."""
    if isinstance(section, kind):
        yield section
    elif isinstance(section, BaseModel):
        for name in type(section).model_fields:
            yield from values_of(kind, getattr(section, name))
    elif isinstance(section, tuple):
        for item in section:
            yield from values_of(kind, item)

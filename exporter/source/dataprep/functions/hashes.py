"""The functions that make hashes of text."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable

from exporter.source.dataprep.functions.signatures import Argument, Example, Function, Type
from exporter.source.dataprep.run import Failed, Run

CATEGORY = "Hashing"

_ARGUMENTS = (
    Argument("input", Type.TEXT, "the text"),
    Argument("charset", Type.TEXT, "UTF-8 (where missing), UTF-16, ISO-8859-1 or US-ASCII", optional=True),
)
_CHARSETS = {
    "UTF8": "utf-8",
    "UTF16": "utf-16-be",
    "UTF16BE": "utf-16-be",
    "UTF16LE": "utf-16-le",
    "ISO88591": "latin-1",
    "LATIN1": "latin-1",
    "USASCII": "ascii",
    "ASCII": "ascii",
}


def _encoded(text: str, charset: str) -> bytes:
    """``text`` in ``charset``, with a question mark for what the charset lacks, as Java does."""
    name = charset.upper().replace("-", "").replace("_", "")
    codec = _CHARSETS.get(name)
    if codec is None:
        raise Failed("there is no such charset")
    return (b"\xfe\xff" if name == "UTF16" else b"") + text.encode(codec, "replace")


def _digest(name: str) -> Callable[..., str]:
    def call(_run: Run, text: str, charset: str = "UTF-8") -> str:
        return hashlib.new(name, _encoded(text, charset), usedforsecurity=False).hexdigest()

    return call


def _crc32(_run: Run, text: str, charset: str = "UTF-8") -> str:
    return zlib.crc32(_encoded(text, charset)).to_bytes(4, "little").hex()


def _row(name: str, meaning: str, call: Callable[..., str], result: str) -> Function:
    example = Example(f'{name}("my text", "UTF-8")', f'"{result}"')
    return Function(name, CATEGORY, meaning, _ARGUMENTS, Type.TEXT, call, (example,))


FUNCTIONS: tuple[Function, ...] = (
    _row("sha1", "SHA-1, in hex", _digest("sha1"), "c3599c11e47719df18a2448690840c5dfcce3c80"),
    _row(
        "sha256",
        "SHA-256, in hex",
        _digest("sha256"),
        "7330d2b39ca35eaf4cb95fc846c21ee6a39af698154a83a586ee270a0d372104",
    ),
    _row(
        "sha512",
        "SHA-512, in hex",
        _digest("sha512"),
        "a3d7e45a0d9be5fd4e4b9a3b8c9c2163c21ef708bf11b4232bb21d2a8704ada2"
        "cdcd7b367dd0788a89a5c908cfe377aceb1072a7b386b7d4fd2ff68a8fd24d16",
    ),
    _row("md5", "MD5, in hex", _digest("md5"), "d3b96ce8c9fb4e9bd0198d03ba6852c7"),
    _row("crc32", "CRC-32, in hex, the lowest byte first", _crc32, "8df92e80"),
)

"""Reads what a client sends to a token endpoint: fields in the query, in a form of either encoding, or in a header."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, unquote_plus

#: No request for a token comes near; a JWT of the largest keys has some two thousand characters.
MOST_BYTES = 64 * 1024
_MOST_FIELDS = 100
_BOUNDARY = re.compile(r"""boundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70}))""", re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:[ \t]*form-data[ \t]*;(.*)$", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb"""(?:^|;)[ \t]*name=(?:"([^"]*)"|([^\s;"]+))""", re.IGNORECASE)


class NoForm(Exception):
    """What was sent is no form; the error's text says why, and shows nothing of it."""


def read_fields(query: str, content_type: str, body: bytes, authorization: str = "") -> Mapping[str, str]:
    """The fields by name. A name may come again, in query and body for instance, if it says the same.

    Args:
        query: still percent-encoded, without ``?``.
        content_type: multipart/form-data; a body of any other type, or of none, is read as URL-encoded.
        body: its separators may stand at its beginning and end, too.
        authorization: the header; ``Basic`` holds a client's name and secret (RFC 6749 §2.3.1), others hold nothing.

    Raises:
        NoForm: it cannot be read, is too large, or says two things under one name.
    """
    if len(query) + len(body) > MOST_BYTES:
        raise NoForm(f"the form has more than {MOST_BYTES // 1024} KiB")
    kind, _, parameters = content_type.partition(";")
    pairs = _url_encoded(query) + _basic(authorization)
    if kind.strip().lower() == "multipart/form-data":
        pairs += _multipart(body, parameters)
    else:
        pairs += _url_encoded(_text(body))
    return _each_once(pairs)


def _url_encoded(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        raise NoForm("the form is no UTF-8") from None
    except ValueError:
        raise NoForm(f"the form has more than {_MOST_FIELDS} fields") from None


def _basic(authorization: str) -> list[tuple[str, str]]:
    scheme, _, given = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        name, _, secret = b64decode(given.strip(), validate=True).decode().partition(":")
        both = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise NoForm("the header Authorization says Basic, and is none") from None
    return list(zip(("client_id", "client_secret"), both, strict=True))


def _multipart(body: bytes, parameters: str) -> list[tuple[str, str]]:
    """The fields of RFC 7578; what stands before the first boundary and after the last is no part of it."""
    found = _BOUNDARY.search(parameters)
    if found is None:
        raise NoForm("the content type names no boundary")
    boundary = (found[1] or found[2]).encode("utf-8", "replace")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, _MOST_FIELDS + 2)
    pairs: list[tuple[str, str]] = []
    for part in parts:
        if part.startswith(b"--"):
            return pairs
        head, blank, content = part.partition(b"\r\n\r\n")
        disposition = _DISPOSITION.search(head.replace(b"\r\n", b"\n"))
        name = None if disposition is None else _NAME.search(disposition[1])
        if not blank or name is None:
            raise NoForm("a part of the form has no name")
        pairs.append((_text(name[1] if name[1] is not None else name[2]), _text(content)))
    raise NoForm("the form does not end with its boundary, or has too many parts")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise NoForm("the form is no UTF-8") from None


def _each_once(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    for name, value in pairs:
        try:
            value.encode()
        except UnicodeEncodeError:  # a lone surrogate, from bytes of the query that are no text
            raise NoForm("the form is no UTF-8") from None
        if fields.setdefault(name, value) != value:
            raise NoForm("a field is there twice, and says two things")
    return fields

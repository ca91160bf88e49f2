"""The functions on URLs. A text that is no URL with a scheme and a host gives null."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from exporter.source.dataprep.functions.signatures import Argument, Example, Function, Type
from exporter.source.dataprep.run import Failed, Run

CATEGORY = "URL"

_URL = Argument("url", Type.TEXT, "the URL")
_PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 990, "sftp": 22, "ssh": 22, "ws": 80, "wss": 443, "ldap": 389}
_BLANK = re.compile(r"[\x00-\x20\x7f]")


def _parts(url: str) -> SplitResult | None:
    if _BLANK.search(url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and parts.hostname else None


def _protocol(_run: Run, url: str) -> str | None:
    parts = _parts(url)
    return parts and parts.scheme


def _host(_run: Run, url: str) -> str | None:
    parts = _parts(url)
    return parts and parts.hostname


def _port(_run: Run, url: str) -> int | None:
    parts = _parts(url)
    if parts is None:
        return None
    return _PORTS.get(parts.scheme) if parts.port is None else parts.port


def _path(_run: Run, url: str, full: bool = True) -> str | None:
    parts = _parts(url)
    if parts is None:
        return None
    return parts.path if full else parts.path.rpartition("/")[2]


def _query(run: Run, url: str, anchor: str) -> dict[str, str] | None:
    if anchor not in ("retain", "remove", "append"):
        raise Failed("the anchor is none of retain, remove and append")
    parts = _parts(url)
    if parts is None:
        return None
    found: dict[str, str] = {}
    last = None
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if name:
            last = unquote(name)
            found[last] = unquote(value)
    if parts.fragment and anchor == "append":
        found["_anchor_"] = parts.fragment
    elif parts.fragment and anchor == "retain" and last is not None:
        found[last] += f"#{parts.fragment}"
    return run.bounded(found)


def _encode(run: Run, url: str) -> str:
    if 3 * len(url) > run.max_bytes:
        raise run.too_large()
    return run.bounded_text(quote(url, safe="", errors="replace").replace("~", "%7E"))


_SFTP = '"sftp://example.com//home/joe/employee.csv"'
_FOO = '"foo://example.com:8042/over/there?name=ferret#nose"'
FUNCTIONS: tuple[Function, ...] = (
    Function(
        "get_url_protocol",
        CATEGORY,
        "The scheme",
        (_URL,),
        Type.TEXT,
        _protocol,
        (Example('get_url_protocol("https://platform.adobe.com/home")', '"https"'),),
    ),
    Function(
        "get_url_host",
        CATEGORY,
        "The host",
        (_URL,),
        Type.TEXT,
        _host,
        (Example('get_url_host("https://platform.adobe.com/home")', '"platform.adobe.com"'),),
    ),
    Function(
        "get_url_port",
        CATEGORY,
        "The port, the scheme's where none is named",
        (_URL,),
        Type.INTEGER,
        _port,
        (Example(f"get_url_port({_SFTP})", "22"),),
    ),
    Function(
        "get_url_path",
        CATEGORY,
        "The path",
        (_URL, Argument("full", Type.BOOLEAN, "false: only what stands behind the last slash", optional=True)),
        Type.TEXT,
        _path,
        (
            Example(f"get_url_path({_SFTP})", '"//home/joe/employee.csv"'),
            Example(f"get_url_path({_SFTP}, false)", '"employee.csv"'),
        ),
    ),
    Function(
        "get_url_query_str",
        CATEGORY,
        "The parameters of the query, decoded",
        (
            _URL,
            Argument("anchor", Type.TEXT, "retain: at the last value; remove; append: as the parameter _anchor_"),
        ),
        Type.OBJECT,
        _query,
        (
            Example(f'get_url_query_str({_FOO}, "retain")', '{"name": "ferret#nose"}'),
            Example(f'get_url_query_str({_FOO}, "remove")', '{"name": "ferret"}'),
            Example(f'get_url_query_str({_FOO}, "append")', '{"name": "ferret", "_anchor_": "nose"}'),
        ),
    ),
    Function(
        "get_url_encoded",
        CATEGORY,
        "The text with every reserved character as %XX",
        (_URL,),
        Type.TEXT,
        _encode,
        (
            Example(
                'get_url_encoded("https://example.com/partneralliance_asia-pacific_2022")',
                '"https%3A%2F%2Fexample.com%2Fpartneralliance_asia-pacific_2022"',
            ),
        ),
    ),
    Function(
        "get_url_decoded",
        CATEGORY,
        "The text with every %XX as the character",
        (_URL,),
        Type.TEXT,
        lambda run, url: run.bounded_text(unquote(url)),
        (
            Example(
                'get_url_decoded("https%3A%2F%2Fexample.com%2Fpartneralliance_asia-pacific_2022")',
                '"https://example.com/partneralliance_asia-pacific_2022"',
            ),
        ),
    ),
)

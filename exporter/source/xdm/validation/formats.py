"""The formats that are checked, and those that schemas may name although they are not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from exporter.source.xdm.validation.nodes import Format

# Each pattern is linear: of two neighbours that repeat, no character fits both.
_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9]|[+-]18:00)"
)
_ATOM = r"[^\s\x00-\x1f\x7f()<>@,;:\\\".\[\]]+"
_LABEL = r"[^\W_](?:-*[^\W_])*"
_EMAIL = re.compile(
    rf"(?:{_ATOM}(?:\.{_ATOM})*|\"(?:[^\"\\\r\n]|\\.)*\")"
    rf"@(?:{_LABEL}(?:\.{_LABEL})*\.(?:[^\W\d_]{{2,63}}|xn--[a-zA-Z0-9-]{{1,59}})|\[[0-9a-fA-F:.]+\])"
)
_LONGEST_EMAIL = 320
# RFC 3986, with other letters than those of ASCII where it has percent encoding.
_PLAIN = r"A-Za-z0-9\-._~!$&'()*+,;=:@\xa1-\U0010ffff"
_CHARACTER = rf"(?:[{_PLAIN}/]|%[0-9A-Fa-f]{{2}})"
_TAIL = rf"(?:\?(?:[{_PLAIN}/?\[\]]|%[0-9A-Fa-f]{{2}})*)?(?:#(?:[{_PLAIN}/?\[\]]|%[0-9A-Fa-f]{{2}})*)?"
_HIERARCHY = rf"//(?:(?:[{_PLAIN}]|%[0-9A-Fa-f]{{2}})*\[[0-9A-Fa-f:.]+\](?::[0-9]*)?)?{_CHARACTER}*"
_PATH = rf"(?!//){_CHARACTER}*"
_URI = re.compile(
    rf"(?:[A-Za-z][A-Za-z0-9+.\-]*:(?![#]|$)|(?=//))(?!//$|//[?#])(?:{_HIERARCHY}|{_PATH}){_TAIL}", re.ASCII
)
_URI_REFERENCE = re.compile(rf"(?:[A-Za-z][A-Za-z0-9+.\-]*:)?(?:{_HIERARCHY}|{_PATH}){_TAIL}", re.ASCII)
_HOST_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HOSTNAME = re.compile(rf"{_HOST_LABEL}(?:\.{_HOST_LABEL})*", re.ASCII)
_LONGEST_HOSTNAME = 253


def _date_time(text: str) -> bool:
    # RFC 3339 in upper case, a zone in hours and minutes, no leap second.
    parts = _DATE_TIME.fullmatch(text)
    if parts is None:
        return False
    year, month, day = parts.groups()
    if day <= "28" and "01" <= month <= "12" and day != "00" and year != "0000":
        return True
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _email(text: str) -> bool:
    return len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def _uri(text: str) -> bool:
    return _URI.fullmatch(text) is not None


def _uri_reference(text: str) -> bool:
    return _URI_REFERENCE.fullmatch(text) is not None


def _hostname(text: str) -> bool:
    return len(text) <= _LONGEST_HOSTNAME and _HOSTNAME.fullmatch(text) is not None


def _ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return "%" not in text


_DATE_TIMES = (
    "yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}Z, "
    "yyyy-MM-dd'T'HH:mm:ss[+-]HH:mm, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}[+-]HH:mm"
)

#: A refusal stands behind the value in brackets.
CHECKED: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("date-time", _date_time, f"is not a valid date-time. Expected [{_DATE_TIMES}]"),
        Format("email", _email, "is not a valid email address"),
        Format("uri", _uri, "is not a valid URI"),
        Format("uri-reference", _uri_reference, "is not a valid URI reference"),
        Format("hostname", _hostname, "is not a valid hostname"),
        Format("ipv4", _ipv4, "is not a valid ipv4 address"),
        Format("ipv6", _ipv6, "is not a valid ipv6 address"),
    )
}
#: A date is not checked either: what senders write for one varies, and the reference lets all of it pass.
UNCHECKED = frozenset(
    {
        *("date", "time", "duration", "regex", "uuid", "iri", "iri-reference", "idn-email", "idn-hostname"),
        *("json-pointer", "relative-json-pointer", "uri-template", "phone", "password", "byte", "binary"),
        *("int32", "int64", "float", "double"),
    }
)

"""Whether a request may come from a page of a browser that somebody else wrote."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Final

from aiohttp import web

from exporter.sections.printable import printable

_HOST: Final = re.compile(r"(?:\[(?P<address>[^\]]+)\]|(?P<name>[^:@/\[\]]+))(?::[0-9]*)?")


def foreign(
    request: web.BaseRequest, names: Collection[str], hint: str = "add the name to ops.hosts", *, own_pages: bool = True
) -> str | None:
    """Why a request may come from a page of a browser that somebody else wrote; None where it does not.

    A browser sends the ``Origin`` of the page with every such request. A page whose own name was turned to an address
    of this machine (DNS rebinding) sends the same name as ``Host``, which is none of ``names``, in lower case. ``hint``
    says what else may be done; without ``own_pages`` no page at all may ask.
    """
    hosts = request.headers.getall("Host", [])
    for host in hosts:
        if not _is_own(host, names):
            return f"this port does not act as {printable(host[:100])}: ask it by an address, or {hint}"
    origins = {origin.partition("://")[2].lower() for origin in request.headers.getall("Origin", [])}
    if origins - ({host.lower() for host in hosts} if own_pages else set()):
        return "a page of another origin may not act here"
    return None


def _is_own(host: str, names: Collection[str]) -> bool:
    """Whether the value of ``Host`` is an address, or one of ``names``."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = (found["address"] or found["name"]).lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.rstrip(".") in names
    return True

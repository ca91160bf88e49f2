"""Answers to a browser, each with the headers that keep what is shown to itself."""

from __future__ import annotations

from typing import Final

from aiohttp import web

#: Nothing but what this port serves, nothing inline, no frame around it, no form to elsewhere.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
#: A shorter page gains little.
_COMPRESSED_LENGTH: Final = 4096
_THREAD_BYTES: Final = 16 * 1024
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With "no-referrer" a browser would send the Origin "null" with forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def document(text: str, status: int = 200) -> web.Response:
    """A page, which no cache keeps; compressed, in a thread, for a browser that takes that."""
    page = web.Response(
        text=text,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers=_HEADERS | {"Cache-Control": "no-store"},
        zlib_executor_size=_THREAD_BYTES,
    )
    if len(text) > _COMPRESSED_LENGTH:
        page.enable_compression()
    return page


def asset(body: bytes, kind: str) -> web.Response:
    """A style, script or picture of the page: asked for anew after an upgrade, so kept for a short while only."""
    return web.Response(body=body, content_type=kind, headers=_HEADERS | {"Cache-Control": "max-age=300"})


def refused(status: int, why: str) -> web.Response:
    """Plain text, where there is nothing to show."""
    return web.Response(text=f"{why}\n", status=status, headers=_HEADERS | {"Cache-Control": "no-store"})


def elsewhere(path: str) -> web.Response:
    """After a form: the page at ``path``, which a reload does not send again."""
    return web.Response(status=303, headers=_HEADERS | {"Location": path, "Cache-Control": "no-store"})

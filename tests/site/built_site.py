"""What a built page makes a browser fetch, found in its HTML, its styles and its pictures, without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

#: Where a browser fetches by itself; ``href`` of an ``a`` is followed by people only.
_FETCHED = {
    *(("link", "href"), ("use", "href"), ("use", "xlink:href"), ("image", "href"), ("image", "xlink:href")),
    *((tag, "src") for tag in ("script", "img", "iframe", "audio", "video", "source", "track", "embed", "input")),
    *(("img", "srcset"), ("source", "srcset"), ("object", "data"), ("video", "poster"), ("form", "action")),
}
#: Of links that only tell where something is.
_TOLD = {"canonical", "next", "prev"}
_STYLED = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
_ADDRESS = re.compile(r"(?:\bhttps?:|\bwss?:)?//[A-Za-z0-9$\[{][^\s\"'`\\)<>]*")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.classes: set[str] = set()
        self.policies: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.ids.add(named.get("id", ""))
        self.classes.update(named.get("class", "").split())
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        if named.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(named["content"])
        if not (tag == "link" and _TOLD.intersection(named.get("rel", "").split())):
            self.fetched += [named[name] for name in named if (tag, name) in _FETCHED]
        self.fetched += styled(named.get("style", ""))

    handle_startendtag = handle_starttag


def page(file: Path) -> _Page:
    """What stands in a file of HTML, or in a picture."""
    parser = _Page()
    text = file.read_text(encoding="utf-8")
    parser.feed(text)
    for style in re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL):
        parser.fetched += styled(style)
    return parser


def styled(text: str) -> Iterator[str]:
    """What a style fetches."""
    yield from (one or other for one, other in _STYLED.findall(text))


def elsewhere(address: str) -> bool:
    """Whether an address leads to another host than the page's own."""
    return re.match(r"(?:[a-z][a-z0-9+.-]*:)?//", address) is not None


def addresses(script: str) -> set[str]:
    """Whatever in a script looks like an address of another host, comments left out."""
    code = re.sub(r"/\*.*?\*/|^\s*//[^\n]*", "", script, flags=re.DOTALL | re.MULTILINE)
    return {found for found in _ADDRESS.findall(code) if "://" in found}

"""Templates and assets of the page, read from the package the first time that somebody looks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from exporter import __version__
from exporter.daemon.ops.page import words
from exporter.daemon.ops.page.sheets import Sheet
from exporter.telemetry.attempts import Outcome

_HERE: Final = Path(__file__).parent
#: What may be asked for below ``/page/``, with its type.
ASSETS: Final[Mapping[str, str]] = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
#: By what came of an attempt: how its badge looks.
OUTCOMES: Final[Mapping[Outcome, str]] = {
    "delivered": "running",
    "retry": "held",
    "dead_letter": "failing",
    "paused": "failing",
    "let_go": "waiting",
}


class Rendering:
    """Renders sheets. Every value is escaped; a name that a template misspells is an error. Making it reads files."""

    def __init__(self) -> None:
        environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        for filter_ in (
            *(words.grouped, words.per_second, words.duration, words.milliseconds),
            *(words.ago, words.moment, words.size, words.took),
        ):
            environment.filters[filter_.__name__] = filter_
        environment.globals |= {"version": __version__, "outcomes": OUTCOMES}
        self._environment = environment
        self.assets = {name: (_HERE / "assets" / name).read_bytes() for name in ASSETS}
        # Compiled now, off the event loop, and not when a sheet is asked for.
        for name in environment.list_templates():
            environment.get_template(name)

    def part(self, sheet: Sheet) -> str:
        """The part of a document that is the sheet's own."""
        return self._environment.get_template(sheet.template).render(sheet.values)

    def document(self, title: str, part: str, values: Mapping[str, Any]) -> str:
        """A whole document around a ``part``, which is markup."""
        return self._environment.get_template("document.html").render(title=title, part=Markup(part), **values)  # noqa: S704 (rendered above, escaped)

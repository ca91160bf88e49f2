"""Runs a test: what its event comes to for each destination that the test names, against what is expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from exporter.cli.preview.previewer import Exported, Previewer
from exporter.cli.preview.request_text import ShownRequest
from exporter.cli.test.json_tree import NOTHING, Difference, Json, differences, parsed, typed
from exporter.cli.test.suite import Expected, ReadyTest
from exporter.profile.decision import Excluded
from exporter.profile.malformed import Malformed
from exporter.settings.loading.load import Loaded
from exporter.settings.masking import masked

#: When a segment counts as mapped, where the configuration does not say: 2000-01-01T00:00:00Z in epoch milliseconds.
#: The daemon's own note of it differs from machine to machine.
MAPPED_AT_MS = 946_684_800_000

Outcome = Exported | Excluded | Malformed


@dataclass(frozen=True, slots=True)
class Failed:
    """A destination for which an event did not come to what is expected, and what it came to."""

    destination: str
    differences: tuple[Difference, ...]
    outcome: Outcome


def runner(loaded: Loaded) -> Callable[[ReadyTest, str], Failed | None]:
    """What runs a test for one destination of ``loaded``, and returns None where all is as expected."""
    previewers: dict[str, Previewer] = {}
    by_name = {one.name: one for one in loaded.settings.destinations}
    max_bytes = int(loaded.settings.max_event_bytes)

    def run(test: ReadyTest, name: str) -> Failed | None:
        if name not in previewers:
            times = dict.fromkeys((segment.key for segment in by_name[name].segments), MAPPED_AT_MS)
            previewers[name] = Previewer.mapped_at(loaded, by_name[name], times)
        outcome = previewers[name].preview(test.event, max_bytes).outcome
        found = tuple(compared(test.expect[name], outcome))
        return Failed(name, found, outcome) if found else None

    return run


def compared(expected: Expected, outcome: Outcome) -> Iterator[Difference]:
    """The differences between what is expected and what an event came to."""
    if expected.is_empty:
        yield Difference((), NOTHING, _in_words(outcome))
        return
    match outcome:
        case Exported(triggers, request) if expected.excluded is None and expected.malformed is None:
            body = parsed(request.body)
            now = {"triggers": list(triggers), "url": masked(request.url), "body": body}
            for key in (key for key in now if key in expected.model_fields_set and getattr(expected, key) is None):
                yield Difference((key,), NOTHING, now[key])
            if expected.triggers is not None and set(expected.triggers) != set(triggers):
                yield Difference(("triggers",), list(expected.triggers), list(triggers))
            if expected.url is not None and expected.url != now["url"]:
                yield Difference(("url",), expected.url, now["url"])
            for name, value in (expected.headers or {}).items():
                if value != (sent := header(request, name)):
                    pair = [NOTHING if one is None else one for one in (value, sent)]
                    yield Difference(("headers", name), pair[0], pair[1])
            if expected.body is not None:
                yield from differences(typed(expected.body), body, ("body",))
        case Excluded(reason) if expected.excluded is not None:
            if reason != expected.excluded:
                yield Difference(("excluded",), expected.excluded, reason)
        case Malformed() if expected.malformed is not None:
            if expected.malformed not in (str(outcome), outcome.place):
                yield Difference(("malformed",), expected.malformed, str(outcome))
        case _:
            yield Difference((), _expected_in_words(expected), _in_words(outcome))


def header(request: ShownRequest, name: str) -> str | None:
    """The value of a header, secrets masked; None where the request has no such header."""
    return next((masked(value) for own, value in request.headers if own.lower() == name.lower()), None)


def sent_now(expected: dict[str, Json], outcome: Outcome) -> dict[str, Json]:
    """``expected`` as it would have to be written for ``outcome``: with the same keys, where these can be.

    Nothing expected, or something else than an export, becomes triggers and body.
    """
    match outcome:
        case Excluded(reason):
            return {"excluded": reason}
        case Malformed():
            return {"malformed": str(outcome)}
        case Exported(triggers, request):
            is_of_export = expected and not expected.keys() & {"excluded", "malformed"}
            keys = expected if is_of_export else {"triggers": [], "body": {}}
            written: dict[str, Any] = {}
            for key, value in keys.items():
                match key:
                    case "triggers":
                        written[key] = value if set(value or ()) == set(triggers) else list(triggers)
                    case "url":
                        written[key] = masked(request.url)
                    case "headers":
                        written[key] = {name: header(request, name) for name in value}
                    case _:
                        written[key] = parsed(request.body)
            return written


def _expected_in_words(expected: Expected) -> str:
    if expected.excluded is not None:
        return f"excluded: {expected.excluded}"
    if expected.malformed is not None:
        return f"malformed: {expected.malformed}"
    return f"exported: {', '.join(expected.triggers)}" if expected.triggers else "exported"


def _in_words(outcome: Outcome) -> str:
    match outcome:
        case Exported(triggers, _):
            return f"exported: {', '.join(triggers)}"
        case Excluded(reason):
            return f"excluded: {reason}"
        case Malformed():
            return f"malformed: {outcome}"

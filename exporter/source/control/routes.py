"""The table of the control plane: which method of which path is answered by what, in words for people and programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.bodies import Fault, fault_by
from exporter.source.control.request import Request
from exporter.source.control.shapes import Shape

Reply: TypeAlias = Callable[[Request], Awaitable[Answer]]


#: Names in queries that may come several times: filters, all of which have to hold.
REPEATABLE: Final = frozenset({"property"})


class Reads(Enum):
    """What a route does with the body of a request. ``FORM`` is read however it is encoded."""

    NOTHING = "nothing"
    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        method: in capitals.
        path: its variables are whole segments in braces: ``/flows/{id}``. A trailing slash is the same path.
        name: the operation, unique in the table: ``getFlow``.
        summary: what it does, in one sentence.
        reply: answers it.
        reads: what of the body.
        body: what the body should be, as the document of the API says it, and as it is judged.
        answers: what the good statuses are answered with, by status; None: no body.
        query: names in the query that mean something, with a sentence each; those of ``REPEATABLE`` may come again.
        headers: likewise, beside those that every request may have.
        other_types: media types beside JSON that an answer may have.
        guarded: False: the gateway lets everybody pass, since this is where tokens come from.
        fault: says what is wrong with a JSON body by its shape. Patches are judged operation by operation.
    """

    method: str
    path: str
    name: str
    summary: str
    reply: Reply
    reads: Reads = Reads.NOTHING
    body: Shape | None = None
    answers: Mapping[int, Shape | None] = field(default_factory=lambda: {200: {"type": "object"}})
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    other_types: tuple[str, ...] = ()
    guarded: bool = True
    fault: Fault | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        judged = self.reads is Reads.JSON and self.body is not None and self.method != "PATCH"
        object.__setattr__(self, "fault", fault_by(self.body) if judged and self.body is not None else None)

    @property
    def steps(self) -> tuple[str, ...]:
        """The segments of the path."""
        return tuple(self.path.strip("/").split("/"))

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the path's variables."""
        return tuple(step[1:-1] for step in self.steps if _is_variable(step))


@dataclass(frozen=True, slots=True)
class Found:
    """The route of a request, and what the path's variables stand for."""

    route: Route
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OtherMethods:
    """There is such a path, but not with this method."""

    methods: Sequence[str]


class Routes:
    """The table, to be looked up in. A segment that stands as it is goes before a variable.

    Raises:
        ValueError: by the constructor: two rows answer the same, or have one name.
    """

    def __init__(self, rows: Iterable[Route]) -> None:
        self.rows = tuple(rows)
        self._tree: dict[str, Any] = {}
        if len({row.name for row in self.rows}) < len(self.rows):
            raise ValueError("two routes have one name")
        for row in self.rows:
            place = self._tree
            for step in row.steps:
                place = place.setdefault("{}" if _is_variable(step) else step, {})
            methods = place.setdefault("", {})
            if row.method in methods:
                raise ValueError(f"two routes answer {row.method} {row.path}")
            methods[row.method] = row

    def find(self, method: str, path: str) -> Found | OtherMethods | None:
        """What answers ``method`` of ``path``, which is still percent-encoded; None: there is no such path."""
        given = path.strip("/").split("/")
        place = self._tree
        for segment in given:
            # A variable is never the empty segment: /flows//action is no action of a flow without a name.
            below = place.get(segment) if segment else None
            place = below if below is not None else place.get("{}", {}) if segment else {}
        methods: dict[str, Route] = place.get("", {})
        if not methods:
            return None
        if (route := methods.get(method)) is None:
            return OtherMethods(tuple(methods))
        steps = zip(route.steps, given, strict=True)
        return Found(route, {step[1:-1]: unquote(segment) for step, segment in steps if _is_variable(step)})


def _is_variable(step: str) -> bool:
    return step.startswith("{")

"""Samples of a daemon's status, as long as somebody looks: what its processes say, and rates between two samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.cli.shared.daemon_port import NoDaemon, get_json

if TYPE_CHECKING:
    from exporter.cli.shared.daemon import Daemon
    from exporter.cli.shared.daemon_port import Where

#: Counts of a status that become ``<name>_per_second``.
RATES = ("received", "excluded", "delivered", "dead_lettered", "retried")

Dataflow = Mapping[str, Any]
Document = Mapping[str, Any]


class Sample(NamedTuple):
    """What is known at one moment.

    ``documents`` are the answers of the processes, ``flows`` their dataflows with rates, in their order. ``silent`` has
    a line for each process that answered before and does not now.
    """

    documents: Sequence[Document]
    flows: Sequence[Dataflow]
    silent: Sequence[str]


def samples(daemon: Daemon, seconds: float, wait: Callable[[float], bool]) -> Iterator[Sample]:
    """A sample after each ``seconds``, until ``wait``, which waits for so long, says that nobody looks any more.

    Raises:
        NoDaemon: no process answers.
    """
    last, before_at = dict(daemon.ask_all(_document)), time.monotonic()
    before = _by_destination(last.values())
    while wait(seconds):
        answers, silent = _of_each(last)
        answers |= daemon.ask_further(_document, last)
        now, now_at = _by_destination(answers.values()), time.monotonic()
        flows = [dict(each) | _rates(before.get(name, each), each, now_at - before_at) for name, each in now.items()]
        yield Sample([*answers.values()], flows, silent)
        last, before, before_at = {**last, **answers}, now, now_at


def _of_each(last: Mapping[Where, Document]) -> tuple[dict[Where, Document], list[str]]:
    """What each process says now, after what it said ``last``, and a line for each that says nothing.

    Raises:
        NoDaemon: no process answers.
    """
    answers: dict[Where, Document] = {}
    silent: dict[Where, NoDaemon] = {}
    for where in last:
        try:
            answers[where] = _document(where)
        except NoDaemon as error:
            silent[where] = error
    if not answers:
        raise NoDaemon("\n".join(map(str, silent.values())))
    return answers, [f"{', '.join(_by_destination([last[where]]))}: {error}" for where, error in silent.items()]


def _document(where: Where) -> Document:
    answer = get_json(where, "/status")
    flows = answer.get("destinations") if isinstance(answer, dict) else None
    if not isinstance(flows, list) or not all(isinstance(each, dict) and "destination" in each for each in flows):
        older = isinstance(answer, list) and all(isinstance(each, dict) and "destination" in each for each in answer)
        why = "the daemon there is older than this command" if older else "is an exporter listening there?"
        raise NoDaemon(f"{where}/status answers something else: {why}")
    return dict(answer)


def _by_destination(documents: Iterable[Document]) -> dict[str, Dataflow]:
    return {each["destination"]: each for document in documents for each in document["destinations"]}


def _rates(before: Dataflow, now: Dataflow, seconds: float) -> dict[str, float]:
    # A daemon that restarted in between counts from 0 again.
    return {f"{name}_per_second": round(max(0, now.get(name, 0) - before.get(name, 0)) / seconds, 1) for name in RATES}

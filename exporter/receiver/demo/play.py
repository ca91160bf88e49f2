"""The course of the demo: the way in, journal, daemon, receiver, an expired token, and the result."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from exporter.daemon.process import child
from exporter.queues.kinds import open_queue
from exporter.receiver.demo.feed import Feed
from exporter.receiver.demo.process import DaemonProcess, start_daemon
from exporter.receiver.demo.records import Posted, RecordsLost, post_all
from exporter.receiver.demo.scrape import Numbers, scrape
from exporter.receiver.demo.summary import Summary, percentile
from exporter.receiver.faults import Faults
from exporter.receiver.options import ReceiverOptions
from exporter.receiver.oracle import judge
from exporter.receiver.reception import Reception
from exporter.receiver.samples import DESTINATION, identify
from exporter.receiver.server import Receiver, open_receiver
from exporter.settings.loading.load import load
from exporter.settings.loading.problems import Problems
from exporter.settings.tree import Settings

PROFILES = 100
BACKLOG = 300
LIVE = 1500
FAULTS = Faults(latency=0.005, fail_rate=0.06, fail_status=(503, 429))
#: The longest wait for all events to be settled.
SETTLING_SECONDS = 60.0


class DemoFailed(Exception):
    """The demo could not be played to its end; the text says why."""


def template() -> str:
    """The configuration that the demo runs, the same as ``config/demo.yaml`` of the repository."""
    return files("exporter.receiver.demo").joinpath("demo.yaml").read_text(encoding="utf-8")


async def play(folder: Path, tell: Callable[[str], None]) -> Summary:
    """Play the demo.

    Args:
        folder: an empty folder for the configuration, the stores and the logs.
        tell: takes a line on the progress.

    Raises:
        DemoFailed: the configuration is refused, not all events were settled in time, or dead letters can't be listed.
        DaemonFailed: the daemon ended, or did not start.
    """
    config = folder / "demo.yaml"
    config.write_text(template(), encoding="utf-8")
    received: list[Reception] = []
    options = ReceiverOptions(auth="oauth2_client_credentials", seed=1, faults=FAULTS)
    async with open_receiver(options, [received.append]) as receiver:
        tell("a receiver demands OAuth2 client credentials, and fails some requests")
        environ = _environment(folder, receiver)
        settings = _settings(config, environ)
        posted, serve_exit_code = await _take_in(config, environ, folder / "serve.log", tell)
        async with open_queue(settings.queue, settings.groups, tell) as queue:
            feed = Feed(queue, PROFILES, seed=1)
            await feed.publish(BACKLOG)
            tell(f"{BACKLOG} sample events wait on a journal in {folder}")
            async with start_daemon(config, environ, folder / "daemon.log") as daemon:
                numbers = await _watch(daemon, receiver, feed, len(posted.states), tell)
                exit_code = await daemon.stop()
        tell(f"the daemon stopped on SIGTERM with exit code {exit_code}")
        letters = await _dead_letters(config, environ)
        return _summary(feed, posted, numbers, receiver, received, letters, (serve_exit_code, exit_code))


async def _take_in(
    config: Path, environ: Mapping[str, str], log: Path, tell: Callable[[str], None]
) -> tuple[Posted, int]:
    """Post raw records to the way in, until all of them are events on the journal; what was posted, and its exit code.

    Raises:
        DemoFailed: not all were told in time.
        DaemonFailed: the process ended, or did not start.
    """
    async with start_daemon(config, environ, log, "serve") as serving:
        tell("the way in takes records; raw ones are posted in batches")
        try:
            posted = await post_all(serving, SETTLING_SECONDS)
        except RecordsLost as error:
            raise DemoFailed(str(error)) from None
        changes = len(posted.states)
        tell(f"{posted.posted} records were taken; profiles changed {changes} times, which are events now")
        return posted, await serving.stop()


async def _watch(
    daemon: DaemonProcess, receiver: Receiver, feed: Feed, told: int, tell: Callable[[str], None]
) -> Numbers:
    """Feed the running daemon, and let the daemon's token expire; return the numbers when all was settled.

    ``told`` is how many events the way in put on the journal.
    """
    ops = await daemon.ops()
    tell(f"the daemon is ready; {LIVE} more events come while it exports")
    async with aiohttp.ClientSession() as session:
        await feed.trickle(LIVE)
        await _settled(daemon, session, ops, told + len(feed.sent))
        # Alone, so that exactly one request meets the 401; the daemon fetches a new token and sends it again.
        await receiver.control(revoke=True, fail_rate=0.0)
        tell("all is settled; now the token expires, and one more profile changes")
        await feed.publish_to_the_next_export()
        return await _settled(daemon, session, ops, told + len(feed.sent))


async def _settled(daemon: DaemonProcess, session: aiohttp.ClientSession, ops: str, count: int) -> Numbers:
    """The daemon's numbers once ``count`` events are settled."""
    numbers = None
    try:
        async with asyncio.timeout(SETTLING_SECONDS):
            while True:
                daemon.check()
                # A daemon that does not answer has ended, or will be found to have.
                with suppress(aiohttp.ClientError):
                    numbers = await scrape(session, ops, DESTINATION)
                if numbers is not None and numbers.settled >= count:
                    return numbers
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise DemoFailed(f"of {count} events not all were settled within {SETTLING_SECONDS:.0f} s: {numbers}") from None


def _environment(folder: Path, receiver: Receiver) -> dict[str, str]:
    """The environment of the process without settings of the exporter, and with what the demo's configuration needs."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTER_")}
    environ["RECEIVER_URL"] = receiver.base
    environ.pop("RECEIVER_CLIENT_SECRET", None)
    environ["EXPORTER__QUEUE__PATH"] = str(folder / "queue.db")
    environ["EXPORTER__STATE__PATH"] = str(folder / "state.db")
    environ["EXPORTER__INTAKE__PATH"] = str(folder / "intake.db")
    environ["EXPORTER__PROFILES__PATH"] = str(folder / "profiles.db")
    environ["EXPORTER__OPS__PORT"] = "0"
    environ["EXPORTER__SERVE__PORT"] = "0"
    environ["EXPORTER__SERVE__API__PORT"] = "0"
    environ["EXPORTER__SERVE__OPS__PORT"] = "0"
    return environ


def _settings(config: Path, environ: Mapping[str, str]) -> Settings:
    loaded = load(config, environ)
    if isinstance(loaded, Problems):
        raise DemoFailed(loaded.render())
    return loaded.settings


async def _dead_letters(config: Path, environ: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    """The letters that ``exporter deadletters list`` shows."""
    process = await asyncio.create_subprocess_exec(
        *child.command("deadletters", "list", "--json", "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=child.environment(environ),
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        raise DemoFailed(f"the dead letters can't be listed: {err.decode('utf-8', 'replace').strip()}")
    return [orjson.loads(line) for line in out.splitlines()]


def _summary(
    feed: Feed,
    posted: Posted,
    numbers: Numbers,
    receiver: Receiver,
    received: Sequence[Reception],
    letters: Sequence[Mapping[str, Any]],
    exit_codes: tuple[int, int],
) -> Summary:
    states = {**feed.states(), **posted.states}
    dead = [states[letter["event"]] for letter in letters if letter["event"] in states]
    accepted = [reception for reception in received if reception.accepted]
    latencies = _latencies(feed, accepted)
    return Summary(
        posted=posted.posted,
        outcomes=posted.outcomes,
        queued=len(posted.states) + len(feed.sent),
        received=numbers.received,
        excluded=numbers.excluded,
        expected_excluded=feed.excluded(),
        delivered=numbers.delivered,
        retried=numbers.retried,
        dead_lettered=Counter(str(letter["reason"]) for letter in letters),
        judgement=judge(states.values(), received, dead, identify=identify),
        expired_tokens=receiver.counters.by_status[401],
        tokens_issued=receiver.counters.tokens_issued,
        answers=receiver.counters.by_status,
        latency_p50=percentile(latencies, 0.5),
        latency_p95=percentile(latencies, 0.95),
        exit_codes=exit_codes,
        payload=accepted[-1].body if accepted else b"null",
    )


def _latencies(feed: Feed, accepted: Sequence[Reception]) -> list[float]:
    """Seconds from a change to the first acceptance, for changes that came while the daemon ran."""
    born = {f"{DESTINATION}:{sample.event_id}": sample.at for sample in feed.sent[BACKLOG:]}
    first: dict[str, float] = {}
    for reception in accepted:
        first.setdefault(str(reception.idempotency_key), reception.until)
    return [until - born[key] for key, until in first.items() if key in born]

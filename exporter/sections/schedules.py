"""The waits between tries, made from tenacity's wait objects: retries, probes, queue and store.

tenacity brings an event loop, a clock and chance along, so the pure outbox gets plain ``delay(n) -> seconds``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_chain, wait_exponential, wait_fixed
from tenacity.wait import wait_base

T = TypeVar("T")

PROBE_FIRST_SECONDS = 1
PROBE_MOST_SECONDS = 60
REACH_MOST_SECONDS = 4
#: A probe comes up to this share of its delay early or late, so that many dataflows do not probe at once.
PROBE_JITTER = 0.2


class wait_jittered(wait_base):  # noqa: N801 (tenacity's waits are named like functions)
    """A wait, made shorter or longer by up to ``share``."""

    def __init__(self, wait: wait_base, share: float, uniform: Callable[[float, float], float]) -> None:
        self._wait = wait
        self._share = share
        self._uniform = uniform

    def __call__(self, retry_state: RetryCallState) -> float:
        return self._wait(retry_state) * self._uniform(1 - self._share, 1 + self._share)


def retry_delay(retries: Sequence[float]) -> Callable[[int], float]:
    """The seconds before retry n, n from 0; the last of ``retries`` from then on."""
    return _delay(wait_chain(*(wait_fixed(seconds) for seconds in retries)))


def growing_wait(most_seconds: float, uniform: Callable[[float, float], float]) -> wait_base:
    """1, 2, 4 … seconds up to ``most_seconds``, each ± 20 %."""
    return wait_jittered(wait_exponential(multiplier=PROBE_FIRST_SECONDS, max=most_seconds), PROBE_JITTER, uniform)


def probe_delay(uniform: Callable[[float, float], float]) -> Callable[[int], float]:
    """The seconds before probe n of a pause, n from 0: 1, 2, 4 … 60, each ± 20 % (contract.md#whose-fault)."""
    return _delay(growing_wait(PROBE_MOST_SECONDS, uniform))


def reach_delay(uniform: Callable[[float, float], float]) -> Callable[[int], float]:
    """The seconds before try n, n from 0, to reach a queue or store: 1, 2, 4, 4 …, each ± 20 %."""
    return _delay(growing_wait(REACH_MOST_SECONDS, uniform))


async def until_reachable(
    work: Callable[[], Awaitable[T]],
    failures: tuple[type[Exception], ...],
    uniform: Callable[[float, float], float],
    failed: Callable[[Exception], None],
) -> T:
    """What ``work`` comes to, tried for ever while ``work`` raises any of ``failures``; ``failed`` hears of each.

    The waits are 1, 2, 4, 4 … seconds ± 20 %. For a queue or store that the whole daemon waits for: at the return every
    second counts, and a try costs nothing.
    """

    def heard(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Exception):
            failed(error)

    async def tried() -> T:  # tenacity awaits only what is written as a coroutine, and ``work`` may be a lambda
        return await work()

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(failures),
        wait=growing_wait(REACH_MOST_SECONDS, uniform),
        before_sleep=heard,
        reraise=True,
    )
    return await retrying(tried)


def _delay(wait: wait_base) -> Callable[[int], float]:
    retrying: Any = AsyncRetrying(wait=wait)

    def delay(number: int) -> float:
        state = RetryCallState(retrying, fn=None, args=(), kwargs={})
        state.attempt_number = number + 1
        return float(wait(state))

    return delay

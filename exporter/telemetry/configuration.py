"""How the configuration fares: whether the files as read last could be taken over, and how reloads ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

from exporter.telemetry.status import ConfigStatus

#: ``invalid``: mistakes in the configuration; ``needs_restart``: keys that can't change while the daemon runs;
#: ``unusable``: certificates or keys that can't be used as they are now; ``not_shared``: other exporters read the same
#: groups with another state.
Refusal = Literal["invalid", "needs_restart", "unusable", "not_shared"]
ReloadOutcome = Literal["applied", Refusal]


class ConfigurationHealth:
    """The reloads of a process that began with ``status``. ``epoch`` gives the seconds since the epoch."""

    def __init__(self, epoch: Callable[[], float], status: ConfigStatus | None = None) -> None:
        self._epoch = epoch
        self._reloads: dict[ReloadOutcome, int] = dict.fromkeys(get_args(ReloadOutcome), 0)
        self.status = ConfigStatus() if status is None else status

    @property
    def reloads(self) -> Mapping[ReloadOutcome, int]:
        """How many reloads ended with each outcome."""
        return self._reloads

    def applied(self) -> None:
        """Note that a configuration was taken over."""
        self._reloads["applied"] += 1
        self.status = replace(self.status, valid=True, reloaded_at=self._epoch(), problems=(), refused_at=None)

    def refused(self, why: Refusal, problems: Sequence[str]) -> None:
        """Note that a configuration was not taken over, for the ``problems``, which are free of secrets."""
        self._reloads[why] += 1
        self.status = replace(self.status, valid=False, problems=tuple(problems), refused_at=self._epoch())

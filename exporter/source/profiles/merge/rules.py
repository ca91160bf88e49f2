"""The rules by which records become profiles: a part of the configuration, as values."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.source.profiles.merge.view import Precedence


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of merging, linking and telling.

    Attributes:
        precedence: None: of each leaf the last write counts; or the datasets that count, the first wins.
        linked: whether the identities of a record are one person's; else records meet only by their primary identity.
        max_identities: the most identities of a profile; a record links no more.
        ignore: ids, in lower case, that are nobody's.
        unique: namespaces of which a profile has at most one id.
        delete_tells: whether the deletion of a profile tells that it left its segments.
        coalesce: whether all records of a profile in one transaction make one event.
        keeps_time_series: whether records of time series are kept to be read, besides their identities.
    """

    precedence: Precedence = None
    linked: bool = True
    max_identities: int = 50
    ignore: frozenset[str] = frozenset()
    unique: frozenset[str] = frozenset()
    delete_tells: bool = True
    coalesce: bool = False
    keeps_time_series: bool = False

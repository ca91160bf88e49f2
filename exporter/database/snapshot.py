"""Several statements that read the database as it is at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """Let every statement inside read one state of the database, as those of a transaction do anyhow.

    A connection of apsw is such a context manager, too, but rolls back what a failed disk has already ended, and that
    error takes the place of the disk's.
    """
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")

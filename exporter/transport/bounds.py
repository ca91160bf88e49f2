"""What both transports keep to: how much of an answer is read, and how long a connection or a name is kept."""

from __future__ import annotations

#: Of an answer's body no more than this is read; the rest is dropped with its connection.
BODY_LIMIT = 64 * 1024
#: The status line and headers of an answer, interim answers before it included; beyond, it is no answer.
HEAD_LIMIT = 64 * 1024
#: After the status line the rest of an answer that isn't needed gets this long, within the exchange's deadline.
BODY_SECONDS = 2.0
#: Shorter than what common servers keep an idle connection for (Node, Apache, uvicorn: 5 s).
KEEPALIVE_SECONDS = 4.0
#: A connection serves so long at most, so that a name that moved to another address is followed.
CONNECTION_SECONDS = 300.0
#: How long a name stands for the addresses that were found.
DNS_CACHE_SECONDS = 10.0
#: How long closing waits for the sockets that are still open; they are aborted, so it is a matter of loop turns.
CLOSE_SECONDS = 2.0

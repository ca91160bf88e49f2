"""The limits of both transports: how much of an answer is read, and how long a connection or a name is kept."""

from __future__ import annotations

#: The most that is read of an answer's body; the rest is dropped with the connection.
BODY_LIMIT = 64 * 1024
#: The most that is read of an answer's status line and headers, preceding interim answers included. Of a longer head
#: the status counts and the headers within the limit; without a status line within the limit there is no answer.
HEAD_LIMIT = 64 * 1024
#: How long a body that is not needed may take after the head of an answer, within the exchange's deadline.
BODY_SECONDS = 2.0
#: How long an idle connection is kept: shorter than common servers do (Node, Apache, uvicorn: 5 s).
KEEPALIVE_SECONDS = 4.0
#: How long a connection serves at most, so that a name that moved to another address is followed.
CONNECTION_SECONDS = 300.0
#: How long the addresses found for a name are used.
DNS_CACHE_SECONDS = 10.0
#: How long closing waits for sockets that are still open; all are aborted, so a few loop turns are enough.
CLOSE_SECONDS = 2.0

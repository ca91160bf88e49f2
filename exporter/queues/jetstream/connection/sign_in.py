"""How to sign in and trust: turns settings into options of the client library, at every connect anew."""

from __future__ import annotations

import ssl
from typing import Any

from nats.aio.client import RawCredentials

from exporter.queues.jetstream.settings import NatsSettings, is_credentials, is_seed, servers
from exporter.queues.port import QueueUnavailable
from exporter.transport.tls.contexts import TlsFilesUnusable, client_context


class Access:
    """Made for a single attempt to connect; making an ``Access`` reads files.

    ``options`` go to the library; ``is_encrypted`` holds after a handshake.
    """

    def __init__(self, settings: NatsSettings) -> None:
        self._insists = any(server.startswith("tls://") for server in servers(settings.url))
        self.is_encrypted = False
        #: The remedy where the servers refuse the credentials.
        self.how_to_sign_in = "set `user` and `password`, `token`, `nkey` or `credentials`"
        self.options: dict[str, Any] = {"servers": servers(settings.url), "inbox_prefix": settings.inbox_prefix}
        self.options["tls"] = self._context(settings)
        self._sign_in(settings)

    def refuse_if_bare(self) -> None:
        """Where the URL says tls://, refuse a server without TLS, to which the library would also talk.

        Raises:
            QueueUnavailable: the connection is not encrypted, and has to be.
        """
        if self._insists and not self.is_encrypted:
            raise QueueUnavailable(
                "the server offers no TLS, and `url` begins with tls://: enable it there or say nats://"
            )

    def _sign_in(self, settings: NatsSettings) -> None:
        # The library calls the functions after the handshake, before anything is sent.
        if settings.user is not None and settings.password is not None:
            self.how_to_sign_in = "check `user` and `password`"
            user, password = settings.user, settings.password.current()
            self.options["user"] = lambda: self._once_safe(user)
            self.options["password"] = lambda: self._once_safe(password)
        if settings.token is not None:
            self.how_to_sign_in = "check `token`"
            token = settings.token.current()
            self.options["token"] = lambda: self._once_safe(token)
        if settings.nkey is not None:
            self.how_to_sign_in = "check `nkey`"
            seed = settings.nkey.current()
            if not is_seed(seed):
                raise QueueUnavailable("the file of nkey holds no seed of a user")
            self.options["nkeys_seed_str"] = seed.strip()
        if settings.credentials is not None:
            self.how_to_sign_in = "check `credentials`: are they of this server's operator, and not out of date?"
            text = settings.credentials.current()
            if not is_credentials(text):
                raise QueueUnavailable("the file of credentials is no .creds file")
            self.options["user_credentials"] = RawCredentials(text)

    def _once_safe(self, secret: str) -> str:
        self.refuse_if_bare()
        return secret

    def _context(self, settings: NatsSettings) -> ssl.SSLContext:
        try:
            context = client_context(settings.tls)
        except TlsFilesUnusable as error:
            raise QueueUnavailable(str(error)) from error
        access = self

        class Noting(ssl.SSLObject):
            def do_handshake(self) -> None:
                super().do_handshake()
                access.is_encrypted = True

        context.sslobject_class = Noting
        return context

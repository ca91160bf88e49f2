"""Why a serving process does not start."""

from __future__ import annotations


class CannotServe(Exception):
    """The data plane cannot be opened; the text says why."""


class CertificateUnusable(Exception):
    """The files of ``serve.tls`` are no certificate and key; the text says which, and why."""


class StoresDoNotFit(Exception):
    """Intake, profile store and what the state keeps do not belong together; the text says why."""

"""The serving process: takes records, applies them to profiles, tells what changed, and obeys signals."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from exporter.daemon import signals
from exporter.daemon.failures import told, trace
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.port import serve
from exporter.daemon.serving.observing import SourceMetrics, SourceStatus
from exporter.daemon.startup import Part, Startup
from exporter.dataflow.dependencies import Clock
from exporter.queues.kinds import open_queue
from exporter.queues.port import Queue, QueueUnavailable
from exporter.sections.schedules import probe_delay, until_reachable
from exporter.sections.urls import http_address
from exporter.settings.loading.load import Loaded
from exporter.settings.tree import Settings
from exporter.source.collection.intake import Intake
from exporter.source.collection.server.listener import Listener, ListenerOptions, open_listener
from exporter.source.collection.server.tls import listener_context
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.taking import Taking
from exporter.source.dataprep.run import Bounds
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.compiling import Declared, compiled
from exporter.source.processing.examining import Chances
from exporter.source.processing.planes import Ids, plane_of
from exporter.source.processing.processor import BadRecords, Listeners, Processor
from exporter.source.processing.telling import Teller
from exporter.source.profiles.kinds import open_profiles
from exporter.source.profiles.port import ProfilesUnavailable, ProfileStore
from exporter.source.tokens.fetching import fetch_keys
from exporter.source.tokens.issuer import Issuer, Trust
from exporter.source.tokens.judging import TokenJudge
from exporter.source.tokens.static import StaticTokens
from exporter.source.xdm.identities import IdentityRules
from exporter.state.kinds import State, open_state
from exporter.tasks.background import in_background
from exporter.tasks.ending import Ending
from exporter.telemetry.logs import Log
from exporter.telemetry.status import Health
from exporter.transport.tls.contexts import TlsContexts

#: The intake's one group: whoever reads it applies the records.
GROUP = "exporter.source"


@dataclass(frozen=True, slots=True)
class Opened:
    """What the process works with, once all of it is open."""

    state: State
    intake: Queue
    queue: Queue
    store: ProfileStore

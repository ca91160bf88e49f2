"""What each line of the log means, and what to do where something is to be done. A test finds a line that is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: By the heading under which a line stands, then by its event.
MEANINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "The process": {
        "starting": "The process has read its configuration and begins. `compiled` says which build it is.",
        "ops": "The ops port is open, at this address.",
        "no socket": "The local socket cannot be had at its first place; `instead` says where it is, if anywhere. Commands find it there too.",
        "new database": "A file of queue, state, intake or profiles was missing and was made. Where you did not expect that, the configuration names another place than before.",
        "note": "A note of the configuration, as `exporter check` prints it: nothing is wrong, but somebody may want to know.",
        "waiting": "The process cannot go on yet, for `reason`: queue, state, intake or profiles cannot be reached, or another exporter reads with another state. It tries again by itself.",
        "goes on": "What was waited for is back.",
        "ready": "All dataflows read, or, of `exporter serve`, records are taken. `build` says which build runs.",
        "worker ready": "As `ready`, of one worker below a parent (`--workers`).",
        "stopping": "SIGTERM or SIGINT has come. `in_flight` and `at` say what is waited for, `drain_seconds` how long at most.",
        "still stopping": "What is still in flight, every 3 s.",
        "cut": "A second signal has come: what is in flight is not waited for. It is sent again after the next start.",
        "stopped": "The end. `committed` is false where the last commit failed: some deliveries will come twice.",
        "cannot start": "The ops port cannot be opened, or a file is damaged or none of the exporter's. The process ends with 1.",
        "refused": "The process must not run beside another one, or with these files: `detail` says why. It ends with 78.",
        "parent gone": "A worker has lost its parent, and ends.",
        "worker ended": "A worker has ended, and is started again after `restart_seconds`.",
        "worker cannot be started": "The machine has no memory or no process left for a worker. It is tried again.",
        "log lines lost": "So many lines could not be written, because nobody read the log or its disk was full. They stood in the place of this line.",
        "held back": "So many `lines` were as the first one of their kind, `of` which event, and were counted instead; the other fields are those of the last of them ([more](../contract.md#operation)). Each dead letter is kept all the same.",
        "bodies shown": "Somebody watches attempts with their bodies (`exporter tail --bodies`): personal data.",
        "action": "Somebody acted by the ops port or the socket: pause, resume, probe or replay. `by` says by which way, `done` whether it was done.",
    },
    "The configuration": {
        "reloaded": "A new configuration is taken over. Only destinations or sources under `added`, `removed` and `changed` were touched.",
        "reload refused": "The new configuration is not taken over, for `reason`; the old one goes on for all. `exporter_config_valid` is 0 until a later one is. Mend it; SIGHUP, or a change of a file that it names, tries again.",
        "needs a restart": "`keys` have changed and cannot while the process runs; all else is taken over.",
        "reload": "Whether others share the state could not be asked during a reload, since the queue is away. It goes on.",
    },
    "A destination": {
        "attempt": "An attempt has ended: its status, how long it took, and what followed (`outcome`).",
        "paused": "The destination sends nothing from now on, for a [reason](reasons.md#pauses). Its backlog stays in the queue.",
        "resumed": "The reason is over, or the dataflow has ended, which `why` says then. `still_paused` has the reasons that hold on.",
        "probe": "An operator has asked for a probe now.",
        "dead letter": "An event could not be delivered, for a [reason](reasons.md#dead-letters), and is kept. `exporter deadletters show` has the partner's answer.",
        "replay excluded": "A letter was to be replayed, and the configuration excludes its event by now. It goes unsent.",
        "token fetch failed": "The token endpoint gave no token. The destination pauses where it has no other.",
        "odd token": "The token endpoint's answer is not as the standard has it, and is used all the same. Said once.",
        "standby": "Another process reads this destination's group; this one waits for its place.",
        "lane lost": "A part of the queue is read by another process from now on. `planned` is false where that was found out too late to finish what was in flight: it may arrive twice.",
        "commit failed": "What was settled of a lane could not be committed before another process reads it: that much will come twice.",
        "drain ended early": "`drain` was over with so many requests in flight. They are sent again after the start.",
        "last commit failed": "The last commit before the end failed: what was settled since the one before will come twice.",
        "dataflow failed": "A dataflow has ended by a bug or a failure of queue or state, and is opened anew. Where it is a bug, tell us of it, with `trace`.",
    },
    "Queue and state": {
        "queue": "Something about the queue that somebody should know: who may read its files, or that its server may lose events.",
        "state": "As `queue`, of the state.",
        "profiles": "As `queue`, of the profiles' file.",
        "state not shared": "Another exporter reads the same destination with a state of its own: dead letters and their replays stay with whichever made them. Give both one `state` ([more](../state.md#several-exporters)).",
        "queue limit": "The queue takes smaller events than `max_event_bytes` says; its own limit counts.",
    },
    "The way in": {
        "source": "Keys by which tokens are judged could not be fetched. Tokens that were found good stay good; others wait or are refused.",
        "identities": "A record has identities that are worth a look; said once for each flow and kind. `exporter source preview` shows which.",
        "refused elements not kept": "Elements of a batch were refused, and could not be kept for later, since the state is away. Their senders were told.",
        "events lost": "Events can never be told: the queue's limit on their size became smaller after they were made. Raise it, and backfill those profiles.",
        "events left out": "Events were not told again, because the queue has them from before the last end. Nothing is missing.",
        "backfill begun": "Profiles are told again to a destination.",
        "backfill finished": "All of them are told.",
        "clock behind": "The machine's clock is behind the time of the last record. Times never fall, so records get that time until the clock has caught up.",
        "clock caught up": "Records get the clock's time again.",
    },
    "Tracing": {
        "nothing is traced": "The system has no thread left for it. Exports go on.",
        "spans cannot be sent": "The collector does not take spans. Exports go on, spans are dropped; said once until it is back.",
        "spans are sent again": "The collector is back; `lost` spans were not taken.",
        "spans were lost": "At the end so many spans had not been sent.",
        "tracing": "A warning of the libraries that trace; said once for each kind.",
    },
    "Bugs": {
        "task failed": "A part of the process has ended by a bug. It is begun anew, or the process drains and exits with 1. Tell us of it, with `trace`.",
        "thread failed": "As `task failed`, of a thread.",
        "event loop": "Something failed where nobody waited for it.",
        "bug": "A bug that harmed one record or request of the way in; the process goes on.",
        "worker cannot be run": "A bug in what runs a worker. It is tried again.",
        "ended by a bug": "The process has ended by a bug, with exit code 1.",
    },
}

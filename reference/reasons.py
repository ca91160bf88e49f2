"""docs/reference/reasons.md: why a destination pauses, an event is a dead letter, or is left out, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from exporter.outbox.verdict import DeadLetterReason, PauseReason
from exporter.profile.decision import Reason
from reference.markdown import code, table

HEAD: Final = """\
# Reasons, and what to do

Three things can happen to an event beside its delivery: its destination pauses, and it waits; it becomes a dead letter; or it is
excluded. Each has its reason, by the same word in `exporter status`, in the log, in `/status` and in metrics. This page has every reason
that the code knows (`python -m reference reasons`). How an answer leads to a reason is in
[whose fault](../contract.md#whose-fault); why a record of the way in is a bad record, in [the way in](../source.md).
"""

#: What it means, how it ends, what to do.
PAUSES: Final[Mapping[PauseReason, tuple[str, str, str]]] = {
    "operator": (
        "An operator has paused the destination by hand.",
        "By `exporter resume` alone.",
        "`exporter status` says who, when and why. Look at `queue.max_bytes`, or at the broker's retention, if it is for long.",
    ),
    "unreachable": (
        "The endpoint cannot be reached: DNS, connection refused, connect time-out, TLS.",
        "By a probe that gets through, after 1, 2, 4 … 60 s.",
        "`exporter check --connect --destination NAME` tries the way step by step.",
    ),
    "failing": (
        "Too many attempts failed in a way that may pass: 16 of the last 20, or all retries of a third export in a row without a 2xx between.",
        "By a probe that is answered with 2xx, or refused for good.",
        "Ask the partner. The dead letters and the log have the answers.",
    ),
    "retry_after": (
        "The endpoint has said when to come back, with 429 or 503.",
        "By a probe once that time is over, or `retry_after_cap`.",
        "If it happens often, lower `delivery.rate` to what the partner takes.",
    ),
    "credentials": (
        "The endpoint refuses the token, or the token endpoint refuses the client.",
        "By a probe with a token that is accepted; a changed `!file` is read.",
        "Look at the secret and at the partner's side: `exporter check --connect` fetches one token and says what was answered.",
    ),
    "token_endpoint": (
        "No token can be had: the token endpoint fails, cannot be reached, or somebody on the way answers for it.",
        "By a token that can be fetched.",
        "Look at `token_url` and the way to it: [authentication](../authentication.md#the-answer).",
    ),
    "proxy": (
        "The proxy cannot be reached, or refuses (407).",
        "By a probe that gets through.",
        "Look at `proxy` and its credentials.",
    ),
    "rejections": (
        "`delivery.pause_after_rejections` exports in a row were refused for good: probably it is not the events.",
        "By a probe that is answered with 2xx; a refusal does not end it.",
        "Look at a dead letter's answer: mostly the mapping or the endpoint has changed. Mend it, then replay the letters.",
    ),
    "dead_letters_full": (
        "The destination's dead letters have reached `delivery.dead_letters_max_bytes`.",
        "Once there is room.",
        "Replay letters, or `exporter deadletters purge` those that nobody wants; then look for their cause.",
    ),
    "queue": (
        "The queue cannot be reached, read or committed to.",
        "By itself, once it is back.",
        "The log's `detail` says what failed. Nothing is acknowledged meanwhile, so nothing is lost.",
    ),
    "state": (
        "The store of dead letters cannot be reached or written.",
        "By itself, once it is back.",
        "The log's `detail` says what failed: a full disk, permissions, a Redis that is away.",
    ),
    "bug": (
        "Five bugs of the exporter in a row.",
        "By a probe that is no bug.",
        "Tell us, with the log's lines: `SECURITY.md` if it could be used by somebody, an issue otherwise.",
    ),
}

#: What it means, what to do.
LETTERS: Final[Mapping[DeadLetterReason, tuple[str, str]]] = {
    "malformed": (
        "The event cannot be read, or has a wrong type where this destination needs it.",
        "Mend whoever makes the events: the letter names the place and the reason, and `exporter send --check` finds the same "
        "before. A replay of the same bytes fails again.",
    ),
    "rejected": (
        "The partner refused it for good: a 4xx that does not pass, or a 3xx.",
        "Read the answer (`exporter deadletters show ID`), mend the mapping or the partner's side, and replay.",
    ),
    "retries_exhausted": (
        "It failed in a way that may pass, as often as `delivery.retries` allows, while others went through.",
        "Replay it. If it fails alone again, it is the event that the partner's system cannot take.",
    ),
    "bug": (
        "The exporter has failed over it.",
        "Tell us. It can be replayed after an upgrade.",
    ),
}

EXCLUDED: Final[Mapping[Reason, tuple[str, str]]] = {
    "no_trigger": (
        "Nothing changed that this destination maps.",
        "Nothing; map the segment or attribute if it should have been sent.",
    ),
    "switched_off": ("A trigger fired that `activate_on` switches off.", "Nothing, if that is meant."),
    "not_a_member": (
        "A trigger fired, and the profile is in no mapped segment.",
        "`require_membership: false`, where profiles outside of segments are wanted.",
    ),
    "other_destination": ("The event names another destination.", "Nothing."),
    "tombstone": ("The message is empty, as a Kafka record without a value.", "Nothing."),
}


def reasons_page() -> str:
    """The text of the page. Raises KeyError where a reason has no meaning."""
    pauses = [(code(reason), *PAUSES[reason]) for reason in get_args(PauseReason)]
    letters = [(code(reason), *LETTERS[reason]) for reason in get_args(DeadLetterReason)]
    excluded = [(code(reason), *EXCLUDED[reason]) for reason in get_args(Reason)]
    return "".join(
        (
            HEAD,
            "\n## Pauses\n\nA destination that pauses sends nothing but probes, and nothing at all where the reason is `operator`, `queue` or `state`. Its backlog stays in the queue, no retry is used up, and "
            "the other destinations go on. `exporter probe NAME` asks now instead of when the next probe is due.\n\n",
            table(("reason", "means", "ends", "what to do"), pauses),
            "\n## Dead letters\n\nA dead letter is kept until it is replayed or purged, and later changes of its profile go on without it. "
            "`exporter deadletters list` shows them all.\n\n",
            table(("reason", "means", "what to do"), letters),
            "\n## Excluded\n\nAn excluded event is counted and settled; nothing of it is kept. `exporter preview` says of an event in a file "
            "what would become of it, and why.\n\n",
            table(("reason", "means", "what to do"), excluded),
        )
    )

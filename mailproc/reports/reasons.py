"""Reasons as the store has them, sorted: those that name people, numbers and scores are one reason each."""

from __future__ import annotations

import re

OTHER = "other"

# of desk/acknowledge.py and filters/acknowledge.py
_REFUSALS = (
    (r"limit: the ticket has had its automatic answer", "limit_ticket"),
    (r"limit: \d+ automatic answers to senders that nothing authenticated", "limit_unauthenticated"),
    (r"limit: \d+ automatic answers to \S*@", "limit_sender"),
    (r"limit: \d+ automatic answers to ", "limit_domain"),
    (r"circuit breaker: ", "limit_total"),
    (r"answered before", "limit_ticket"),
    (r"acknowledged as ", "twin"),
    (r"imported", "imported"),
    (r"the sender took no part before", "newcomer"),
    (r"a further mail of its ticket", "follow_up"),
    (r"automatic mail: |X-Auto-Response-Suppress|Auto-Submitted|Precedence says", "automatic"),
    (r"\S+ stands in it", "automatic"),
    (r"null reverse-path", "null_sender"),
    (r"no usable address in From|several addresses in From", "no_author"),
    (r"the (?:envelope sender|author) is one of our own addresses", "own_address"),
    (r"the (?:envelope sender|author) \S+ takes no replies", "no_reply_address"),
    (r"(?:maybe )?spam \(score ", "spam"),
    (r"(?:DMARC|SPF) failed", "forged"),
    (r"nothing authenticated the sender|.* differ in domain", "not_authenticated"),
    (r"template: ", "template"),
    (r"no acknowledge stage ran", "no_stage"),
    (r"the mail got no ticket number", "no_number"),
)
_REFUSAL = tuple((re.compile(pattern), name) for pattern, name in _REFUSALS)
REFUSALS = {
    "limit_ticket": "the ticket had one",
    "limit_sender": "limit of the sender",
    "limit_domain": "limit of the domain",
    "limit_unauthenticated": "limit for senders not authenticated",
    "limit_total": "limit in total",
    "automatic": "written by a machine",
    "twin": "acknowledged at another desk",
    "imported": "imported",
    "newcomer": "the sender took no part before",
    "follow_up": "a further mail",
    "null_sender": "null reverse-path",
    "no_author": "no usable From, or several",
    "own_address": "one of our own addresses",
    "no_reply_address": "an address that takes no replies",
    "spam": "spam, or maybe spam",
    "forged": "DMARC or SPF failed",
    "not_authenticated": "nothing authenticated the sender",
    "template": "a template that fails",
    "no_stage": "no acknowledge stage ran",
    "no_number": "no ticket number",
    OTHER: "other",
}

# of desk/obstacle.py and desk/answer.py
_HELD = (
    (re.compile(r"the customer wrote again"), "older"),
    (re.compile(r"\S+ answered it"), "second"),
    (re.compile(r"\S+ works on it"), "owned"),
    (re.compile(r"you wrote the same"), "repeated"),
)
HELD_FOR = {
    "second": "second answers held",
    "owned": "answers to another agent's ticket held",
    "older": "answers held because the customer had written again",
    "repeated": "repeated answers held",
}
INCOMPLETE = "incomplete"


def refusal(detail: str) -> str:
    """Why a mail was not acknowledged, by the event's detail: a name of ``REFUSALS``."""
    return next((name for pattern, name in _REFUSAL if pattern.match(detail)), OTHER)


def held_for(detail: str) -> str:
    """Why an answer was held: a name of ``HELD_FOR``, or that something in it must be filled in."""
    return next((name for pattern, name in _HELD if pattern.match(detail)), INCOMPLETE)

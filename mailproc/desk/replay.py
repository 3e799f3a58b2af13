"""What a chain says of a mail, in a form that can be compared with what another chain says, or was done then.

A *reading* is a flat mapping from the name of a finding to a text, a list of texts, or None.  Whether a mail
joined a ticket is no finding: that is taken from what happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailproc.model.desk import Desk
from mailproc.model.follow_up import FollowUp, Signals
from mailproc.model.moment import shown_moment
from mailproc.model.snooze import UNTIL_ANSWER
from mailproc.model.ticket import Direction, Message, Outcome
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.verdict import Course, Verdict
from mailproc.store.deliveries import StoredDelivery
from mailproc.store.protocol import Transaction

Reading = Mapping[str, str | list[str] | None]
Change = dict[str, object]

FILED = "filed"  # as a ticket or in one
RULES = "rules"
_OUTCOMES = {
    Outcome.NEW: FILED,
    Outcome.FOLLOW_UP: FILED,
    Outcome.DUPLICATE: FILED,
    Outcome.IGNORED: "ignored",
    Outcome.QUARANTINED: "quarantined",
}


@dataclass(frozen=True, slots=True)
class PastMail:
    """A mail of the store with what became of it; ``reading`` holds what was written down of that."""

    stored: StoredDelivery
    raw: bytes
    joined: FollowUp
    reading: Reading


@dataclass
class Remembered:
    """Which ticket a mail joins (``mailproc.stage.Tickets``): the one that it joined."""

    joined: FollowUp = field(default_factory=lambda: FollowUp(None))

    async def follow_up(self, desk: Desk, signals: Signals) -> FollowUp:
        return self.joined


def past_mail(tx: Transaction, stored: StoredDelivery) -> PastMail | None:
    """The mail of a delivery; None where its bytes are no more."""
    raw = tx.deliveries.raw(stored.sha256)
    if raw is None:
        return None
    message = _message(tx, stored)
    joined = FollowUp(None)
    if stored.state in (Outcome.FOLLOW_UP, Outcome.DUPLICATE) and stored.ticket is not None:
        number = tx.tickets.get(stored.ticket).number
        joined = FollowUp(number, message.joined_by, message.joined_reasons) if message else FollowUp(number)
    return PastMail(stored, raw, joined, _what_was(tx, stored, message))


def _message(tx: Transaction, stored: StoredDelivery) -> Message | None:
    if stored.ticket is None:
        return None
    messages = tx.tickets.messages(stored.ticket)
    return next((m for m in messages if m.sha256 == stored.sha256 and m.direction is Direction.IN), None)


def _what_was(tx: Transaction, stored: StoredDelivery, message: Message | None) -> Reading:
    """What can be told from the store; the ticket's own findings are those of the mail that opened it."""
    reading: dict[str, str | list[str] | None] = {"outcome": _OUTCOMES[stored.state]}
    if message is not None:
        reading["automatic"] = message.automatic
    if stored.ticket is not None and stored.state is Outcome.NEW:
        ticket = tx.tickets.get(stored.ticket)
        reading |= {"language": ticket.language, "topic": ticket.topic}
        events = tx.history.events(stored.ticket)
        routed = next((event.detail for event in events if event.what == "routed"), "")
        reading[RULES] = [name for name in routed.removeprefix("rules: ").split(", ") if name]
    return reading


def reading_of(delivery: Delivery, verdict: Verdict) -> Reading:
    """What a chain made of a mail."""
    plan, until = delivery.acknowledgement, delivery.snoozed_until
    return {
        "outcome": _outcome(delivery, verdict),
        "reason": verdict.reason or None,
        "desk": delivery.desk.name,
        "owner": delivery.owner or None,
        "tags": sorted(delivery.tags),
        "automatic": delivery.automatic.kind.value,
        "spam": delivery.spam.verdict.value,
        "topic": delivery.topic,
        "language": delivery.language,
        "snoozed": None if until is None else _shown(until),
        "forwarded": sorted(map(str, delivery.forward_to)),
        "headers": sorted(f"{name}: {value}" for name, value in delivery.headers.items()),
        "acknowledge": "no" if plan is None or plan.refusal else "yes",
        RULES: list(delivery.fired),
    }


def _shown(until: float) -> str:
    return "until answered" if until == UNTIL_ANSWER else shown_moment(until)


def _outcome(delivery: Delivery, verdict: Verdict) -> str:
    if verdict.course is Course.DEFER:
        return "deferred"
    if verdict.course is Course.QUARANTINE:
        return "quarantined"
    return FILED if verdict.course is not Course.IGNORE and delivery.signals is not None else "ignored"


def differences(was: Reading, would: Reading) -> dict[str, Change]:
    """Of the findings that both have, those that differ."""
    return {
        name: {"was": was[name], "would": would[name]}
        for name in would
        if name in was and was[name] != would[name]
    }

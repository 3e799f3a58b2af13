"""Acknowledge a customer's mail, or answer a reply to a closed ticket, inside the finishing transaction.

At most one acknowledgement and one rejection leave for a ticket, whatever crashes, and no more than the
limits allow to one address, one domain and in total (desk/answer_limits.py).  Each answer that is not
sent leaves the event ``not_acknowledged`` with its reason.

The answer has the null reverse-path (RFC 3834 section 3.3), so that nothing answers it and no bounce of it
comes back.  What the customer wrote stands in it only where ``plan.vouched`` says that the sender is
authenticated.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from email.utils import formatdate

from mailproc.desk.answer_limits import count_answer, limit_reached
from mailproc.mime.compose import compose, mailbox_header
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.line import one_line
from mailproc.model.outbox import NewItem, OutboxKind
from mailproc.model.ticket import Ticket
from mailproc.pipeline.delivery import AcknowledgementPlan, Delivery
from mailproc.pipeline.letters import render_letter
from mailproc.pipeline.template import MailTemplate
from mailproc.store.auto_answers import SentUntilNow
from mailproc.store.protocol import Transaction

MAX_REFERENCES = 20

_WHO = "mailproc"
# A Message-ID that can carry no words for people and breaks no header: RFC 5322's dot-atoms, and bounded.
_PLAIN_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,128}@[A-Za-z0-9.-]{1,100}>")


@dataclass(frozen=True, slots=True)
class CustomerMail:
    """What is answered: facts of the mail that came in.  ``sender`` is the envelope sender."""

    sender: Address | None
    message_id: str
    references: tuple[str, ...]
    subject: str
    name: str  # display name of the customer, "" where there is none

    @classmethod
    def of(cls, delivery: Delivery) -> CustomerMail:
        mail = delivery.mail
        return cls(
            sender=delivery.envelope.mail_from,
            message_id=mail.message_id,
            references=mail.references,
            subject=mail.subject,
            name=mail.customer.name if mail.customer else "",
        )


@dataclass(frozen=True, slots=True)
class TicketIdentity:
    """How the answer proves which ticket it belongs to."""

    number: str
    tag: str  # [T#NUMBER-MAC]
    reply_to: str  # addr-spec, "" where the desk has no such addresses
    message_id: str  # of the answer, with angle brackets
    hostname: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """One kind of automatic answer."""

    kind: OutboxKind
    template: MailTemplate | None
    of_ticket: int  # so many automatic answers a ticket may have had before
    sent: str  # event
    not_sent: str  # event


def enqueue_acknowledgement(
    tx: Transaction,
    desk: Desk,
    ticket: Ticket,
    plan: AcknowledgementPlan | None,
    mail: CustomerMail,
    identity: TicketIdentity,
    *,
    now: float,
    follow_up: bool = False,
) -> str:
    """Put the acknowledgement into the outbox; return "" or the reason why none goes, with its event."""
    answer = _Answer(
        kind=OutboxKind.ACKNOWLEDGEMENT,
        template=plan.template if plan else None,
        of_ticket=0,
        sent="acknowledged",
        not_sent="not_acknowledged",
    )
    if follow_up and plan is not None and not plan.follow_up:
        return _refuse(tx, ticket, answer, "a further mail of its ticket", now)
    return _enqueue(tx, desk, ticket, plan, mail, identity, answer, now)


def enqueue_rejection(
    tx: Transaction,
    desk: Desk,
    ticket: Ticket,
    plan: AcknowledgementPlan | None,
    mail: CustomerMail,
    identity: TicketIdentity,
    *,
    now: float,
) -> str:
    """Tell who replied to a closed ticket that nobody works on it; once per ticket, same limits."""
    answer = _Answer(
        kind=OutboxKind.REJECTION,
        template=plan.rejection if plan else None,
        of_ticket=1,
        sent="rejected",
        not_sent="not_rejected",
    )
    return _enqueue(tx, desk, ticket, plan, mail, identity, answer, now)


def refuse_acknowledgement(tx: Transaction, ticket: Ticket, reason: str, *, now: float) -> str:
    """Leave the event that says why this ticket's mail gets no acknowledgement; return the reason."""
    tx.history.add_event(ticket, "not_acknowledged", _WHO, reason, now)
    return reason


def _enqueue(
    tx: Transaction,
    desk: Desk,
    ticket: Ticket,
    plan: AcknowledgementPlan | None,
    mail: CustomerMail,
    identity: TicketIdentity,
    answer: _Answer,
    now: float,
) -> str:
    if plan is None:
        return _refuse(tx, ticket, answer, "no acknowledge stage ran", now)
    if plan.refusal or mail.sender is None:
        return _refuse(tx, ticket, answer, plan.refusal or "null reverse-path", now)
    sent = tx.auto_answers.until_now(ticket.id, now)
    if limit := _limit_reached(tx, plan, mail.sender, answer, sent, now):
        return _refuse(tx, ticket, answer, limit, now)
    try:
        content = _compose(desk, plan, mail, mail.sender, identity, answer, now)
    except ValueError as error:
        return _refuse(tx, ticket, answer, f"template: {error}", now)
    if not tx.outbox.add(_item(ticket, mail.sender, content, answer, now)):
        return _refuse(tx, ticket, answer, "answered before", now)
    _record(tx, ticket, plan, mail.sender, answer, sent, now)
    return ""


def _refuse(tx: Transaction, ticket: Ticket, answer: _Answer, reason: str, now: float) -> str:
    tx.history.add_event(ticket, answer.not_sent, _WHO, reason, now)
    return reason


def _item(ticket: Ticket, sender: Address, content: bytes, answer: _Answer, now: float) -> NewItem:
    return NewItem(
        key=f"{answer.kind}:{ticket.id}",
        kind=answer.kind,
        desk=ticket.desk,
        mail_from="",
        recipients=(str(sender),),
        content=content,
        created=now,
        ticket=ticket.id,
    )


def _record(
    tx: Transaction,
    ticket: Ticket,
    plan: AcknowledgementPlan,
    sender: Address,
    answer: _Answer,
    sent: SentUntilNow,
    now: float,
) -> None:
    count_answer(tx, plan.limits, ticket, sender, sent, now, vouched=plan.vouched)
    kind = "" if plan.vouched else ", sender not authenticated"
    tx.history.add_event(ticket, answer.sent, _WHO, f"to {sender} in {plan.language}{kind}", now)


def _limit_reached(
    tx: Transaction,
    plan: AcknowledgementPlan,
    sender: Address,
    answer: _Answer,
    sent: SentUntilNow,
    now: float,
) -> str:
    """Which limit forbids one more answer; "" when none does."""
    if sent.to_ticket > answer.of_ticket:
        return "limit: the ticket has had its automatic answer"
    return limit_reached(tx, plan.limits, sender, sent, now, vouched=plan.vouched)


# The mail


def _compose(
    desk: Desk,
    plan: AcknowledgementPlan,
    mail: CustomerMail,
    sender: Address,
    identity: TicketIdentity,
    answer: _Answer,
    now: float,
) -> bytes:
    """The answer as it leaves, CRLF; ValueError when its template is wrong."""
    if answer.template is None:
        raise ValueError(f"there is none for {answer.kind}")
    subject, text = render_letter(answer.template, _variables(desk, plan, mail, identity))
    headers = [
        ("From", mailbox_header(desk.title, desk.address)),
        ("To", mailbox_header("", sender)),
        ("Subject", subject),
        ("Date", _date(int(now))),
        ("Message-ID", identity.message_id),
        *thread_headers(mail, vouched=plan.vouched),
        *([("Reply-To", identity.reply_to)] if identity.reply_to else []),
        ("Auto-Submitted", "auto-replied"),  # RFC 3834 section 3.1.7
        ("X-Auto-Response-Suppress", "All"),  # the same for Exchange
        ("X-Mailproc-Loop", identity.hostname),
    ]
    return compose(headers, text)


def _variables(
    desk: Desk, plan: AcknowledgementPlan, mail: CustomerMail, identity: TicketIdentity
) -> dict[str, str | bool]:
    """What a template may say; the customer's words only where the sender is vouched for.

    And never under our signature: their author could send the signed mail to anybody (RFC 6376 section 8.6).
    """
    repeats = plan.vouched and not desk.signed
    variables: dict[str, str | bool] = {
        "number": identity.number,
        "tag": identity.tag,
        "desk": desk.title,
        "address": str(desk.address),
        "language": plan.language,
        "vouched": repeats,
    }
    if repeats:
        variables |= {"subject": one_line(mail.subject), "name": one_line(mail.name)}
    return variables


@functools.lru_cache(maxsize=4)  # many answers leave within a second
def _date(now: int) -> str:
    return formatdate(now)


def thread_headers(mail: CustomerMail, *, vouched: bool) -> list[tuple[str, str]]:
    """In-Reply-To and References (RFC 5322 section 3.6.4); ids that are not plain are left out.

    Earlier references are the sender's to choose and no client needs them: only a vouched-for sender has
    them repeated.
    """
    if not _PLAIN_ID.fullmatch(mail.message_id):
        return []
    earlier = mail.references[-MAX_REFERENCES:] if vouched else ()
    references = [*filter(_PLAIN_ID.fullmatch, earlier), mail.message_id]
    return [("In-Reply-To", mail.message_id), ("References", " ".join(dict.fromkeys(references)))]

"""File a delivery that went through its chain: everything it causes, in one transaction.

The ticket is looked up here again, whatever the chain's preview said: two mails of one thread that
arrive together become one ticket.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mailproc.desk.absence import KnownAbsences
from mailproc.desk.acknowledge import (
    CustomerMail,
    TicketIdentity,
    enqueue_acknowledgement,
    enqueue_rejection,
    refuse_acknowledgement,
)
from mailproc.desk.bounce import apply_bounce, returned_message
from mailproc.desk.copy_headers import copy_headers
from mailproc.desk.follow_up import find, index, record
from mailproc.desk.joined import accept_thanks, only_thanks, take_up
from mailproc.desk.known import keep_known
from mailproc.desk.number import Numbers
from mailproc.desk.routing import leave_opened, owner_of, send_on
from mailproc.desk.site import Site
from mailproc.desk.vacation import heed_vacation
from mailproc.mime.signals import read_signals
from mailproc.model.desk import Desk
from mailproc.model.follow_up import FollowUp, Signals
from mailproc.model.judgement import SpamVerdict
from mailproc.model.ticket import Direction, Outcome, State, Ticket
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.verdict import Course, Verdict
from mailproc.store.deliveries import StoredDelivery
from mailproc.store.protocol import Transaction
from mailproc.store.tickets import NewMessage, NewTicket

log = logging.getLogger("mailproc.filing")

ALARM_SPAN = 3600.0
ALARM_FAILURES = 20
MAILPROC = "mailproc"  # who did it, in events
ACKNOWLEDGEMENT_SERIAL = 1  # in the Message-ID of the acknowledgement …
REJECTION_SERIAL = 2  # … and of the rejection; agents' answers count on from their message's row


def first_state(delivery: Delivery, owner: str) -> tuple[State, str]:
    """State and owner of a new ticket that this agent is to have; "" is nobody."""
    if delivery.spam.verdict is SpamVerdict.SPAM:
        return State.SPAM, ""
    return (State.CLAIMED, owner) if owner else (State.NEW, "")


@dataclass(frozen=True, slots=True)
class Judged:
    """A delivery that went through its chain."""

    stored: StoredDelivery
    delivery: Delivery
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Case:
    """One delivery being filed, with what filing it needs again and again."""

    tx: Transaction
    stored: StoredDelivery
    delivery: Delivery
    now: float
    numbers: Numbers


@dataclass(frozen=True)
class Filing:
    """Files deliveries of one site; ``file`` is the work of one store transaction."""

    site: Site
    rng: random.Random
    _absences: KnownAbsences = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_absences", KnownAbsences(self.site))

    def file(self, tx: Transaction, batch: Sequence[Judged], now: float) -> list[tuple[Outcome, str]]:
        """Store what the chain decided of each; return what became of the deliveries, and of which tickets.

        What another worker took over meanwhile is left alone: what that one files counts.
        """
        ours = tx.deliveries.still_claimed(judged.stored for judged in batch)
        numbers = Numbers(tx, self.rng, len(batch))
        outcomes = [
            self._file_one(_Case(tx, judged.stored, judged.delivery, now, numbers), judged.verdict)
            if judged.stored.id in ours
            else (judged.stored.state, "")
            for judged in batch
        ]
        numbers.write_down()
        return outcomes

    def _file_one(self, case: _Case, verdict: Verdict) -> tuple[Outcome, str]:
        outcome, ticket = self._file(case, verdict)
        case.tx.deliveries.finish(case.stored.id, outcome, ticket.id if ticket else None, verdict.reason)
        return outcome, ticket.number if ticket else ""

    def _file(self, case: _Case, verdict: Verdict) -> tuple[Outcome, Ticket | None]:
        held_by = case.tx.tickets.ticket_of_mail(case.delivery.desk.name, case.stored.sha256)
        if held_by is not None and held_by == case.stored.ticket:
            return self._release(case, verdict, case.tx.tickets.get(held_by))
        if held_by is not None:
            return Outcome.DUPLICATE, case.tx.tickets.get(held_by)
        if verdict.course is Course.QUARANTINE:
            return Outcome.QUARANTINED, self._quarantine(case, verdict.reason)
        if verdict.course is Course.IGNORE or case.delivery.signals is None:
            self._send_on(case, None)
            return Outcome.IGNORED, None
        return self._number(case, case.delivery.signals)

    def _number(self, case: _Case, signals: Signals) -> tuple[Outcome, Ticket]:
        decision = find(case.tx, self.site.keyring, case.delivery.desk, signals, case.stored.received)
        if decision.mac_failures:
            _raise_alarm(case, signals)
        if decision.ticket is None:
            return Outcome.NEW, self._open(case, signals, decision)
        ticket = case.tx.tickets.by_number(decision.ticket)
        assert ticket is not None  # found in this very transaction
        if _is_second_copy(case, ticket):
            self._add_message(case, signals, decision, ticket)  # to be seen, and nothing else happens
            detail = f"the same mail again, for {case.stored.rcpt_to}"
            case.tx.history.add_event(ticket, "duplicate", MAILPROC, detail, case.now)
            return Outcome.DUPLICATE, ticket
        self._join(case, signals, decision, ticket)
        return Outcome.FOLLOW_UP, ticket

    def _open(self, case: _Case, signals: Signals, decision: FollowUp) -> Ticket:
        owner, why = owner_of(case.tx, case.delivery, signals.customer or signals.sender)
        ticket = self._open_ticket(case, signals, *first_state(case.delivery, owner))
        self._keep(case, signals, decision, ticket)
        leave_opened(case.tx, case.delivery, case.stored, ticket, why, case.now)
        self._send_on(case, ticket)
        twin = self._link_twin(case, signals, ticket)
        _link(case, ticket, decision)
        self._apply_bounce(case, ticket)
        if case.delivery.automatic.is_automatic:
            heed_vacation(case.tx, self.site, case.delivery, ticket, is_new=True, now=case.now)
        if case.stored.is_history:
            refuse_acknowledgement(case.tx, ticket, "imported", now=case.now)
        elif twin is not None:
            refuse_acknowledgement(case.tx, ticket, f"acknowledged as {twin.number}", now=case.now)
        else:
            self._acknowledge(case, ticket)
        return ticket

    def _join(self, case: _Case, signals: Signals, decision: FollowUp, ticket: Ticket) -> None:
        message = self._keep(case, signals, decision, ticket)
        if decision.newcomer:
            case.tx.history.add_event(ticket, "newcomer", signals.sender, "took no part before", case.now)
        thanks = self._act_on(case, signals, decision, ticket, message)
        for number in decision.also:
            if other := case.tx.tickets.by_number(number):
                self._join_also(case, signals, other)
        _link(case, ticket, decision)
        self._apply_bounce(case, ticket)
        self._send_on(case, ticket)
        if case.stored.is_history:
            return
        if decision.newcomer:
            refuse_acknowledgement(case.tx, ticket, "the sender took no part before", now=case.now)
        elif thanks:
            refuse_acknowledgement(case.tx, ticket, "it only says thanks", now=case.now)
        elif decision.reject:
            self._reject(case, ticket)
        else:
            self._acknowledge(case, ticket, follow_up=True)

    def _act_on(
        self, case: _Case, signals: Signals, decision: FollowUp, ticket: Ticket, message: int
    ) -> bool:
        """What the mail does to its ticket's state; True where it only says thanks, which is nothing.

        Automatic mail never reopens, reassigns or moves a clock; nor does what the desk rejects.
        """
        tx, who, now = case.tx, signals.sender, case.now
        detail = "; ".join(decision.reasons)
        if case.delivery.automatic.is_automatic:
            tx.history.add_event(ticket, "follow_up", who, detail, now)
            heed_vacation(tx, self.site, case.delivery, ticket, is_new=False, now=now)
        elif only_thanks(case.delivery, ticket):
            accept_thanks(tx, case.delivery, ticket, who=who, detail=detail, now=now)
            return True
        elif decision.reject:
            tx.history.add_event(ticket, "follow_up", who, detail, now)
        else:
            desk = self._desk_of(case, ticket)
            take_up(tx, self._absences, desk, ticket, message, who=who, detail=detail, now=now)
        return False

    def _join_also(self, case: _Case, signals: Signals, ticket: Ticket) -> None:
        decision = FollowUp(ticket.number, by="number", reasons=("named in the same mail",))
        self._add_message(case, signals, decision, ticket)
        index(case.tx, self.site, case.delivery.desk, ticket, signals, decision)
        case.tx.history.add_event(ticket, "follow_up", signals.sender, decision.reasons[0], case.now)

    def _quarantine(self, case: _Case, reason: str) -> Ticket:
        signals = self._signals(case)
        ticket = self._open_ticket(case, signals, State.PROBLEM, "")
        self._keep(case, signals, FollowUp(None), ticket)
        case.tx.history.add_event(ticket, "quarantined", MAILPROC, reason, case.now)
        return ticket

    def _release(self, case: _Case, verdict: Verdict, ticket: Ticket) -> tuple[Outcome, Ticket]:
        """A quarantined delivery went through its chain again: its problem ticket becomes a usual one."""
        if verdict.course is Course.QUARANTINE:
            case.tx.history.add_event(ticket, "quarantined", MAILPROC, verdict.reason, case.now)
            return Outcome.QUARANTINED, ticket
        agent, why = owner_of(case.tx, case.delivery, ticket.customer)
        state, owner = first_state(case.delivery, agent)
        case.tx.tickets.set_state(ticket, state, owner, case.now)
        case.tx.tickets.describe(
            ticket.id,
            topic=case.delivery.topic,
            language=case.delivery.language,
            spam=case.delivery.spam.score,
        )
        case.tx.history.add_tags(ticket, case.delivery.tags)
        case.tx.history.add_event(ticket, "released", MAILPROC, "out of quarantine", case.now, state)
        ticket = replace(ticket, state=state, owner=owner)
        leave_opened(case.tx, case.delivery, case.stored, ticket, why, case.now)
        self._send_on(case, ticket)
        self._acknowledge(case, ticket)
        return Outcome.NEW, ticket

    def _signals(self, case: _Case) -> Signals:
        delivery = case.delivery
        return delivery.signals or read_signals(
            delivery.mail,
            delivery.envelope,
            delivery.desk,
            authentication=delivery.authentication,
            automatic=delivery.automatic.kind,
            received=delivery.received,
            bounce=delivery.bounce,
        )

    def _open_ticket(self, case: _Case, signals: Signals, state: State, owner: str) -> Ticket:
        delivery = case.delivery
        ticket = case.tx.tickets.open(
            NewTicket(
                number=case.numbers.give(delivery.desk, case.stored.received),
                desk=delivery.desk.name,
                subject=delivery.mail.subject,
                subject_key=signals.subject_key,
                state=state,
                owner=owner,
                customer=signals.customer or signals.sender,
                opened=case.stored.received,
                topic=delivery.topic,
                language=delivery.language,
                spam=delivery.spam.score,
            )
        )
        case.tx.history.add_event(ticket, "opened", signals.sender, delivery.mail.subject, case.now, state)
        return ticket

    def _keep(self, case: _Case, signals: Signals, decision: FollowUp, ticket: Ticket) -> int:
        """Add the mail to the ticket, index its thread, and write down what the stages said."""
        message = self._add_message(case, signals, decision, ticket)
        record(case.tx, self.site, case.delivery.desk, ticket, signals, decision)
        case.tx.history.add_tags(ticket, case.delivery.tags)
        case.tx.folders.keep_headers(message, copy_headers(case.delivery, self.site.hostname))
        for result in case.delivery.results:
            for name, text in result.notes.items():
                case.tx.history.add_event(ticket, "noted", result.stage, f"{name}: {text}", case.now)
            if result.known:
                keep_known(case.tx, ticket, result, case.now)
            if result.postponed:
                case.tx.postponed.put(message, result.stage, ticket.desk, result.postponed, case.now)
        return message

    def _add_message(self, case: _Case, signals: Signals, decision: FollowUp, ticket: Ticket) -> int:
        mail = case.delivery.mail
        recipients = tuple(dict.fromkeys(box.address.key for box in (*mail.to, *mail.cc)))
        return case.tx.tickets.add_message(
            ticket,
            NewMessage(
                delivery=case.stored.id,
                sha256=case.stored.sha256,
                direction=Direction.IN,
                sender=signals.sender,
                recipients=recipients or (case.stored.rcpt_to.lower(),),
                subject=mail.subject,
                date=mail.date,
                message_id=signals.message_id,
                size=len(mail.raw),
                automatic=case.delivery.automatic.kind.value,
                at=case.stored.received,
                joined_by=decision.by,
                joined_reasons=decision.reasons,
            ),
        )

    def _link_twin(self, case: _Case, signals: Signals, ticket: Ticket) -> Ticket | None:
        """One mail to two desks opens two tickets, each linked with the other."""
        if len(self.site.desks) == 1:
            return None
        twin = case.tx.tickets.twin(ticket.desk, case.stored.sha256, signals.message_id, ticket.customer)
        if twin is not None:
            case.tx.history.link(ticket, twin, f"the same mail came to desk {twin.desk}")
        return twin

    def _apply_bounce(self, case: _Case, ticket: Ticket) -> None:
        if case.delivery.bounce is not None:
            desk = case.delivery.desk
            returned = returned_message(self.site.keyring, desk, case.delivery.envelope.rcpt_to)
            apply_bounce(case.tx, desk, case.delivery.bounce, ticket.id, case.now, returned=returned)

    def _acknowledge(self, case: _Case, ticket: Ticket, *, follow_up: bool = False) -> None:
        enqueue_acknowledgement(
            case.tx,
            self._desk_of(case, ticket),
            ticket,
            case.delivery.acknowledgement,
            CustomerMail.of(case.delivery),
            self._identity(case, ticket, ACKNOWLEDGEMENT_SERIAL),
            now=case.now,
            follow_up=follow_up,
        )

    def _reject(self, case: _Case, ticket: Ticket) -> None:
        enqueue_rejection(
            case.tx,
            self._desk_of(case, ticket),
            ticket,
            case.delivery.acknowledgement,
            CustomerMail.of(case.delivery),
            self._identity(case, ticket, REJECTION_SERIAL),
            now=case.now,
        )

    def _send_on(self, case: _Case, ticket: Ticket | None) -> None:
        send_on(case.tx, self.site, case.delivery, case.stored, ticket, case.now)

    def _desk_of(self, case: _Case, ticket: Ticket) -> Desk:
        """Where the ticket is, which the mail's own desk may have handed over."""
        return self.site.desks.get(ticket.desk, case.delivery.desk)

    def _identity(self, case: _Case, ticket: Ticket, serial: int) -> TicketIdentity:
        keyring = self.site.keyring
        reply_to = keyring.reply_address(self._desk_of(case, ticket), ticket.number)
        return TicketIdentity(
            number=ticket.number,
            tag=keyring.tag(ticket.number),
            reply_to=str(reply_to or ""),
            message_id=keyring.message_id(ticket.number, serial, self.site.hostname),
            hostname=self.site.hostname,
        )


def _raise_alarm(case: _Case, signals: Signals) -> None:
    """A MAC that is not ours is a guess, or an old key: one is worth a line, many are worth a look."""
    log.warning("desk=%s sender=%s mac=failed", case.stored.desk, signals.sender or "<>")
    failures = sum(count for _, _, count in case.tx.threads.mac_failures(case.now - ALARM_SPAN))
    if failures >= ALARM_FAILURES:
        log.error("mac_failures=%d within an hour: somebody guesses ticket numbers", failures)


def _link(case: _Case, ticket: Ticket, decision: FollowUp) -> None:
    for number, why in decision.links:
        other = case.tx.tickets.by_number(number)
        if other is not None and other.id != ticket.id:
            case.tx.history.link(ticket, other, why)


def _is_second_copy(case: _Case, ticket: Ticket) -> bool:
    """The same Message-ID from the same author with the same body: a list's copy beside the direct one."""
    mail = case.delivery.mail
    if not mail.message_id or mail.author is None:
        return False
    earlier = case.tx.tickets.message_by_id(ticket.desk, mail.message_id)
    if earlier is None or earlier.ticket != ticket.id or earlier.sender != mail.author.address.key:
        return False
    raw = case.tx.deliveries.raw(earlier.sha256)
    return raw is not None and _body(raw) == _body(mail.raw)


def _body(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2].strip()

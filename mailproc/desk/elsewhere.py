"""Agents' mail that answers no ticket: a customer's mail handed on, a new mail of the desk, a private one."""

from __future__ import annotations

import hashlib

from mailproc.desk.addressing import Addressing
from mailproc.desk.answer import WINDOW
from mailproc.desk.context import Context
from mailproc.desk.errand import record
from mailproc.desk.handed import Handed
from mailproc.desk.note import Note, store_note
from mailproc.desk.site import Site
from mailproc.mime.forward import Forwarded, Resender, read_forwarded
from mailproc.mime.surgery import remove
from mailproc.model.address import Mailbox
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.follow_up import Role
from mailproc.model.outbox import NewItem, OutboxKind
from mailproc.model.reply import ACCEPTED, MailError, Reply
from mailproc.model.subject import normalise
from mailproc.model.ticket import State, Ticket
from mailproc.store.deliveries import NewDelivery
from mailproc.store.protocol import Transaction
from mailproc.store.submissions import Submitted
from mailproc.store.tickets import NewTicket

NO_AUTHOR = Reply(550, "5.6.0", "The forward does not say who wrote the mail: forward it as an attachment")
DESK_ALONE = Reply(550, "5.7.1", "Forward a customer's mail to the desk alone")
WHICH_DESK = Reply(550, "5.7.1", "For a new mail to a customer write from a desk's address")


# A customer's mail that an agent got


def forwarded(site: Site, handed: Handed, desk: Desk) -> Forwarded:
    """The mail that an agent forwards to a desk, as its customer's; MailError where nobody can tell whose."""
    person = handed.agent
    resender = Resender(Mailbox(person.title, person.address), desk.address, handed.now)
    found = read_forwarded(handed.mail, resender)
    if found is None or found.author.address in person.addresses or site.desk_of(found.author.address):
        raise MailError(NO_AUTHOR)
    return found


def take_in_forwarded(tx: Transaction, handed: Handed, desk: Desk, mail: Forwarded) -> Reply:
    """Let it go through the desk's chain like mail of its author, but never be acknowledged."""
    submission = handed.as_submission(desk.name, handed.mail.text)
    if tx.submissions.find(submission.key, handed.now - WINDOW):
        return ACCEPTED
    sha256 = hashlib.sha256(mail.raw).digest()
    tx.deliveries.keep_raw(sha256, mail.raw)
    tx.deliveries.accept(
        NewDelivery(
            key=Envelope(mail.author.address, desk.address).delivery_key(sha256),
            desk=desk.name,
            mail_from=str(mail.author.address),
            rcpt_to=str(desk.address),
            sha256=sha256,
            received=handed.now,
            is_history=True,
        )
    )
    record(tx, submission, Submitted(None, None))
    return ACCEPTED


# A new mail of the desk


def desk_to_open_at(site: Site, handed: Handed) -> Desk:
    """Whose mail a new one is: that of the desk whose address it is from, or of the agent's only desk."""
    author = handed.mail.author
    desk = site.desk_of(author.address) if author else None
    own = site.desks_of(handed.agent.name)
    if desk is None and len(own) > 1:
        raise MailError(WHICH_DESK)
    return desk or own[0]


def context_of_new(handed: Handed, desk: Desk, number: str, customer: Mailbox) -> Context:
    """The ticket that an agent's mail opens, as it will be."""
    ticket = Ticket(
        id=0,
        number=number,
        desk=desk.name,
        subject=handed.mail.subject,
        subject_key=normalise(handed.mail.subject).key,
        state=State.CLAIMED,
        owner=handed.agent.name,
        customer=customer.address.key,
        opened=handed.now,
        updated=handed.now,
        closed=None,
        topic="",
        language=handed.mail.language or desk.language,
        spam=0.0,
        merged_into=None,
    )
    return Context(ticket, desk, frozenset(), None, None)


def open_ticket(tx: Transaction, handed: Handed, planned: Ticket) -> Ticket:
    """Open it, claimed by its agent."""
    ticket = tx.tickets.open(
        NewTicket(
            number=planned.number,
            desk=planned.desk,
            subject=planned.subject,
            subject_key=planned.subject_key,
            state=planned.state,
            owner=planned.owner,
            customer=planned.customer,
            opened=planned.opened,
            topic=planned.topic,
            language=planned.language,
            spam=planned.spam,
        )
    )
    people = [(planned.customer, Role.CUSTOMER)]
    tx.threads.add_participants(planned.desk, ticket.id, people, at=handed.now)
    tx.history.add_event(ticket, "opened", handed.agent.name, planned.subject, handed.now, planned.state)
    return ticket


# A mail that is no desk's


def pass_through(tx: Transaction, handed: Handed, addressing: Addressing) -> Reply:
    """Hand a private mail on as it is."""
    desk = handed.desk
    submission = handed.as_submission(desk.name, handed.mail.text)
    if tx.submissions.find(submission.key, handed.now - WINDOW):
        return ACCEPTED
    tx.outbox.add(
        NewItem(
            key=f"passed:{submission.key.hex()}:{handed.now}",
            kind=OutboxKind.PASSED,
            desk=desk.name,
            mail_from=str(handed.mail_from or handed.agent.address),
            recipients=tuple(str(each.address) for each in addressing.all),
            content=remove(handed.raw, "Bcc"),
            created=handed.now,
        )
    )
    record(tx, submission, Submitted(None, None))
    return ACCEPTED


# A mail that nobody wrote


def keep_unattended(tx: Transaction, handed: Handed, context: Context, why: str) -> Reply:
    """An agent's absence notice or receipt: kept where the team can see it, and sent to nobody."""
    submission = handed.as_submission(context.desk.name, handed.mail.text)
    if tx.submissions.find(submission.key, handed.now - WINDOW):
        return ACCEPTED
    message = None
    if why != "report":
        note = Note(handed.mail.subject, handed.written, automatic="auto_reply")
        message = store_note(tx, context.ticket, handed.raw, note, who=handed.agent.name, now=handed.now)
    detail = f"an automatic mail ({why}) was not sent"
    tx.history.add_event(context.ticket, "automatic_kept", handed.agent.name, detail, handed.now)
    record(tx, submission, Submitted(context.ticket.id, message))
    return ACCEPTED

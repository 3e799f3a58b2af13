"""What an agent's mail about a ticket brings: commands, an answer, or both, in one transaction.

CommandRefused, MailError and TicketChanged end the transaction, so that nothing of the mail is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailproc.desk.answer import WINDOW, Answer, Filed, file_answer
from mailproc.desk.change import follow_merges
from mailproc.desk.command import FIRST, Order, Transcript, run_first, run_last, transcript_text
from mailproc.desk.handed import Handed
from mailproc.desk.notice import Notice, give_notice
from mailproc.desk.site import Site
from mailproc.model.reply import ACCEPTED, MailError, Reply
from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.submissions import NewSubmission, Submitted
from mailproc.store.tickets import TicketChanged


@dataclass(frozen=True, slots=True)
class Errand:
    """One mail about a ticket; ``answer`` is None where nothing is to be sent."""

    handed: Handed
    ticket: Callable[[Transaction], Ticket]  # finds it, or opens it
    order: Order
    submission: NewSubmission
    answer: Answer | None
    refuse_second: bool


def run_errand(tx: Transaction, errand: Errand) -> Reply:
    """Do it, or nothing of it; the reply to the mail."""
    order, now = errand.order, errand.handed.now
    transcript = Transcript()
    if tx.submissions.find(errand.submission.key, now - WINDOW):
        return ACCEPTED  # it came before, and its client did not see our reply
    ticket = follow_merges(tx, errand.ticket(tx))
    if ticket.desk != order.desk.name:
        raise TicketChanged(ticket.number)
    ticket = run_first(tx, order, ticket, transcript, now)
    filed = _file(tx, errand, ticket)
    if not filed.reply.is_success:
        if transcript.lines:
            raise MailError(filed.reply)  # and its first commands are undone
        return filed.reply
    if filed.against is None:
        ticket = run_last(tx, order, tx.tickets.get(ticket.id), transcript, now)
    else:
        _leave_out(order, transcript)
    record(tx, errand.submission, Submitted(ticket.id, filed.message))
    if transcript.lines:
        is_sent = filed.message is not None and filed.against is None
        text = transcript_text(ticket, transcript, sent=is_sent)
        _give(tx, order.site, errand, ticket, Notice(_key(errand), _subject(ticket), text))
    return filed.reply


def report_refusal(
    tx: Transaction, errand: Errand, transcript: Transcript, problems: tuple[str, ...]
) -> Reply:
    """Tell the agent why nothing was done; the mail goes back with it, and was sent to nobody."""
    now = errand.handed.now
    if tx.submissions.find(errand.submission.key, now - WINDOW):
        return ACCEPTED
    ticket = errand.ticket(tx)
    record(tx, errand.submission, Submitted(ticket.id, None))
    text = transcript_text(ticket, transcript, sent=False, problems=problems)
    notice = Notice(_key(errand), _subject(ticket), text, attached=errand.handed.raw)
    _give(tx, errand.order.site, errand, ticket, notice)
    return ACCEPTED


def record(tx: Transaction, submission: NewSubmission, became: Submitted) -> None:
    """Remember a submission; TicketChanged where another transaction has just done the same."""
    if not tx.submissions.add(submission, became, submission.at - WINDOW):
        raise TicketChanged(submission.message_id)


def _file(tx: Transaction, errand: Errand, ticket: Ticket) -> Filed:
    if errand.answer is None:
        return Filed(ACCEPTED)
    site, now = errand.order.site, errand.handed.now
    return file_answer(tx, site, ticket, errand.answer, refuse_second=errand.refuse_second, now=now)


def _leave_out(order: Order, transcript: Transcript) -> None:
    """What was to follow the answer does not, where the answer is held."""
    for command in order.commands.lines:
        if command.verb not in FIRST:
            transcript.add(command, "not done, because your answer is held")


def _give(tx: Transaction, site: Site, errand: Errand, ticket: Ticket, notice: Notice) -> None:
    desk = site.desks.get(ticket.desk)
    give_notice(tx, site, errand.order.agent, desk, notice, errand.handed.now, ticket=ticket)


def _key(errand: Errand) -> str:
    return f"transcript:{errand.submission.key.hex()}"


def _subject(ticket: Ticket) -> str:
    return f"Commands for ticket {ticket.number}"

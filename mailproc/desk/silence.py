"""Close answered tickets whose customers are silent, after telling them once.

A ticket that waits for its customer for ``close_after`` is closed; ``close_warning`` before that the customer
gets one mail, which a reply answers: then the ticket is open again and nothing is due.  However late the
clock looks, there are always ``close_warning`` between that mail and the closing.  Where the mail must not or
cannot go (RFC 3834), the ticket is closed all the same; its event says why the customer was not told.

Each step is part of the transaction that writes it down in the ticket's row, so that none is taken twice.  A
few tickets are looked at at once; while the circuit breaker of automatic answers is open, none is warned.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from email.utils import formatdate

from mailproc.desk.acknowledge import CustomerMail, thread_headers
from mailproc.desk.answer_limits import breaker_open, count_answer, limit_reached
from mailproc.desk.change import change_state
from mailproc.desk.site import Site
from mailproc.mime.answerable import wants_no_answer
from mailproc.mime.compose import compose, mailbox_header
from mailproc.mime.reader import Mail, read
from mailproc.model.address import Address
from mailproc.model.auto_answer import takes_no_replies
from mailproc.model.desk import Desk
from mailproc.model.happening import THANKED
from mailproc.model.line import one_line
from mailproc.model.outbox import NewItem, OutboxKind, OutboxState
from mailproc.model.ticket import Direction, Move, State, Ticket
from mailproc.pipeline.closing import NAME, read_closing
from mailproc.pipeline.letters import Letters, render_letter
from mailproc.pipeline.template import MailTemplate
from mailproc.store.protocol import Transaction

WHO = "mailproc"
SKEW = 3600.0  # seconds that the clocks of several machines may differ
MOST_AT_ONCE = 50  # tickets of a desk at one look at the clock
_DAY = 86_400.0
_NO_TICKET = -1  # none has this row
_TOLD = ("warned", "not_warned", THANKED)  # events


@dataclass(frozen=True, slots=True)
class _Silent:
    """A ticket whose customer is to be warned."""

    ticket: Ticket
    desk: Desk
    answered: float
    mail: Mail | None  # the last one that a person wrote

    @property
    def key(self) -> str:
        return warning_key(self.ticket, self.answered)


def warning_key(ticket: Ticket, answered: float) -> str:
    """One warning for each silence."""
    return f"{OutboxKind.WARNING}:{ticket.id}:{answered}"


def is_silence_due(tx: Transaction, site: Site, now: float) -> bool:
    """Is any customer to be told, or any ticket to be closed?"""
    return any(_is_due(tx, desk, now) for desk in site.desks.values() if desk.close_after)


def act_on_silence(tx: Transaction, site: Site, now: float) -> int:
    """Warn and close what is due; how much that was."""
    return sum(_act(tx, site, desk, now) for desk in site.desks.values() if desk.close_after)


def _is_due(tx: Transaction, desk: Desk, now: float) -> bool:
    return bool(
        tx.waiting.from_the_future(desk.name, now + SKEW, 1)
        or tx.waiting.to_warn(desk.name, now - _until_warning(desk), 1)
        or tx.waiting.to_close(desk.name, now - desk.close_after, now - desk.close_warning, 1)
    )


def _until_warning(desk: Desk) -> float:
    return desk.close_after - desk.close_warning


def _act(tx: Transaction, site: Site, desk: Desk, now: float) -> int:
    for row in tx.waiting.from_the_future(desk.name, now + SKEW, MOST_AT_ONCE):
        tx.waiting.bring_back(row, now)
    warned = _warn_due(tx, site, desk, now)
    silent = tx.waiting.to_close(desk.name, now - desk.close_after, now - desk.close_warning, MOST_AT_ONCE)
    for row in silent:
        if not _is_early(tx, row, desk.close_after, desk.close_warning, now):
            _close(tx, desk, tx.tickets.get(row), now)
    return warned + len(silent)


def _is_early(tx: Transaction, row: int, after: float, since_told: float, now: float) -> bool:
    """A clock that was behind for a while has dated a ticket back: its events know better.

    True where nothing is due by these: not so long ``after`` the answer, or ``since_told``.
    """
    answered = told = None
    for event in tx.history.events(row):
        if event.state is not None:
            answered, told = (event.at if event.state is State.ANSWERED else None), None
        elif event.what in _TOLD:
            told = event.at
    is_early = _is_within(answered, after, now) or _is_within(told, since_told, now)
    if is_early:
        tx.waiting.date(row, answered, told)
    return is_early


def _is_within(moment: float | None, seconds: float, now: float) -> bool:
    return moment is not None and now - seconds < moment <= now


# The warning


def _warn_due(tx: Transaction, site: Site, desk: Desk, now: float) -> int:
    due = tx.waiting.to_warn(desk.name, now - _until_warning(desk), MOST_AT_ONCE)
    for done, row in enumerate(due):
        if _is_early(tx, row, _until_warning(desk), math.inf, now):
            continue
        if not desk.close_warning:
            tx.waiting.set_warned(row, now)
        elif not _warn(tx, site, _look(tx, desk, row), now):
            return done
    return len(due)


def _look(tx: Transaction, desk: Desk, row: int) -> _Silent:
    ticket = tx.tickets.get(row)
    received = [
        each
        for each in tx.tickets.messages(row)
        if each.direction is Direction.IN and each.automatic == "none"
    ]
    raw = tx.deliveries.raw(received[-1].sha256) if received else None
    answered = tx.waiting.answered_at(row)
    return _Silent(ticket, desk, answered or 0.0, read(raw) if raw is not None else None)


def _warn(tx: Transaction, site: Site, silent: _Silent, now: float) -> bool:
    """Tell the customer, or write down why not; False where that can wait until the breaker is closed."""
    ticket, limits = silent.ticket, site.automatic.limits
    sent = tx.auto_answers.until_now(_NO_TICKET, now)
    if breaker_open(tx, limits, sent, now):
        return False
    recipient = Address.parse_or_none(ticket.customer)
    why_not = _refusal(site, silent, recipient)
    if recipient is not None and not why_not:
        why_not = limit_reached(tx, limits, recipient, sent, now, vouched=True)
    if recipient is not None and not why_not:
        why_not = _enqueue(tx, site, silent, recipient, now)
    if recipient is None or why_not:
        tx.history.add_event(ticket, "not_warned", WHO, why_not, now)
    else:
        # An agent wrote to this address before, so that it counts as vouched for.
        count_answer(tx, limits, ticket, recipient, sent, now, vouched=True, of_ticket=False)
    tx.waiting.set_warned(ticket.id, now)
    return True


def _refusal(site: Site, silent: _Silent, recipient: Address | None) -> str:
    """Why this customer gets no automatic mail; "" where one may go."""
    if recipient is None:
        return "the ticket has no customer with an address"
    if silent.mail is None:
        return "no person wrote"
    ours = site.own_addresses | site.agent_addresses
    if recipient.key in ours or site.desk_of(recipient) is not None:
        return "the customer is one of our own addresses"
    if takes_no_replies(recipient, site.automatic.no_reply):
        return f"{recipient} takes no replies"
    return wants_no_answer(silent.mail)


def _enqueue(tx: Transaction, site: Site, silent: _Silent, recipient: Address, now: float) -> str:
    """Put the mail into the outbox; "" or why it cannot be written."""
    ticket, desk = silent.ticket, silent.desk
    language, template = _template(site, silent)
    try:
        content = _compose(site, silent, recipient, language, template, now)
    except ValueError as error:
        return f"template: {error}"
    item = NewItem(
        key=silent.key,
        kind=OutboxKind.WARNING,
        desk=desk.name,
        mail_from="",
        recipients=(str(recipient),),
        content=content,
        created=now,
        ticket=ticket.id,
    )
    if tx.outbox.add(item):
        day = desk.calendar.date_of(now + desk.close_warning)
        detail = f"to {recipient} in {language}: it is closed on {day}"
        tx.history.add_event(ticket, "warned", WHO, detail, now)
    return ""


def _template(site: Site, silent: _Silent) -> tuple[str, MailTemplate | None]:
    language = silent.ticket.language or silent.desk.language
    return _letters(site.automatic.templates).best(NAME, silent.desk, language)


@functools.lru_cache(maxsize=4)
def _letters(folders: tuple[str, ...]) -> Letters:
    """Read once; a reload is another process."""
    return read_closing(folders)


def _compose(
    site: Site,
    silent: _Silent,
    recipient: Address,
    language: str,
    template: MailTemplate | None,
    now: float,
) -> bytes:
    if template is None:
        raise ValueError("there is none")
    ticket, desk = silent.ticket, silent.desk
    subject, text = render_letter(template, _variables(site, silent, language, now))
    reply_to = site.keyring.reply_address(desk, ticket.number)
    serial = int(silent.answered * 1000)  # larger than any message's row
    headers = [
        ("From", mailbox_header(desk.title, desk.address)),
        ("To", mailbox_header("", recipient)),
        ("Subject", subject),
        ("Date", formatdate(now)),
        ("Message-ID", site.keyring.message_id(ticket.number, serial, site.hostname)),
        *(_thread(silent.mail, recipient) if silent.mail else []),
        *([("Reply-To", str(reply_to))] if reply_to else []),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834 section 5
        ("X-Auto-Response-Suppress", "All"),  # the same for Exchange
        ("X-Mailproc-Loop", site.hostname),
    ]
    return compose(headers, text)


def _thread(mail: Mail, recipient: Address) -> list[tuple[str, str]]:
    answered = CustomerMail(recipient, mail.message_id, mail.references, "", "")
    return thread_headers(answered, vouched=True)


def _variables(site: Site, silent: _Silent, language: str, now: float) -> dict[str, str | bool]:
    """The subject is the customer's, whom an agent has answered under it."""
    ticket, desk = silent.ticket, silent.desk
    return {
        "number": ticket.number,
        "tag": site.keyring.tag(ticket.number),
        "desk": desk.title,
        "address": str(desk.address),
        "language": language,
        "subject": one_line(ticket.subject),
        "day": desk.calendar.date_of(now + desk.close_warning).isoformat(),
    }


# The end


def _close(tx: Transaction, desk: Desk, ticket: Ticket, now: float) -> None:
    days = f"{desk.close_after / _DAY:g} days"
    untold = _why_untold(tx, ticket)
    detail = f"the customer was silent for {days}" + (f"; not told: {untold}" if untold else "")
    change_state(tx, ticket, Move.CLOSE, who=WHO, now=now, detail=detail)


def _why_untold(tx: Transaction, ticket: Ticket) -> str:
    """Why the customer does not know of the closing; "" where the warning left, or none was wanted."""
    answered = tx.waiting.answered_at(ticket.id) or 0.0
    events = (event for event in tx.history.events(ticket.id) if event.at >= answered)
    told = [event for event in events if event.what in _TOLD]
    if not told or told[-1].what == THANKED:
        return "only thanks came" if told else ""
    if told[-1].what == "not_warned":
        return told[-1].detail
    item = tx.outbox.with_key(warning_key(ticket, answered))
    warning = tx.outbox.get(item) if item is not None else None
    if warning is None or warning.state is not OutboxState.FAILED:
        return ""
    return f"the mail could not be delivered: {warning.recipients[0].reply}"

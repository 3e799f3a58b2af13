"""What an agent's mail client hands in: who may send as whom, to whom, and what becomes of the mail.

The agent is who authenticated to the listener, never who stands in a From header.  ``accept`` answers for
the mail as a whole with one reply: 250 means that the decision and everything that it causes are on disk,
550 that nothing was kept and nothing leaves, with one line that the agent's client can show.  Whatever is in
doubt is 4xx.

A mail is about a ticket (``context``), or a customer's mail handed on to a desk, or a new one of a desk to a
customer, or, where the site lets it through, nobody's business.  A mail that comes again, because its client
did not see our 250, is answered 250 and does nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mailproc.desk.absent_mail import file_absence, keep_notice, read_absence
from mailproc.desk.addressing import Addressing, read_addressee, read_addressing
from mailproc.desk.answer import WINDOW
from mailproc.desk.canned import Canned, canned_of
from mailproc.desk.change import Refused
from mailproc.desk.command import CommandRefused, Order, Transcript, sends_nothing, with_addressed
from mailproc.desk.context import Context, find_context
from mailproc.desk.elsewhere import (
    DESK_ALONE,
    context_of_new,
    desk_to_open_at,
    forwarded,
    open_ticket,
    pass_through,
    take_in_forwarded,
)
from mailproc.desk.errand import Errand, record, report_refusal, run_errand
from mailproc.desk.handed import Handed, take
from mailproc.desk.held import decide_by_mail
from mailproc.desk.number import new_number
from mailproc.desk.prepare import Draft, prepare
from mailproc.desk.route import Route, refuse_strangers, route, strangers
from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.mime.commands import Commands, extract_commands
from mailproc.mime.forward import is_forward
from mailproc.mime.insert import CannotInsert, find_inserts
from mailproc.mime.unattended import unattended
from mailproc.model.address import Address, Mailbox
from mailproc.model.line import one_line
from mailproc.model.reply import ACCEPTED, LOCAL_ERROR, STORE_BUSY, STORE_FULL, MailError, Reply
from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Store, StoreBusy, StoreError, StoreFull, Transaction
from mailproc.store.submissions import Submitted
from mailproc.store.tickets import TicketChanged

log = logging.getLogger("mailproc.submission")

NO_TICKET = Reply(550, "5.7.1", "This mail belongs to no ticket")
NOT_AN_AGENT = Reply(550, "5.7.1", "You are no agent of any desk")
NOT_YOURS = Reply(550, "5.7.1", "From must be an address of yours or of your desk")
BAD_RECIPIENT = Reply(550, "5.1.3", "That address is for no mail of ours")
AUTOMATIC = Reply(550, "5.7.1", "Automatic mail is not sent from here")
MOVED_ON = Reply(451, "4.3.0", "The ticket is changing just now, try again")

_TRIES = 3  # when tickets change between looking and deciding
_LARGE = 262_144  # octets: reading such a mail would keep everybody else waiting
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SubmissionSettings:
    """The site's rules for submitted mail."""

    refuse_second: bool = False  # a second answer is refused at once, not held
    pass_through: bool = False  # mail that is no ticket's goes to the relay as it is
    canned: tuple[Canned, ...] = ()  # standard answers that lie in files, of every desk


class Submissions:
    """What the submission listener hands mail to."""

    def __init__(
        self,
        site: Site,
        store: Store,
        *,
        clock: Callable[[], float],
        rng: random.Random,
        settings: SubmissionSettings,
        failpoints: FailPoints,
        on_queued: Callable[[], None],
    ) -> None:
        self._site = site
        self._store = store
        self._clock = clock
        self._rng = rng
        self._settings = settings
        self._failpoints = failpoints
        self._on_queued = on_queued

    def may_send_from(self, agent: str, address: Address) -> bool:
        """Is this an address of the agent, or of a desk that the agent works for?  MAIL FROM and From."""
        person = self._site.agents.get(agent)
        desk = self._site.desk_of(address)
        if desk is not None:
            return agent in desk.agents
        return person is not None and address.key in {each.key for each in person.addresses}

    async def check_recipient(self, agent: str, recipient: Address) -> Reply | None:
        """None where the recipient may be fine, which ``accept`` decides; else the refusal for RCPT."""
        try:
            addressee = read_addressee(self._site, agent, recipient)
        except MailError as error:
            return error.reply
        if addressee.desk is not None or recipient.key in self._site.agent_addresses:
            return None
        try:
            takes_part = await self._takes_part(agent, recipient)
        except StoreError as error:
            log.warning("agent=%s store=%s", agent, error)
            return _reply_to(error)
        if takes_part:
            return None
        if _asks_to_relay(recipient):
            return BAD_RECIPIENT
        person = self._site.agents.get(agent)
        may_write = self._settings.pass_through or (person is not None and person.may_write_new)
        return None if may_write else refuse_strangers((recipient,)).reply

    async def accept(
        self, agent: str, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> Reply:
        """Decide what the mail is and do it; durable before the reply is 250."""
        person, desks = self._site.agents.get(agent), self._site.desks_of(agent)
        if person is None or not desks:
            return NOT_AN_AGENT
        now = self._clock()
        try:
            handed = await _aside(raw, lambda: take(person, desks[0], mail_from, recipients, raw, now))
            reply = await self._accept(handed)
        except MailError as error:
            reply = error.reply
        except StoreError as error:
            log.warning("agent=%s store=%s", agent, error)
            reply = _reply_to(error)
        log.info("agent=%s recipients=%d bytes=%d reply=%d", agent, len(recipients), len(raw), reply.code)
        return reply

    async def _accept(self, handed: Handed) -> Reply:
        self._check_author(handed)
        if await self._store.read(lambda tx: tx.submissions.find(handed.key, handed.now - WINDOW)):
            return ACCEPTED
        addressing = read_addressing(self._site, handed.agent.name, handed.recipients)
        held = addressing.held or self._held_by_id(handed, addressing)
        if held is not None:
            return await self._decide_held(handed, held)
        for _ in range(_TRIES):
            try:
                return await self._file(handed, addressing)
            except TicketChanged:
                log.info("agent=%s ticket changed meanwhile", handed.agent.name)
        return MOVED_ON

    def _check_author(self, handed: Handed) -> None:
        """Every From, the Sender and the envelope's must be the agent's; else nobody knew who wrote it."""
        sender = handed.mail.sender_header
        authors = [box.address for box in (*handed.mail.authors, *([sender] if sender else []))]
        authors += [handed.mail_from] if handed.mail_from else []
        own = (self.may_send_from(handed.agent.name, address) for address in authors)
        if not handed.mail.authors or not all(own):
            raise MailError(NOT_YOURS)

    async def _takes_part(self, agent: str, recipient: Address) -> bool:
        desks = [desk.name for desk in self._site.desks_of(agent)]
        return await self._store.read(lambda tx: tx.submissions.takes_part(desks, recipient.key))

    async def _write(self, work: Callable[[Transaction], Reply]) -> Reply:
        """One transaction, with the fail points around its end."""

        def all_of_it(tx: Transaction) -> Reply:
            reply = work(tx)
            self._failpoints.reach("answer.before_commit")
            return reply

        reply = await self._store.write(all_of_it)
        self._failpoints.reach("answer.committed")
        self._on_queued()
        return reply

    # Held answers

    def _held_by_id(self, handed: Handed, addressing: Addressing) -> int | None:
        """The held answer whose notice a mail to the desk alone replies to."""
        if not all(each.is_plain_desk for each in addressing.all):
            return None
        found = map(self._site.keyring.read_held, handed.mail.in_reply_to)
        return next((message for message in found if message is not None), None)

    async def _decide_held(self, handed: Handed, message: int) -> Reply:
        agent, text = handed.agent.name, handed.mail.reply or handed.mail.text
        if unattended(handed.mail):
            raise MailError(AUTOMATIC)
        submission = handed.as_submission(handed.desk.name, text)

        def work(tx: Transaction) -> Reply:
            decide_by_mail(tx, self._site, agent, message, text, handed.now)
            record(tx, submission, Submitted(None, None))
            return ACCEPTED

        try:
            return await self._write(work)
        except Refused as error:
            raise MailError(Reply(550, "5.7.1", str(error).capitalize())) from None

    # What the mail is

    async def _file(self, handed: Handed, addressing: Addressing) -> Reply:
        desk = addressing.plain_desk
        if desk is not None and not addressing.numbers and is_forward(handed.mail):
            if addressing.others:
                raise MailError(DESK_ALONE)
            mail = forwarded(self._site, handed, desk)
            return await self._write(lambda tx: take_in_forwarded(tx, handed, desk, mail))
        context = await self._store.read(
            lambda tx: find_context(tx, self._site, handed.agent.name, addressing, handed.signals)
        )
        if context is None or self._is_private(handed, addressing, context):
            return await self._without_ticket(handed, addressing)
        return await self._about(handed, addressing, context)

    def _is_private(self, handed: Handed, addressing: Addressing, context: Context) -> bool:
        """From the agent's own address, and neither to the desk nor to the customer."""
        if not self._settings.pass_through or addressing.asks_the_desk or addressing.commands:
            return False
        author, customer = handed.mail.author, context.customer
        to_customer = customer is not None and customer.address in addressing.others
        return author is not None and self._site.desk_of(author.address) is None and not to_customer

    async def _without_ticket(self, handed: Handed, addressing: Addressing) -> Reply:
        absence = await _aside(handed.raw, lambda: read_absence(handed, addressing))
        if absence is not None:
            return await self._write(lambda tx: file_absence(tx, self._site, handed, absence))
        author = handed.mail.author
        from_desk = author is not None and self._site.desk_of(author.address) is not None
        if addressing.commands:
            raise MailError(NO_TICKET)
        if self._settings.pass_through and not from_desk:
            return await self._write(lambda tx: pass_through(tx, handed, addressing))
        if unattended(handed.mail):
            raise MailError(AUTOMATIC)
        if addressing.plain_desk is not None or not handed.agent.may_write_new:
            raise MailError(NO_TICKET)
        return await self._open(handed, addressing)

    async def _open(self, handed: Handed, addressing: Addressing) -> Reply:
        desk = desk_to_open_at(self._site, handed)
        others = {each.key: each for each in addressing.others}
        named = next((box for box in handed.mail.to if box.address.key in others), None)
        customer = named or Mailbox("", addressing.others[0])
        number = await self._store.write(lambda tx: new_number(tx, desk, handed.now, self._rng))
        context = context_of_new(handed, desk, number, customer)
        return await self._about(handed, addressing, context)

    # A mail about a ticket

    async def _about(self, handed: Handed, addressing: Addressing, context: Context) -> Reply:
        if why := unattended(handed.mail):
            return await self._write(lambda tx: keep_notice(tx, self._site, handed, context, why))
        commands = await _aside(handed.raw, lambda: extract_commands(handed.raw))
        commands = with_addressed(commands, context.desk, handed.recipients)
        errand = await self._errand(handed, addressing, context, commands)
        if commands.problems and not context.ticket.id:
            raise _complaint(commands.problems[0])
        if commands.problems:
            return await self._write(lambda tx: report_refusal(tx, errand, Transcript(), commands.problems))
        try:
            return await self._write(lambda tx: run_errand(tx, errand))
        except CommandRefused as refused:
            if not context.ticket.id:
                raise _complaint(refused.transcript.lines[-1]) from None
            transcript = refused.transcript
            return await self._write(lambda tx: report_refusal(tx, errand, transcript, ("",)))

    async def _errand(
        self, handed: Handed, addressing: Addressing, context: Context, commands: Commands
    ) -> Errand:
        answer = None
        if not _is_sent_to_nobody(commands, addressing) and not commands.problems:
            way = self._route(handed, addressing, context)
            canned = await self._canned(context, commands)
            draft = Draft(handed, context, way, commands, canned)
            answer = await _aside(handed.raw, lambda: prepare(self._site, draft))
        return Errand(
            handed=handed,
            ticket=_finder(handed, context.ticket),
            order=Order(self._site, context.desk, handed.agent.name, commands, self._rng, context.answered),
            submission=handed.as_submission(context.desk.name, commands.own_text),
            answer=answer,
            refuse_second=self._settings.refuse_second,
        )

    def _route(self, handed: Handed, addressing: Addressing, context: Context) -> Route:
        way = route(self._site, handed.agent, addressing, handed.mail, context.customer)
        unknown = strangers(self._site, context.people, way.recipients)
        if unknown and not handed.agent.may_write_new:
            raise refuse_strangers(unknown)
        return way

    async def _canned(self, context: Context, commands: Commands) -> tuple[Canned, ...]:
        """The desk's standard answers, where the mail asks for one."""
        try:
            if not find_inserts(commands.raw_without):
                return ()
        except CannotInsert:
            return ()
        return await self._store.read(lambda tx: canned_of(tx, context.desk.name, self._settings.canned))


def _finder(handed: Handed, ticket: Ticket) -> Callable[[Transaction], Ticket]:
    if ticket.id:
        return lambda tx: tx.tickets.get(ticket.id)
    return lambda tx: tx.tickets.by_number(ticket.number) or open_ticket(tx, handed, ticket)


def _complaint(text: str) -> MailError:
    return MailError(Reply(550, "5.6.0", one_line(text)))


def _is_sent_to_nobody(commands: Commands, addressing: Addressing) -> bool:
    to_nobody = bool(addressing.commands) and not (addressing.others or addressing.asks_the_desk)
    return to_nobody or sends_nothing(commands)


def _asks_to_relay(recipient: Address) -> bool:
    """Forms by which old MTAs were asked to pass mail on (RFC 5321 appendix F.2)."""
    return any(sign in recipient.local for sign in "%!@:")


async def _aside(raw: bytes, work: Callable[[], T]) -> T:
    """Work on a large mail runs in a thread."""
    return work() if len(raw) < _LARGE else await asyncio.to_thread(work)


def _reply_to(error: StoreError) -> Reply:
    if isinstance(error, StoreFull):
        return STORE_FULL
    return STORE_BUSY if isinstance(error, StoreBusy) else LOCAL_ERROR

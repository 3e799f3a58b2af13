"""Take mail in: MAIL, RCPT, DATA and what goes with them, alike for LMTP and SMTP.

A mail is read in blocks and handed to the intake in a task of its own, which nobody cancels
because the client left: the client will send the mail again, and the intake knows it.
"""

# ruff: noqa: N802 - aiosmtpd finds the commands by these names

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from mailproc.listen import replies
from mailproc.listen.command import parse_mail, parse_rcpt
from mailproc.listen.connection import Connection, Goodbye, Service, log
from mailproc.listen.content import Content
from mailproc.listen.limits import Turn
from mailproc.model.address import Address
from mailproc.model.reply import (
    CLOSING,
    LOCAL_ERROR,
    TOO_LARGE,
    TOO_MANY_LARGE_MAILS,
    TOO_MANY_RECIPIENTS,
    MailError,
    Reply,
)

_SIZE_DIGITS = 20  # of a chunk's size; more could only mean "all"


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mail from MAIL on; ``size`` is what the client announced, 0 for nothing."""

    mail_from: Address | None
    size: int
    turn: Turn
    recipients: list[Address] = field(default_factory=list)


class Session(Connection):
    """A session that takes mail in; LMTP and SMTP say what to greet with and how to answer a mail."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._greeted = False
        self._mail: Transaction | None = None
        self._has_brought = False  # a mail

    @abstractmethod
    def _answers(self, outcome: Sequence[Reply]) -> Sequence[Reply]:
        """The replies to a mail, given the outcome for each of its recipients."""

    def _fault_of(self, raw: bytes) -> Reply | None:
        """Why this protocol does not take a mail of these octets."""
        return None

    async def _greet(self, client: str) -> None:
        """Answer LHLO or EHLO with what is offered (RFC 1869 section 4.3)."""
        self._begin_session(client)
        size = self._service.limits.size
        offered = ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8")
        await self._send(f"250-{self.hostname}", *(f"250-{name}" for name in offered), f"250 SIZE {size}")

    def _begin_session(self, client: str) -> None:
        if not client:
            raise MailError(replies.BAD_SYNTAX)
        self._greeted = True
        self._mail = None

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not self._greeted:
            raise MailError(replies.GREET_FIRST)
        if self._mail is not None:
            raise MailError(replies.NESTED_MAIL)
        sender = parse_mail(arg or "")
        if 0 < self._service.limits.size < sender.size:
            raise MailError(TOO_LARGE)
        self._mail = Transaction(sender.address, sender.size, self._service.gate.turn())
        self._expect_mail()
        await self._say(replies.SENDER_OK)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if self._mail is None:
            raise MailError(replies.MAIL_FIRST)
        recipient = parse_rcpt(arg or "", self.hostname)
        if len(self._mail.recipients) >= self._service.limits.recipients:
            raise MailError(TOO_MANY_RECIPIENTS)
        reply = self._reply_to_recipient(recipient)
        if reply.is_success:
            self._mail.recipients.append(recipient)
        await self._say(reply)

    def _reply_to_recipient(self, recipient: Address) -> Reply:
        try:
            return self._service.intake.recipient(recipient)
        except MailError:
            raise
        except Exception:
            log.exception("peer=%s recipient=%s failed", self.peer, recipient)
            return LOCAL_ERROR

    async def smtp_DATA(self, arg: str | None) -> None:
        if arg:
            raise MailError(replies.BAD_SYNTAX)
        mail = self._mail
        if mail is None:
            raise MailError(replies.MAIL_FIRST)
        if not mail.recipients:
            raise MailError(replies.NO_RECIPIENT)
        with contextlib.ExitStack() as turn:
            turn.callback(mail.turn.release)
            if not await self._may_be_read(mail, mail.size):
                raise MailError(TOO_MANY_LARGE_MAILS)
            await self._take(mail, turn)
        self._mail = None
        self._useless = 0
        self._expect_mail()
        self._has_brought = True
        if self._service.stopping.is_set() or self._service.retiring.is_set():
            raise Goodbye(CLOSING)

    def _is_between_mails(self) -> bool:
        return self._has_brought and self._mail is None

    async def _take(self, mail: Transaction, turn: contextlib.ExitStack) -> None:
        """Read one mail, see to it that it is taken over, and give the replies that are owed."""
        self._owed = len(self._answers([LOCAL_ERROR] * len(mail.recipients)))
        await self._send("354 End with CRLF.CRLF")
        content = await self._read(mail)
        refusal = content.refusal or self._fault_of(content.octets())
        if refusal:
            log.info("peer=%s refused=%s octets=%d", self.peer, refusal.status, content.size)
            outcome: Sequence[Reply] = [refusal] * len(mail.recipients)
        else:
            outcome = await self._hand_over(mail, content.octets(), turn.pop_all())
        self._owed = 0
        self._write(self._answers(outcome))
        await self._writer.drain()

    async def _read(self, mail: Transaction) -> Content:
        content = Content(self._service.limits.size)
        while (rest := content.feed(await self._block())) is None:
            if content.refusal is None and not await self._may_be_read(mail, content.size):
                content.refuse(TOO_MANY_LARGE_MAILS)
        self._wire.put_back(rest)
        return content

    async def _block(self) -> bytes:
        block = await self._wire.block()
        self._service.failpoints.reach("listen.in_content")
        return block

    async def _may_be_read(self, mail: Transaction, size: int) -> bool:
        """Let a large mail wait for its turn; any other may be read at once."""
        if size < self._service.limits.large:
            return True
        with self._while_we_work():
            return await mail.turn.take()

    async def _hand_over(self, mail: Transaction, raw: bytes, turn: contextlib.ExitStack) -> Sequence[Reply]:
        task = asyncio.create_task(self._accept(mail, raw, turn))
        self._service.accepting.add(task)  # the loop itself keeps no strong reference
        task.add_done_callback(self._service.accepting.discard)
        with self._while_we_work():
            return await asyncio.shield(task)

    async def _accept(self, mail: Transaction, raw: bytes, turn: contextlib.ExitStack) -> Sequence[Reply]:
        count = len(mail.recipients)
        with turn:
            try:
                outcome = await self._service.intake.accept(mail.mail_from, tuple(mail.recipients), raw)
            except MailError as error:
                return [error.reply] * count
            except (Exception, asyncio.CancelledError):
                log.exception("peer=%s intake failed recipients=%d octets=%d", self.peer, count, len(raw))
                return [LOCAL_ERROR] * count
        if len(outcome) != count:
            log.error("peer=%s intake gave %d replies for %d recipients", self.peer, len(outcome), count)
            return [LOCAL_ERROR] * count
        return outcome

    async def smtp_RSET(self, arg: str | None) -> None:
        self._mail = None
        await self._say(replies.OK)

    async def smtp_NOOP(self, arg: str | None) -> None:
        await self._say(replies.OK)

    async def smtp_QUIT(self, arg: str | None) -> None:
        raise Goodbye(replies.BYE)

    async def smtp_HELP(self, arg: str | None) -> None:
        await self._say(replies.HELP_TEXT)

    async def smtp_VRFY(self, arg: str | None) -> None:
        await self._say(replies.CANNOT_VERIFY)

    async def smtp_BDAT(self, arg: str | None) -> None:
        """Refused, as CHUNKING is not offered; octets that came with the command are no commands."""
        await self._say(replies.NOT_IMPLEMENTED)
        size = (arg or "").partition(" ")[0]
        if size.isascii() and size.isdigit():
            self._wire.discard(int(size[:_SIZE_DIGITS]))

    async def smtp_EXPN(self, arg: str | None) -> None:
        raise MailError(replies.NOT_IMPLEMENTED)

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        raise MailError(replies.NOT_IMPLEMENTED)

    async def smtp_AUTH(self, arg: str | None) -> None:
        raise MailError(replies.NOT_IMPLEMENTED)

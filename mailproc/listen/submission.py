"""Take mail from agents' mail clients (RFC 6409): nobody is heard who has not logged in.

Like SMTP, with STARTTLS (RFC 3207) or TLS from the start (RFC 8314), and AUTH (RFC 4954), which is offered
under TLS or on the machine itself only.  The agent is who logged in, whatever stands in MAIL or From; the
desk decides from which addresses and to whom it may send.  A mail gets one reply.

What a client sends is handed over as it came, bare CR and LF included: what leaves again has CRLF only.
"""

# ruff: noqa: N802 - aiosmtpd finds the commands by these names

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, cast

from mailproc.listen import replies, sasl
from mailproc.listen.command import parse_mail, parse_rcpt, without_submitter
from mailproc.listen.connection import Goodbye, Service, log
from mailproc.listen.credentials.authenticator import Authenticator
from mailproc.listen.handshake import TIME_FOR_HANDSHAKE
from mailproc.listen.peer import address_of, is_local
from mailproc.listen.session import Session
from mailproc.listen.wire import LineTooLong, Wire
from mailproc.model.address import Address
from mailproc.model.login import Login
from mailproc.model.reply import LOCAL_ERROR, RECIPIENT_OK, TOO_MANY_USELESS_COMMANDS, MailError, Reply

_TIME_TO_LOG_IN = 180.0  # seconds; some clients ask their user for the password meanwhile
_USELESS_BEFORE_LOGIN = 20
_FAILED_LOGINS = 5  # of a session; a client may try each mechanism before it asks its user again


class Desks(Protocol):
    """Takes agents' mail over.  Anything it raises is answered 451, or with the reply of a MailError."""

    def may_send_from(self, agent: str, address: Address) -> bool: ...

    async def check_recipient(self, agent: str, recipient: Address) -> Reply | None:
        """None where the recipient may be fine, else the refusal."""
        ...

    async def accept(
        self, agent: str, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> Reply:
        """The one reply to a mail; what is accepted is durable before it returns."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """What the sessions of the submission listener share.  ``starttls`` is None where it is not offered."""

    desks: Desks
    authenticator: Authenticator
    starttls: ssl.SSLContext | None = None


class Unheard:
    """What stands behind a session without an agent, so that a mistake of ours could not let mail through."""

    def recipient(self, address: Address) -> Reply:
        return replies.AUTH_FIRST

    async def accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        return [replies.AUTH_FIRST] * len(recipients)


@dataclass(frozen=True, slots=True)
class AgentsMail:
    """What stands behind a session once its agent is known."""

    desks: Desks
    agent: str

    def recipient(self, address: Address) -> Reply:
        return RECIPIENT_OK  # check_recipient was asked

    async def accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        return [await self.desks.accept(self.agent, mail_from, recipients, raw)] * len(recipients)


class SubmissionSession(Session):
    """A session with an agent's mail client."""

    protocol_name: ClassVar[str] = "ESMTP"

    def __init__(self, service: Service, office: Office) -> None:
        super().__init__(replace(service, intake=Unheard()))
        self._office = office
        self._agent = ""
        self._is_secure = False  # TLS is active
        self._failed_logins = 0
        self._timeout_duration = min(self._timeout_duration, _TIME_TO_LOG_IN)

    # TLS.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._is_secure = transport.get_extra_info("sslcontext") is not None
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closed.done():  # after a failed handshake we may have been told already
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        # Under TLS the sending side cannot be closed alone.
        return super().eof_received() and not self._is_secure

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        cast(asyncio.ReadTransport, self.transport).pause_reading()
        # RFC 3207 section 4.2: what came in the clear behind the command is no command.
        self._wire = Wire(self.loop)
        try:
            await self._writer.start_tls(context, ssl_handshake_timeout=TIME_FOR_HANDSHAKE)
        except BaseException:
            # Who leaves within the handshake leaves asyncio's TLS layer only; we are not told.
            self.abort()
            self.loop.call_soon(self.connection_lost, None)
            raise
        self.transport = self._writer.transport
        self._wire.connect(cast(asyncio.ReadTransport, self.transport))
        self._is_secure = True

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        if self._is_secure:
            raise MailError(replies.TLS_ALREADY)
        if self._office.starttls is None:
            raise MailError(replies.NOT_IMPLEMENTED)
        if arg:
            raise MailError(replies.BAD_SYNTAX)
        if self._agent:
            raise MailError(replies.AUTHENTICATED_ALREADY)
        self._write([replies.READY_FOR_TLS])  # at once, whatever came behind the command
        await self._writer.drain()
        self._greeted = False
        self._mail = None
        await self._start_tls(self._office.starttls)

    # Greeting and login.

    async def smtp_HELO(self, arg: str | None) -> None:
        self._begin_session(arg or "")
        await self._send(f"250 {self.hostname}")

    async def smtp_EHLO(self, arg: str | None) -> None:
        self._begin_session(arg or "")
        offered = ["PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"]
        if self._office.starttls and not self._is_secure:
            offered.append("STARTTLS")
        if self._may_hear_passwords:
            offered.append(f"AUTH {' '.join(sasl.MECHANISMS)}")
        offered.append(f"SIZE {self._service.limits.size}")
        *first, last = (self.hostname, *offered)
        await self._send(*(f"250-{line}" for line in first), f"250 {last}")

    @property
    def _address(self) -> str:
        return address_of(self.session.peer if self.session else None)

    @property
    def _may_hear_passwords(self) -> bool:
        return self._is_secure or is_local(self._address)

    async def smtp_AUTH(self, arg: str | None) -> None:
        if not self._greeted:
            raise MailError(replies.GREET_FIRST)
        if self._agent:
            raise MailError(replies.AUTHENTICATED_ALREADY)
        if not self._may_hear_passwords:
            raise MailError(replies.ENCRYPTION_NEEDED)
        words = (arg or "").split()
        if not 1 <= len(words) <= 2:
            raise MailError(replies.BAD_SYNTAX)
        user, password = await self._exchange(*words)
        with self._while_we_work():
            self._agent = await self._log_in(Login(user, password, self._address))
        self._service = replace(self._service, intake=AgentsMail(self._office.desks, self._agent))
        self._useless = 0
        self._expect_mail()
        await self._say(replies.AUTHENTICATED)

    async def _exchange(self, mechanism: str, initial: str | None = None) -> tuple[str, bytes]:
        """Hear the client out; user and password."""
        mechanism = mechanism.upper()
        if mechanism not in sasl.MECHANISMS:
            raise MailError(replies.UNKNOWN_MECHANISM)
        first = None if initial is None else sasl.decode_initial(initial)
        if mechanism == "PLAIN":
            return sasl.read_plain(await self.challenge_auth(b"") if first is None else first)
        if first is None:
            first = await self.challenge_auth(sasl.USER_CHALLENGE)
        return sasl.read_user(first), await self.challenge_auth(sasl.PASSWORD_CHALLENGE)

    async def challenge_auth(
        self, challenge: str | bytes, encode_to_b64: bool = True, log_client_response: bool = False
    ) -> bytes:
        """Send a challenge and hear the answer; as aiosmtpd's, but from our wire, and never logged."""
        octets = challenge.encode() if isinstance(challenge, str) else challenge
        await self._send(sasl.challenge_line(octets) if encode_to_b64 else f"334 {octets.decode()}")
        try:
            line = await self._wire.line()
        except LineTooLong:
            raise MailError(replies.AUTH_LINE_TOO_LONG) from None
        if line.strip() == b"*":
            raise MailError(replies.AUTH_CANCELLED)
        return sasl.decode_response(line)

    async def _log_in(self, login: Login) -> str:
        try:
            return await self._office.authenticator.agent_of(login)
        except MailError as refusal:
            self._failed_logins += 1
            if self._failed_logins < _FAILED_LOGINS:
                raise
            await self._say(refusal.reply)
            raise Goodbye(replies.TOO_MANY_FAILED_LOGINS) from None

    def _expect_mail(self) -> None:
        super()._expect_mail()
        if not self._agent:
            self._due = min(self._due, self.loop.time() + _TIME_TO_LOG_IN)

    def _count_useless(self) -> None:
        super()._count_useless()
        if not self._agent and self._useless > _USELESS_BEFORE_LOGIN:
            raise Goodbye(TOO_MANY_USELESS_COMMANDS)

    # Mail.

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not self._greeted:
            raise MailError(replies.GREET_FIRST)
        if not self._agent:
            self._count_useless()
            raise MailError(replies.AUTH_FIRST if self._may_hear_passwords else replies.TLS_FIRST)
        argument = without_submitter(arg or "")
        sender = parse_mail(argument).address
        # The null reverse-path is that of read receipts (RFC 8098 section 3).
        if sender and not self._office.desks.may_send_from(self._agent, sender):
            log.info("peer=%s agent=%s refused: MAIL FROM %s", self.peer, self._agent, sender)
            raise MailError(replies.NOT_YOUR_ADDRESS)
        await super().smtp_MAIL(argument)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if self._mail is not None:
            recipient = parse_rcpt(arg or "", self.hostname)
            with self._while_we_work():
                refusal = await self._refusal_of(recipient)
            if refusal:
                log.info(
                    "peer=%s agent=%s refused=%s: RCPT TO %s", self.peer, self._agent, refusal, recipient
                )
                raise MailError(refusal)
        await super().smtp_RCPT(arg)

    async def _refusal_of(self, recipient: Address) -> Reply | None:
        try:
            return await self._office.desks.check_recipient(self._agent, recipient)
        except MailError:
            raise
        except Exception:
            log.exception("peer=%s agent=%s recipient=%s failed", self.peer, self._agent, recipient)
            return LOCAL_ERROR

    def _answers(self, outcome: Sequence[Reply]) -> Sequence[Reply]:
        """The outcome is that of the mail, and the same for each recipient."""
        return outcome[:1]

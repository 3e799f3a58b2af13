"""One SMTP session with the relay, and mail transactions in it (RFC 5321 section 3.3).

``open_session`` raises RelayDown when no mail could be sent at all.  ``Session.send`` gives every recipient
its reply, or raises SessionLost when the connection ends under it; ``in_doubt`` then says whether the relay
may have taken the mail over.  A session that was lost is of no more use; ``abort`` it.

aiosmtplib's own ``sendmail`` is not used: it rewrites odd recipients in silence, and a connection that ends
after the final dot looks to its caller like one that ended before it.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import aiosmtplib

from mailproc.model.outbox import Fate, RecipientResult
from mailproc.model.reply import MailError, Reply

UNREACHABLE = Reply(451, "4.4.1", "No answer from the relay")  # RFC 3463 section 3.5
CONNECTION_LOST = Reply(451, "4.4.2", "Connection to the relay was lost")
BAD_ANSWER = Reply(451, "4.5.0", "The relay's answer was not understood")

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LONGEST_ENVID = 100  # RFC 3461 section 4.4
_LONGEST_TEXT = 400  # of a reply as we keep it


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The MTA that takes what leaves.  Times are in seconds; ``hostname`` is our own name, for EHLO."""

    host: str
    port: int
    hostname: str
    tls: Literal["none", "starttls", "implicit"] = "none"
    user: str = ""
    password: str = ""
    connections: int = 4  # at once
    timeout: float = 300.0  # for one whole mail
    connect_timeout: float = 30.0  # until the relay is ready for a mail
    idle: float = 30.0  # how long a connection is kept without a mail

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


class RelayDown(MailError):
    """The relay takes no mail at all: not reachable, not ready, no TLS, or the login was refused."""

    def __init__(self, reply: Reply, cause: str) -> None:
        super().__init__(reply)
        self.cause = cause


class SessionLost(MailError):
    """The connection ended, or the relay said so (421), before the reply that was waited for."""


class Session:
    """A connection on which the relay has greeted us; one mail at a time."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client
        self.in_doubt = False  # between the final dot and its reply

    @property
    def is_open(self) -> bool:
        return self._client.is_connected

    def offers(self, extension: str) -> bool:
        return self._client.supports_extension(extension)

    @property
    def greatest_size(self) -> int:
        """The octets that SIZE allows (RFC 1870 section 3); 0 for no limit known."""
        size = self._client.esmtp_extensions.get("size", "").strip()
        return int(size) if size.isascii() and size.isdigit() else 0

    async def send(
        self,
        mail_from: str,
        recipients: Sequence[str],
        content: bytes,
        *,
        smtputf8: bool,
        envelope_id: str = "",
    ) -> list[RecipientResult]:
        """One mail transaction; ``content`` has CRLF line ends only, addresses were checked.

        Reports of failures and delays are asked for where somebody could get them (RFC 3461 section 4).
        """
        notify = bool(mail_from) and self.offers("dsn")
        parameters = self._mail_parameters(mail_from, content, smtputf8=smtputf8)
        if notify:
            parameters += report_parameters(envelope_id)
        reply = await self._command(b"MAIL", *parameters)
        if not reply.is_success:
            return await self._end(_same_for_all(recipients, reply))
        results = [result_of(each, await self._recipient(each, notify=notify)) for each in recipients]
        accepted = [result.recipient for result in results if result.fate is Fate.ACCEPTED]
        if not accepted:
            return await self._end(results)
        reply = await self._data(content)
        refused = [result for result in results if result.fate is not Fate.ACCEPTED]
        return await self._end(refused + _same_for_all(accepted, reply), clean=reply.is_success)

    def _mail_parameters(self, mail_from: str, content: bytes, *, smtputf8: bool) -> list[bytes]:
        parameters = [_path(b"FROM:", mail_from)]
        if self.offers("size"):
            parameters.append(b"SIZE=%d" % len(content))
        if self.offers("8bitmime") and not content.isascii():
            parameters.append(b"BODY=8BITMIME")  # RFC 6152 section 2
        if smtputf8:
            parameters.append(b"SMTPUTF8")  # RFC 6531 section 3.4
        return parameters

    async def _recipient(self, address: str, *, notify: bool) -> Reply:
        parameters = recipient_parameters(address) if notify else []
        return await self._command(b"RCPT", _path(b"TO:", address), *parameters)

    async def _command(self, *words: bytes) -> Reply:
        try:
            response = await self._client.execute_command(*words)
        except aiosmtplib.SMTPResponseException as error:
            raise SessionLost(BAD_ANSWER) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise SessionLost(CONNECTION_LOST) from error
        reply = reply_from(response.code, response.message)
        if reply.code == 421:
            raise SessionLost(reply)
        return reply

    async def _data(self, content: bytes) -> Reply:
        """DATA in two steps, so that it is known whether the final dot was sent."""
        reply = await self._command(b"DATA")
        if reply.code != 354:
            return reply if reply.code >= 400 else BAD_ANSWER
        protocol = self._client.protocol
        if protocol is None:
            raise SessionLost(CONNECTION_LOST)
        try:
            protocol.write(dot_stuffed(content))
            self.in_doubt = True
            response = await protocol.read_response()
        except aiosmtplib.SMTPResponseException as error:
            raise SessionLost(BAD_ANSWER) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise SessionLost(CONNECTION_LOST) from error
        reply = reply_from(response.code, response.message)
        if not (reply.is_success or 400 <= reply.code < 600):
            raise SessionLost(BAD_ANSWER)
        self.in_doubt = False
        return reply

    async def _end(self, results: list[RecipientResult], *, clean: bool = False) -> list[RecipientResult]:
        """Leave the session ready for the next mail, or closed; what was said stands either way."""
        if not clean:
            try:
                ready = (await self._command(b"RSET")).is_success
            except SessionLost:
                ready = False
            if not ready:
                self.abort()
        return results

    async def quit(self, *, seconds: float = 2.0) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._client.quit()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Close at once.  A plain close would first send what is still in the buffer, dot and all."""
        transport = self._client.transport
        if transport is not None and not transport.is_closing():
            cast(asyncio.WriteTransport, transport).abort()
        self._client.close()


async def open_session(settings: RelaySettings, tls_context: ssl.SSLContext | None) -> Session:
    """Connect, greet, start TLS and log in as the settings say; RelayDown when any of it fails."""
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        local_hostname=settings.hostname,
        username=settings.user or None,
        password=settings.password if settings.user else None,
        timeout=None,  # one deadline for all of it
        use_tls=settings.tls == "implicit",
        start_tls=settings.tls == "starttls",
        tls_context=tls_context,
    )
    session = Session(client)
    try:
        async with asyncio.timeout(settings.connect_timeout):
            await client.connect()
            await _greet(client)
    except BaseException as error:
        session.abort()
        # ValueError: a name in the settings that no command could carry.
        if isinstance(error, (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError)):
            raise _relay_down(error) from error
        raise
    return session


async def _greet(client: aiosmtplib.SMTP) -> None:
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()


def _relay_down(error: Exception) -> RelayDown:
    cause = one_line(f"{type(error).__name__}: {error}")
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 400:
        return RelayDown(reply_from(error.code, error.message), cause)
    return RelayDown(UNREACHABLE, cause)


def result_of(recipient: str, reply: Reply) -> RecipientResult:
    """What a reply means for a recipient (RFC 5321 section 4.2.1)."""
    if reply.is_success:
        return RecipientResult(recipient, Fate.ACCEPTED, reply)
    if 500 <= reply.code < 600:
        return RecipientResult(recipient, Fate.REFUSED, reply)
    return RecipientResult(recipient, Fate.LATER, reply)


def report_parameters(envelope_id: str) -> list[bytes]:
    """What MAIL says of reports: headers are enough, and the id comes back (RFC 3461 sections 4.3, 4.4)."""
    envid = xtext(envelope_id)
    return [b"RET=HDRS", *([b"ENVID=" + envid] if 0 < len(envid) <= _LONGEST_ENVID else [])]


def recipient_parameters(address: str) -> list[bytes]:
    """What RCPT says of reports (RFC 3461 sections 4.1 and 4.2)."""
    orcpt = b"ORCPT=rfc822;" + xtext(address)
    return [b"NOTIFY=FAILURE,DELAY", *([orcpt] if address.isascii() else [])]


def xtext(text: str) -> bytes:
    """RFC 3461 section 4; what is not ASCII cannot stand in it and gives b""."""
    if not text.isascii():
        return b""
    return re.sub(r"[^!-~]|[+=]", lambda found: f"+{ord(found[0]):02X}", text).encode()


def _same_for_all(recipients: Sequence[str], reply: Reply) -> list[RecipientResult]:
    return [result_of(recipient, reply) for recipient in recipients]


def reply_from(code: int, message: str) -> Reply:
    """A relay's answer as a Reply; its text is cleaned, since agents and logs will see it."""
    found = _ENHANCED.match(message)
    status = found[1] if found else f"{code // 100}.0.0"
    text = re.sub(rf"\n{re.escape(status)}\s", "\n", message[found.end() :] if found else message)
    return Reply(code, status, one_line(text))


def one_line(text: str) -> str:
    """Text of a stranger made fit for a log: no control characters, not too long."""
    return _CONTROL.sub(" ", text).strip()[:_LONGEST_TEXT]


def dot_stuffed(content: bytes) -> bytes:
    """The mail as DATA carries it, with the final dot (RFC 5321 section 4.5.2)."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    if stuffed and not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + b".\r\n"


def _path(verb: bytes, address: str) -> bytes:
    return verb + b"<" + address.encode() + b">"

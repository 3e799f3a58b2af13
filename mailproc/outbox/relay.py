"""Handing mail to the relay: kept connections, one deadline for a whole mail, one result per recipient.

``deliver`` never raises for what a mail, an address or the relay's answers hold.  It raises RelayDown, before
anything was sent, when the relay takes no mail at all; then nothing is known to be wrong with this mail.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.mime.surgery import has_bare_newline, header_end
from mailproc.model.address import Address
from mailproc.model.outbox import Fate, RecipientResult
from mailproc.model.reply import BAD_ADDRESS_SYNTAX, BARE_NEWLINE, TOO_LARGE, Reply
from mailproc.outbox.session import RelayDown, RelaySettings, Session, SessionLost, one_line, open_session

__all__ = ["Relay", "RelayDown", "RelaySettings"]

BAD_SENDER_SYNTAX = Reply(501, "5.1.7", "Bad sender address syntax")  # RFC 3463 section 3.2
NO_SMTPUTF8 = Reply(550, "5.6.7", "The relay takes no international addresses")  # RFC 6531 section 3.2
TOO_SLOW = Reply(451, "4.4.2", "The relay did not take the mail in time")


@dataclass(frozen=True, slots=True)
class _Mail:
    """What goes into one transaction."""

    mail_from: str
    recipients: tuple[str, ...]
    content: bytes
    envelope_id: str


class Relay:
    """The way out; safe to use from many tasks of one event loop.

    A mail takes at most ``settings.timeout + settings.connect_timeout`` seconds, once a connection is free.
    """

    def __init__(self, settings: RelaySettings, tls_context: ssl.SSLContext | None = None) -> None:
        self.settings = settings
        self._tls_context = tls_context
        self._slots = asyncio.Semaphore(settings.connections)
        self._idle: list[tuple[Session, float]] = []  # newest last, with the loop's time of its last mail

    async def deliver(
        self, mail_from: str, recipients: Sequence[str], content: bytes, *, envelope_id: str = ""
    ) -> dict[str, RecipientResult]:
        """Send one mail; ``mail_from`` "" is the null reverse-path, ``content`` must have CRLF line ends.

        ``envelope_id`` comes back in the reports about it, from mail systems that speak RFC 3461.
        """
        if has_bare_newline(content):
            # The other end of such a line may see an end of data, and commands of an attacker after it.
            return _all(recipients, Fate.REFUSED, BARE_NEWLINE)
        if mail_from and not _is_fit(mail_from):
            return _all(recipients, Fate.REFUSED, BAD_SENDER_SYNTAX)
        good = [recipient for recipient in recipients if _is_fit(recipient)]
        results = _all(recipients, Fate.REFUSED, BAD_ADDRESS_SYNTAX)
        if good:
            async with self._slots:
                results |= await self._deliver(_Mail(mail_from, tuple(good), content, envelope_id))
        return results

    async def probe(self) -> None:
        """Make sure that the relay would take a mail now; RelayDown when not."""
        async with self._slots:
            session = await self._session()
            self._keep(session)

    async def close_idle(self) -> None:
        """Say goodbye on connections that have been kept long enough."""
        oldest = asyncio.get_running_loop().time() - self.settings.idle
        old = [session for session, used in self._idle if used < oldest]
        self._idle = [(session, used) for session, used in self._idle if used >= oldest]
        await asyncio.gather(*(session.quit() for session in old))

    async def close(self) -> None:
        """Say goodbye on connections that are kept; those in use are not touched."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session, _ in idle))

    async def _deliver(self, mail: _Mail) -> dict[str, RecipientResult]:
        """Use a kept connection if there is one.  It may have gone stale: then a new one is tried, once,
        provided that the relay cannot have taken the mail."""
        deadline = asyncio.get_running_loop().time() + self.settings.timeout
        kept = self._take_idle()
        if kept is not None:
            try:
                return await self._transaction(kept, deadline, mail)
            except SessionLost as lost:
                if kept.in_doubt:
                    return _all(mail.recipients, Fate.UNKNOWN, lost.reply)
        session = await open_session(self.settings, self._tls_context)
        try:
            return await self._transaction(session, deadline, mail)
        except SessionLost as lost:
            fate = Fate.UNKNOWN if session.in_doubt else Fate.LATER
            return _all(mail.recipients, fate, lost.reply)

    async def _transaction(
        self, session: Session, deadline: float, mail: _Mail
    ) -> dict[str, RecipientResult]:
        try:
            # One deadline for the whole mail: a relay that takes a byte now and then never times out else.
            async with asyncio.timeout_at(deadline):
                results = await _send(session, mail)
        except TimeoutError:
            session.abort()
            return _all(mail.recipients, Fate.UNKNOWN if session.in_doubt else Fate.LATER, TOO_SLOW)
        except BaseException:
            session.abort()
            raise
        self._keep(session)
        return results

    async def _session(self) -> Session:
        return self._take_idle() or await open_session(self.settings, self._tls_context)

    def _take_idle(self) -> Session | None:
        oldest = asyncio.get_running_loop().time() - self.settings.idle
        while self._idle:
            session, used = self._idle.pop()
            if session.is_open and used >= oldest:
                return session
            session.abort()
        return None

    def _keep(self, session: Session) -> None:
        if session.is_open:
            self._idle.append((session, asyncio.get_running_loop().time()))


async def _send(session: Session, mail: _Mail) -> dict[str, RecipientResult]:
    """What this relay can take of the mail, in one transaction; the rest is refused here."""
    results: dict[str, RecipientResult] = {}
    international = not mail.mail_from.isascii() or _has_utf8_header(mail.content)
    if not session.offers("smtputf8"):
        unfit = [each for each in mail.recipients if international or not each.isascii()]
        results |= _all(unfit, Fate.REFUSED, NO_SMTPUTF8)
    elif not all(map(str.isascii, mail.recipients)):
        international = True
    if 0 < session.greatest_size < len(mail.content):
        results |= _all(mail.recipients, Fate.REFUSED, TOO_LARGE)
    fit = [each for each in mail.recipients if each not in results]
    if fit:
        sent = await session.send(
            mail.mail_from, fit, mail.content, smtputf8=international, envelope_id=mail.envelope_id
        )
        results |= {result.recipient: result for result in sent}
    return results


def _is_fit(address: str) -> bool:
    """May this enter an SMTP command?"""
    return Address.parse_or_none(address) is not None and one_line(address) == address


def _has_utf8_header(content: bytes) -> bool:
    """Does the header need RFC 6532?  Octets that are no UTF-8 are only broken, and go as they are."""
    header = content[: header_end(content)]
    if header.isascii():
        return False
    try:
        header.decode()
    except UnicodeDecodeError:
        return False
    return True


def _all(recipients: Sequence[str], fate: Fate, reply: Reply) -> dict[str, RecipientResult]:
    return {recipient: RecipientResult(recipient, fate, reply) for recipient in recipients}

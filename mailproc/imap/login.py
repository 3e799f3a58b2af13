"""Whether an IMAP server lets somebody in: the submission listener's question where ``auth = "imap"``.

Each attempt is a connection of its own, in a thread of its own, and ends in time.  What is no clear answer
(no connection, a broken one, UNAVAILABLE and the like of RFC 5530) is 454 for the client, with the cause in
the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from mailproc.imap.failure import ImapDown, ImapRefused, LoginRefused
from mailproc.imap.session import Session
from mailproc.imap.settings import ImapSettings
from mailproc.model.login import Login
from mailproc.model.reply import LOGIN_UNAVAILABLE, MailError

log = logging.getLogger("mailproc.imap")

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class LoginServer:
    """Where to ask; ``timeout`` is in seconds for one attempt as a whole."""

    host: str
    port: int
    tls: Literal["none", "starttls", "implicit"]
    timeout: float


class ImapLogin:
    """Asks one server."""

    def __init__(self, server: LoginServer, tls_context: ssl.SSLContext | None = None) -> None:
        self.server = server
        self._tls_context = tls_context or ssl.create_default_context()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="imap-login")

    async def prove(self, login: Login) -> str | None:
        """The user as typed if the server lets it in; None if it does not; MailError if nobody knows."""
        try:
            async with asyncio.timeout(self.server.timeout):
                fits = await asyncio.get_running_loop().run_in_executor(self._threads, self._try, login)
        except (TimeoutError, ImapDown, ImapRefused) as error:
            log.error("imap=%s login=%r: %s", self.server.host, login.user, error or "no answer in time")
            raise MailError(LOGIN_UNAVAILABLE) from error
        return login.user if fits else None

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _try(self, login: Login) -> bool:
        session = Session(self._settings(login), self._tls_context)
        try:
            session.run(_log_in)
        except LoginRefused:
            return False
        finally:
            session.close()
        return True

    def _settings(self, login: Login) -> ImapSettings:
        server = self.server
        return ImapSettings(
            host=server.host,
            port=server.port,
            user=login.user,
            password=login.password.decode("utf-8", "surrogateescape"),
            tls=server.tls,
            timeout=server.timeout,
        )


def _log_in(session: Session) -> None:
    session.connect()
    if session.is_let_in:
        raise ImapDown("the server lets everybody in, without a password (PREAUTH)")
    session.log_in()
    with contextlib.suppress(ImapDown, ImapRefused):
        session.run(Session.logout)

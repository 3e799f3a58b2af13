"""Whether an IMAP server lets somebody in: the submission listener's question where ``auth = "imap"``.

Each attempt is a connection of its own, in a thread of its own, and ends in time.  What is no clear answer
(no connection, a broken one, UNAVAILABLE and the like of RFC 5530) is 454 for the client, with the cause in
the log.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from imapclient import IMAPClient, SocketTimeout  # type: ignore[import-untyped]
from imapclient.exceptions import (  # type: ignore[import-untyped]
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
)

from mailproc.model.login import Login
from mailproc.model.reply import LOGIN_UNAVAILABLE, MailError

log = logging.getLogger("mailproc.imap")

_AT_ONCE = 8
# RFC 5530 section 3: response codes of a refusal that says nothing of the password.
_UNDECIDED = re.compile(
    r"\[(?:UNAVAILABLE|SERVERBUG|INUSE|LIMIT|PRIVACYREQUIRED|CONTACTADMIN)\b", re.IGNORECASE
)


class Undecided(Exception):
    """The server did not say whether the password is right; the text says what it said."""


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
        except (TimeoutError, OSError, IMAPClientError, Undecided) as error:
            log.error("imap=%s login=%r: %s", self.server.host, login.user, error or "no answer in time")
            raise MailError(LOGIN_UNAVAILABLE) from error
        return login.user if fits else None

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _try(self, login: Login) -> bool:
        with self._connected() as client:
            try:
                _log_in(client, login)
            except LoginError as error:
                if isinstance(error.__context__, IMAPClientAbortError) or _UNDECIDED.search(str(error)):
                    raise Undecided(str(error)) from error
                return False
        return True

    def _connected(self) -> IMAPClient:
        server = self.server
        client = IMAPClient(
            server.host,
            server.port,
            ssl=server.tls == "implicit",
            ssl_context=self._tls_context if server.tls == "implicit" else None,
            timeout=SocketTimeout(server.timeout, server.timeout),
        )
        if server.tls == "starttls":
            client.starttls(self._tls_context)
        return client


def _log_in(client: IMAPClient, login: Login) -> None:
    """PLAIN carries any octets; LOGIN is for servers without it, and for passwords in ASCII."""
    if client.has_capability("AUTH=PLAIN"):
        client.sasl_login("PLAIN", lambda _: b"\0" + login.user.encode() + b"\0" + login.password)
    elif login.user.isascii() and login.password.isascii():
        client.login(login.user, login.password.decode())
    else:
        raise LoginError("only letters of ASCII can be sent to this server")

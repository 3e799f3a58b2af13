"""Serve sockets that were bound before, and stop without losing a mail or leaving a client without reply."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from typing import Any

from mailproc.failpoint import NO_FAILPOINTS, FailPoints
from mailproc.listen.connection import Service
from mailproc.listen.handshake import TlsServer
from mailproc.listen.intake import Intake
from mailproc.listen.limits import Gate, ListenLimits
from mailproc.listen.session import Session
from mailproc.listen.sockets import BACKLOG
from mailproc.model.reply import CLOSING

log = logging.getLogger("mailproc.listen")

_FAREWELL = 1.0  # seconds in which the last replies may leave after the grace


class Listener:
    """Takes mail in on any number of sockets, by the protocol that ``session`` makes sessions of.

    Listeners of one process share a ``gate``, so that the limits of connections are for all of them.  With
    ``tls``, connections speak TLS from their first octet on.
    """

    def __init__(
        self,
        session: Callable[[Service], Session],
        intake: Intake,
        *,
        hostname: str,
        limits: ListenLimits,
        gate: Gate | None = None,
        tls: ssl.SSLContext | None = None,
        failpoints: FailPoints = NO_FAILPOINTS,
    ) -> None:
        self._session = session
        self._service = Service(intake, limits, hostname, gate or Gate(limits), failpoints)
        self._tls = tls
        self._handshake_gate = Gate(limits)
        self._handshakes: set[asyncio.Task[None]] = set()  # clients that have no session yet
        self._servers: list[asyncio.Server | TlsServer] = []
        # aiosmtpd writes commands at INFO and mail text at DEBUG.
        logging.getLogger("mail.log").setLevel(logging.WARNING)

    @property
    def is_serving(self) -> bool:
        return bool(self._servers)

    @property
    def connections(self) -> int:
        """How many clients there are."""
        return len(self._service.connections)

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Listen; the sockets are ours from now on."""
        for sock in sockets:
            self._servers.append(await self._serve(sock))

    async def _serve(self, sock: socket.socket) -> asyncio.Server | TlsServer:
        if self._tls:
            return TlsServer(sock, self._tls, self.session_for_client, self._handshake_gate, self._handshakes)
        loop = asyncio.get_running_loop()
        if sock.family != socket.AF_UNIX:
            return await loop.create_server(self.session_for_client, sock=sock, backlog=BACKLOG)
        options: dict[str, Any] = {}
        if sys.version_info >= (3, 13) and isinstance(loop, asyncio.BaseEventLoop):
            options["cleanup_socket"] = False  # other workers serve the same socket file
        return await loop.create_unix_server(self.session_for_client, sock=sock, backlog=BACKLOG, **options)

    def session_for_client(self) -> Session:
        return self._session(self._service)

    async def retire(self, grace: float) -> None:
        """Stop because others serve the same sockets from now on.

        Who brings a mail, or has not yet brought any, has ``grace`` seconds for it; who waits for another
        mail to bring is told 421, and comes again.
        """
        self._service.retiring.set()
        self._close_servers()
        for connection in tuple(self._service.connections):
            connection.retire()
        await self._is_quiet_within(grace)
        await self.stop(0.0)

    async def stop(self, grace: float) -> None:
        """Accept nobody any more, let mails that are on their way end within ``grace`` seconds.

        Idle clients are told 421 at once, and who still shakes hands is dropped; who is in the middle of a
        mail after the grace is told 421 for each recipient.  Mails that are being taken over are waited
        for as well.
        """
        self._service.stopping.set()
        self._close_servers()
        for handshake in tuple(self._handshakes):
            handshake.cancel()
        for connection in tuple(self._service.connections):
            connection.finish()
        if await self._is_quiet_within(grace):
            return
        log.warning("connections=%d cut off at the end of the grace", len(self._service.connections))
        for connection in tuple(self._service.connections):
            connection.end(CLOSING)
        await self._is_quiet_within(_FAREWELL)
        for connection in tuple(self._service.connections):
            connection.abort()

    def _close_servers(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def _is_quiet_within(self, seconds: float) -> bool:
        """Wait until all clients are gone and all mails taken over; False if it takes longer."""
        service = self._service
        try:
            async with asyncio.timeout(seconds):
                while service.connections or service.accepting or self._handshakes:
                    gone: list[asyncio.Future[Any]] = [client.closed for client in service.connections]
                    await asyncio.wait([*gone, *service.accepting, *self._handshakes])
        except TimeoutError:
            return False
        return True

"""Accept clients that speak TLS from their first octet on (RFC 8314 section 3).

asyncio's server would shake hands with any number of clients at once, before a session hears of them.  Here
they are counted like sessions from the beginning, and who is one too many is dropped at once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine

from mailproc.listen.limits import Gate

log = logging.getLogger("mailproc.listen")

TIME_FOR_HANDSHAKE = 20.0  # seconds
_PAUSE = 1.0  # seconds until the next try where no connection could be accepted


class TlsServer:
    """Serves one listening socket, which is ours, until it is closed; ``gate`` counts handshakes."""

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        make_session: Callable[[], asyncio.Protocol],
        gate: Gate,
    ) -> None:
        self._listening = listening
        self._context = context
        self._make_session = make_session
        self._gate = gate
        self._tasks: set[asyncio.Task[None]] = set()
        self._start(self._accept_all())

    def close(self) -> None:
        """Accept nobody any more, and drop whoever has no session yet."""
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept_all(self) -> None:
        with self._listening:
            while True:
                try:
                    client, peer = await asyncio.get_running_loop().sock_accept(self._listening)
                except OSError as error:  # as EMFILE
                    log.error("cannot accept a connection: %s", error)
                    await asyncio.sleep(_PAUSE)
                    continue
                if leave := self._gate.admit(peer):
                    self._start(self._shake_hands(client, leave))
                else:
                    client.close()

    async def _shake_hands(self, client: socket.socket, leave: Callable[[], None]) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make_session, client, ssl=self._context, ssl_handshake_timeout=TIME_FOR_HANDSHAKE
            )
        except OSError as error:
            log.debug("handshake failed: %s", error)
        finally:
            leave()

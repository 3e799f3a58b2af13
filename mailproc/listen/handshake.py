"""Accept clients that speak TLS from their first octet on (RFC 8314 section 3).

asyncio's server would shake hands with any number of clients at once, before a session hears of them.  Here
they are counted like sessions from the beginning, and who is one too many is dropped at once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

from mailproc.listen.limits import Gate

log = logging.getLogger("mailproc.listen")

TIME_FOR_HANDSHAKE = 20.0  # seconds
_PAUSE = 1.0  # seconds until the next try where no connection could be accepted


class TlsServer:
    """Serves one listening socket, which is ours, until it is closed.

    ``gate`` counts handshakes; ``handshakes`` has the tasks of those in progress, which outlive ``close``.
    """

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        make_session: Callable[[], asyncio.Protocol],
        gate: Gate,
        handshakes: set[asyncio.Task[None]],
    ) -> None:
        self._listening = listening
        self._context = context
        self._make_session = make_session
        self._gate = gate
        self._handshakes = handshakes
        self._accepting = asyncio.create_task(self._accept_all())

    def close(self) -> None:
        """Accept nobody any more."""
        self._accepting.cancel()

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
                    handshake = asyncio.create_task(self._shake_hands(client, leave))
                    self._handshakes.add(handshake)
                    handshake.add_done_callback(self._handshakes.discard)
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

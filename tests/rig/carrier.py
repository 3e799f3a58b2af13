"""What stands between a client and a server, and carries what they say."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.rig.ports import free_port


class Carrier:
    """Listens on ``port`` of 127.0.0.1 as soon as it is made: a subclass sets what it needs before that."""

    def __init__(self, server_port: int) -> None:
        self.port = free_port()
        self._server_port = server_port
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Nobody listens any more, and every connection ends."""
        for each in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """One connection, both ways, in a thread of its own."""
        raise NotImplementedError

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._open += [client, server]
                threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

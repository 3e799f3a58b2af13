"""A wire to PostgreSQL that breaks at COMMIT: before it, after it, or so that it arrives late."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from enum import Enum

from tests.rig.carrier import Carrier


class Fault(Enum):
    """What becomes of the next COMMIT; its client always sees a connection that ends without an answer."""

    NEVER_ARRIVES = "the server is cut off with the client, and rolls back"
    NO_ANSWER = "the server commits, and nobody hears of it"
    ARRIVES_LATE = "the server commits when ``let_go`` is called; till then it waits in the transaction"


class FaultyWire(Carrier):
    """Plain TCP only, as TLS would hide the COMMIT."""

    def __init__(self, server_port: int) -> None:
        self.broken = threading.Event()  # a COMMIT met its fault
        self._fault: Fault | None = None
        self._late = threading.Event()
        super().__init__(server_port)

    def break_next_commit(self, fault: Fault) -> None:
        self.broken.clear()
        self._late.clear()
        self._fault = fault

    def let_go(self) -> None:
        """What is late arrives."""
        self._late.set()

    def close(self) -> None:
        self._late.set()
        super().close()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        # A ValueError says that close() was faster: the sockets have no number any more.
        with client, server, contextlib.suppress(OSError, ValueError):
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    octets = ready.recv(65_536)
                    if not octets:
                        return
                    if ready is client and b"COMMIT\0" in octets and self._fault is not None:
                        self._break(client, server, octets)
                        return
                    (server if ready is client else client).sendall(octets)

    def _break(self, client: socket.socket, server: socket.socket, octets: bytes) -> None:
        fault, self._fault = self._fault, None
        if fault is Fault.NO_ANSWER:
            server.sendall(octets)
            server.recv(65_536)
        client.shutdown(socket.SHUT_RDWR)
        self.broken.set()
        if fault is Fault.ARRIVES_LATE:
            self._late.wait(60)
            server.sendall(octets)
            server.recv(65_536)

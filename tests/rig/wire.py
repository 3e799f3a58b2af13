"""A wire to a server that can stand still, as a network that is cut: nothing ends, and nothing comes."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.rig.carrier import Carrier


class Wire(Carrier):
    """What comes while it is cut arrives later."""

    def __init__(self, server_port: int) -> None:
        self._flows = threading.Event()
        self._flows.set()
        super().__init__(server_port)

    def cut(self) -> None:
        self._flows.clear()

    def mend(self) -> None:
        self._flows.set()

    def close(self) -> None:
        self._flows.set()
        super().close()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        threading.Thread(target=self._carry_one_way, args=(server, client), daemon=True).start()
        self._carry_one_way(client, server)

    def _carry_one_way(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(65_536):
                self._flows.wait()
                sink.sendall(octets)
            self._flows.wait()
            sink.shutdown(socket.SHUT_WR)

"""An IMAP server that answers as it is told, however wrong."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CAPABILITIES = b"IMAP4rev1 NAMESPACE UNSELECT AUTH=PLAIN LITERAL+"
# What a server without surprises says, by verb; TAG is the command's.
SOUND = {
    b"CAPABILITY": b"* CAPABILITY " + CAPABILITIES + b"\r\nTAG OK done\r\n",
    b"AUTHENTICATE": b"+ \r\n",
    b"LOGIN": b"TAG OK in\r\n",
    b"NAMESPACE": b'* NAMESPACE (("" "/")) NIL NIL\r\nTAG OK done\r\n',
    b"EXAMINE": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK [READ-ONLY] done\r\n",
    b"SELECT": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK [READ-WRITE] done\r\n",
    b"UNSELECT": b"TAG OK done\r\n",
    b"NOOP": b"TAG OK done\r\n",
    b"LOGOUT": b"* BYE\r\nTAG OK done\r\n",
}
CLOSE = b"CLOSE"  # as an answer: end the connection
DRIBBLE = b"DRIBBLE"  # … say something now and then, and never come to an end


class ScriptedImap:
    """Serves one client after the other; ``said`` are the lines that they said."""

    def __init__(self, changes: dict[bytes, bytes], greeting: bytes) -> None:
        self.said: list[bytes] = []
        self._answers = {**SOUND, **changes}
        self._greeting = greeting
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        port: int = self._server.getsockname()[1]
        return port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(30)

    def verbs(self) -> list[bytes]:
        return [line.split()[1].upper() for line in self.said if len(line.split()) > 1]

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client:
                self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        try:
            client.sendall(self._greeting)
            tag = b""
            for line in _lines(client):
                self.said.append(line)
                words = line.split()
                if len(words) > 1 and words[0].isalnum():
                    tag = words[0]
                    answer = self._answers.get(words[1].upper(), b"TAG BAD unknown\r\n")
                else:  # the answer to a challenge
                    answer = b"TAG OK in\r\n"
                if answer == CLOSE:
                    return
                if answer == DRIBBLE:
                    _dribble(client)
                client.sendall(answer.replace(b"TAG", tag))
        except (OSError, ssl.SSLError):
            return


def _dribble(client: socket.socket) -> None:
    """Until the client goes."""
    client.settimeout(0.05)
    while True:
        client.sendall(b"*")
        with contextlib.suppress(TimeoutError):
            if not client.recv(1):
                return


def _lines(client: socket.socket) -> Iterator[bytes]:
    with client.makefile("rb") as stream:
        while line := stream.readline():
            yield line.rstrip(b"\r\n")


@contextmanager
def scripted_imap(
    changes: dict[bytes, bytes] | None = None, greeting: bytes = b"* OK ready\r\n"
) -> Iterator[ScriptedImap]:
    server = ScriptedImap(changes or {}, greeting)
    server.start()
    try:
        yield server
    finally:
        server.stop()

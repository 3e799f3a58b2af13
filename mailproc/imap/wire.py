"""The octets of one IMAP connection, below the standard library's protocol machine.

imaplib sends commands and sorts responses; this class gives it a socket of ours, because its own cannot be
interrupted from another thread, reads no line above 1,000,000 octets (a SEARCH in a large mailbox), and
cannot tell whether something waits to be read.  All of it blocks, each step for ``timeout`` seconds at most.
"""

from __future__ import annotations

import contextlib
import imaplib
import select
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

LONGEST_LINE = 64 * 1024 * 1024  # octets
_PIECE = 64 * 1024  # sent or received at once: each has the time-out for itself


class Wire(imaplib.IMAP4):
    """imaplib over a connected socket.  Raises what imaplib raises, and OSError."""

    def __init__(self, connected: socket.socket, host: str, timeout: float) -> None:
        self._socket = connected
        self._buffer = bytearray()
        connected.settimeout(timeout)
        # Commands are small and the answer is waited for: never let Nagle's algorithm hold one back.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        super().__init__(host)

    # What imaplib calls

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        self.host = host
        self.port = port
        self.sock = self._socket

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size and self._receive():
            pass
        return self._take(size)

    def readline(self) -> bytes:
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if start > LONGEST_LINE:
                raise self.abort(f"a line of more than {LONGEST_LINE} octets")
            if not self._receive():
                return self._take(start)
        return self._take(end + 1)

    def send(self, data: Buffer) -> None:
        octets = memoryview(data)
        for start in range(0, len(octets), _PIECE):
            self._socket.sendall(octets[start : start + _PIECE])

    def shutdown(self) -> None:
        """Close; may be called twice."""
        self.interrupt()
        self._socket.close()

    # What imaplib has not

    def encrypt(self, context: ssl.SSLContext) -> None:
        """STARTTLS (RFC 3501 section 6.2.1).  What came before, in plain text, counts no more."""
        self.command("STARTTLS")
        self._buffer.clear()
        self._socket = self.sock = context.wrap_socket(self._socket, server_hostname=self.host)

    def command(self, verb: str, *words: bytes) -> None:
        """Send a line and read up to its tagged OK; Refusal for NO and BAD.

        Untagged responses, and response codes, are in ``untagged_responses`` until the next command.
        """
        tag = self._say(verb, words, b"\r\n")
        self.complete(verb, tag)

    def begin(self, verb: str, *words: bytes) -> bytes:
        """Send a command without the end of its line; the tag."""
        return self._say(verb, words, b"")

    def complete(self, verb: str, tag: bytes) -> None:
        """Read up to the tagged response of a command that was sent whole."""
        kind, texts = self._get_tagged_response(tag)
        self._check_bye()
        if kind != "OK":
            raise Refusal(verb, kind, texts[-1].decode("utf-8", "replace"))

    def may_continue(self, tag: bytes) -> bool:
        """Read up to the server's "+"; False where it refuses instead."""
        while self._get_response() is not None:
            if self.tagged_commands[tag] is not None:
                return False
        return True

    def next_response(self) -> None:
        """Read one untagged response that nobody asked for."""
        self._get_response()
        self._check_bye()

    def waits(self, seconds: float) -> bool:
        """Whether something can be read, now or within so many seconds."""
        if self._buffer or (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
            return True
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def interrupt(self) -> None:
        """Make whoever waits for this connection fail at once; from any thread."""
        with contextlib.suppress(OSError):
            # Not SSLSocket's own method: it would take the session away from under the other thread.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _say(self, verb: str, words: tuple[bytes, ...], end: bytes) -> bytes:
        self._check_bye()
        self.untagged_responses.clear()
        tag: bytes = self._new_tag()
        self.send(b" ".join((tag, verb.encode(), *words)) + end)
        return tag

    def _receive(self) -> bool:
        received = self._socket.recv(_PIECE)
        self._buffer += received
        return bool(received)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


class Refusal(imaplib.IMAP4.error):
    """A tagged NO or BAD; ``text`` is the rest of its line."""

    def __init__(self, verb: str, kind: str, text: str) -> None:
        super().__init__(f"{verb}: {kind} {text}")
        self.verb = verb
        self.kind = kind
        self.text = text

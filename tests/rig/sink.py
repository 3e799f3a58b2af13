"""An SMTP server that keeps what it is given: the customers' side of the relay."""

from __future__ import annotations

import socketserver
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from tests.rig.ports import free_port


@dataclass(frozen=True)
class Caught:
    """One mail as it came over the wire."""

    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> Message:
        return message_from_bytes(self.raw)


@dataclass
class _Transaction:
    mail_from: str = ""
    recipients: list[str] = field(default_factory=list)


class Sink:
    """Listens on ``port`` from ``start`` to ``stop``; ``refusals`` maps a recipient to the reply it gets."""

    def __init__(self) -> None:
        self.port = free_port()
        self.refusals: dict[str, str] = {}
        self._caught: list[Caught] = []
        self._changed = threading.Condition()
        self._server: _Server | None = None

    def start(self) -> None:
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def catch(self, caught: Caught) -> None:
        with self._changed:
            self._caught.append(caught)
            self._changed.notify_all()

    @property
    def caught(self) -> tuple[Caught, ...]:
        with self._changed:
            return tuple(self._caught)

    def wait_for(self, count: int, *, seconds: float = 30.0) -> tuple[Caught, ...]:
        """All mails caught, as soon as there are ``count`` of them."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._caught) >= count, seconds):
                raise AssertionError(f"{len(self._caught)} of {count} mails within {seconds:g} s")
            return tuple(self._caught)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        super().__init__(("127.0.0.1", sink.port), _Session)


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._transaction = _Transaction()
        with suppress(ConnectionResetError):  # who writes was killed
            self._converse()

    def _converse(self) -> None:
        self._say("220 sink.example ESMTP")
        while line := self.rfile.readline():
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                self._say("221 2.0.0 bye")
                return
            self._say(self._answer(verb.upper(), rest))

    def _answer(self, verb: str, rest: str) -> str:
        match verb:
            case "EHLO":
                return "250-sink.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING"
            case "MAIL":
                self._transaction = _Transaction(mail_from=_path(rest))
                return "250 2.1.0 ok"
            case "RCPT":
                return self._add_recipient(_path(rest))
            case "DATA" if self._transaction.recipients:
                return self._read_mail()
            case "DATA":
                return "503 5.5.1 no recipients"
            case "RSET" | "NOOP":
                return "250 2.0.0 ok"
            case _:
                return "502 5.5.1 what?"

    def _add_recipient(self, recipient: str) -> str:
        if refusal := self.server.sink.refusals.get(recipient):
            return refusal
        self._transaction.recipients.append(recipient)
        return "250 2.1.5 ok"

    def _read_mail(self) -> str:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return "451 4.3.0 cut short"
            lines.append(line.removeprefix(b"."))
        transaction = self._transaction
        self.server.sink.catch(
            Caught(transaction.mail_from, tuple(transaction.recipients), b"".join(lines)),
        )
        return "250 2.0.0 kept"

    def _say(self, reply: str) -> None:
        self.wfile.write(reply.encode() + b"\r\n")


def _path(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]

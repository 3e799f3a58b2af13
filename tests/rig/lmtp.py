"""A plain LMTP client (RFC 2033) that reads one reply per recipient, as ``smtplib.LMTP`` does not."""

from __future__ import annotations

import socket
from types import TracebackType


class LmtpClient:
    """One session.  Every method raises OSError or EOFError when the server goes away."""

    def __init__(self, port: int, *, timeout: float = 60.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._lines = self._socket.makefile("rb")
        try:
            self.greeting = self.reply()
            self.offers = self.command("LHLO client.example")
        except (OSError, EOFError):
            self.close()
            raise

    def __enter__(self) -> LmtpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def reply(self) -> str:
        """One reply, its lines joined by newlines."""
        lines = []
        while True:
            line = self._lines.readline()
            if not line.endswith(b"\n"):
                raise EOFError("the server closed the connection")
            lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            if line[3:4] != b"-":
                return "\n".join(lines)

    def command(self, line: str) -> str:
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def deliver(self, mail_from: str, recipients: list[str], raw: bytes) -> list[str]:
        """The last reply for each recipient, in order: that of RCPT where refused, else that of DATA."""
        sender = self.command(f"MAIL FROM:<{mail_from}>")
        if not sender.startswith("250"):
            return [sender] * len(recipients)
        answers = [self.command(f"RCPT TO:<{recipient}>") for recipient in recipients]
        accepted = [number for number, answer in enumerate(answers) if answer.startswith("250")]
        if not accepted:
            self.command("RSET")
            return answers
        go_on = self.command("DATA")
        if not go_on.startswith("354"):
            return [go_on if number in accepted else answer for number, answer in enumerate(answers)]
        self.send(dot_stuffed(raw) + b".\r\n")
        for number in accepted:
            answers[number] = self.reply()
        return answers


def dot_stuffed(raw: bytes) -> bytes:
    """RFC 5321 section 4.5.2; ``raw`` must end with CRLF."""
    stuffed = raw.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if raw.startswith(b".") else stuffed

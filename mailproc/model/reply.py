"""SMTP and LMTP replies, each named once (RFC 5321 section 4.2, RFC 3463)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply code, an enhanced status code and a text that may be shown to any peer."""

    code: int
    status: str
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.status} {self.text}"

    @property
    def is_permanent(self) -> bool:
        return self.code >= 500

    @property
    def is_success(self) -> bool:
        return 200 <= self.code < 300


class MailError(Exception):
    """A failure whose reply is known; the peer may see the reply, never the cause."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


ACCEPTED = Reply(250, "2.0.0", "Accepted")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient ok")
CLOSING = Reply(421, "4.3.2", "Shutting down, try again later")  # RFC 3463 section 3.4
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections, try again later")
IDLE_TOO_LONG = Reply(421, "4.4.2", "Connection timed out")
TOO_MANY_USELESS_COMMANDS = Reply(421, "4.7.0", "Too many commands without mail")
LOCAL_ERROR = Reply(451, "4.3.0", "Local error, try again later")  # RFC 3463 section 3.4
BACKLOG_FULL = Reply(451, "4.3.2", "Too much mail waits here, try again later")
STORE_BUSY = Reply(451, "4.3.0", "Mail store not available, try again later")
STORE_FULL = Reply(452, "4.3.1", "Mail store full, try again later")
TOO_MANY_RECIPIENTS = Reply(
    452, "4.5.3", "Too many recipients in one transaction"
)  # RFC 5321 section 4.5.3.1.10
TOO_MANY_LARGE_MAILS = Reply(452, "4.3.1", "Too many large mails at once, try again later")
BAD_ADDRESS_SYNTAX = Reply(501, "5.1.3", "Bad address syntax")
NO_SUCH_DESK = Reply(550, "5.1.1", "No such address here")  # RFC 3463 section 3.2
TOO_LARGE = Reply(552, "5.3.4", "Message is larger than this server accepts")  # RFC 1870 section 6.1
LINE_TOO_LONG = Reply(500, "5.5.2", "Line too long")  # a command line, RFC 5321 section 4.5.3.1.4
BARE_NEWLINE = Reply(550, "5.5.2", "Bare CR or LF received")  # RFC 5321 section 2.3.8
LOGIN_UNAVAILABLE = Reply(454, "4.7.0", "Temporary authentication failure")  # RFC 4954 section 4.7

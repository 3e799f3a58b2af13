"""One IMAP session, in one thread: connect, log in, ask.

Everything blocks; ``client`` makes it awaitable.  What is raised to the outside, by ``run``, is ImapDown or
ImapRefused.  Nothing stays selected between two calls, because the STATUS of a selected mailbox may be stale
(RFC 3501 section 6.3.10), and what is only read is selected read-only (EXAMINE).
"""

from __future__ import annotations

import contextlib
import imaplib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import TypeVar

from mailproc.imap import responses
from mailproc.imap.authentication import enter
from mailproc.imap.failure import ImapDown, ImapRefused
from mailproc.imap.mailbox import Namespace
from mailproc.imap.responses import Piece
from mailproc.imap.settings import ImapSettings
from mailproc.imap.wire import Refusal, Wire

T = TypeVar("T")

# What IMAP4rev2 has of itself (RFC 9051 appendix E), as far as we ask for it.
_IN_REV2 = frozenset({"NAMESPACE", "ENABLE", "UNSELECT", "UIDPLUS", "IDLE", "LIST-STATUS", "MOVE"})


class Session:
    """A connection to one server; only ``interrupt`` may be called by another thread."""

    def __init__(self, settings: ImapSettings, tls_context: ssl.SSLContext | None = None) -> None:
        """``tls_context`` is for who has made one already; else it is made of ``settings.ca_file``."""
        self.settings = settings
        self._given_context = tls_context
        self.offered: frozenset[str] = frozenset()
        self.namespaces: tuple[Namespace, ...] = ()
        self._wire: Wire | None = None
        self._interrupted = False

    def run(self, job: Callable[[Session], T]) -> T:
        """Do something with this session; whatever goes wrong becomes ImapDown or ImapRefused."""
        try:
            return job(self)
        except imaplib.IMAP4.error as error:
            raise ImapDown(f"{self.settings.name}: {_reason(error)}") from None
        except ssl.SSLCertVerificationError as error:
            raise ImapDown(f"{self.settings.name}: certificate: {error.verify_message}") from None
        except TimeoutError:
            raise ImapDown(f"{self.settings.name}: no answer in time") from None
        except OSError as error:
            raise ImapDown(f"{self.settings.name}: {error.strerror or error}".lower()) from None
        except responses.Unsayable as error:
            raise ImapRefused("", "BAD", str(error)) from None
        except (ValueError, LookupError, TypeError) as error:
            raise ImapDown(f"{self.settings.name}: an answer that was not understood: {error}") from error

    # Opening and closing

    def open(self) -> None:
        """Connect and log in."""
        self.connect()
        if not self.is_let_in:  # PREAUTH needs no login
            self.log_in()
        self._learn_what_is_offered(self.wire)
        if self.offers("NAMESPACE"):
            self.namespaces = responses.namespaces(self.ask("NAMESPACE"))
        else:
            (root, *_) = responses.folders(self.ask("LIST", b'""', b'""'))
            self.namespaces = (Namespace("", root.separator),)

    def connect(self) -> None:
        """With TLS as set; nobody is logged in, except where the server lets everybody in (PREAUTH)."""
        self._wire = wire = self._connected()
        if self._interrupted:
            raise ImapDown("closed while it was opened")
        if self.settings.tls == "starttls":
            wire.encrypt(self._tls_context())
            self._learn_what_is_offered(wire)

    @property
    def is_let_in(self) -> bool:
        return self.wire.state == "AUTH"

    def log_in(self) -> None:
        """LoginRefused where that is hopeless."""
        enter(self.wire, self.settings)

    def logout(self) -> None:
        self.command("LOGOUT")

    def close(self) -> None:
        """Let go of the socket; nothing is said to the server."""
        if self._wire is not None:
            self._wire.shutdown()

    def interrupt(self) -> None:
        """Whatever this session waits for fails at once; from any thread."""
        self._interrupted = True
        if self._wire is not None:
            self._wire.interrupt()

    def offers(self, capability: str) -> bool:
        return capability in self.offered or (capability in _IN_REV2 and "IMAP4REV2" in self.offered)

    # Asking

    @property
    def wire(self) -> Wire:
        if self._wire is None:
            raise ImapDown("not connected")
        return self._wire

    def command(self, verb: str, *words: bytes) -> None:
        """Say something; ImapRefused for NO and BAD."""
        try:
            self.wire.command(verb, *words)
        except Refusal as refusal:
            raise refused(refusal) from None

    def ask(self, verb: str, *words: bytes, response: str = "") -> list[Piece | None]:
        """Say something, and what came as untagged ``response`` (by default, the verb) or response code."""
        self.command(verb, *words)
        return self.told(response or verb)

    def told(self, response: str) -> list[Piece | None]:
        """Untagged responses of one kind, or a response code, to the last command."""
        return list(self.wire.untagged_responses.get(response, []))

    @contextlib.contextmanager
    def selected(self, mailbox: str, *, uidvalidity: int | None = None, write: bool = False) -> Iterator[int]:
        """Have a mailbox selected; its UIDVALIDITY.

        ImapRefused [UIDVALIDITY] where it is not the expected one: the UIDs that the caller knows would name
        other mails.  [NOPERM] where it is to be written and can only be read.
        """
        self.command("SELECT" if write else "EXAMINE", responses.mailbox_name(mailbox))
        told = self.told("UIDVALIDITY")
        found = int(told[-1]) if told and isinstance(told[-1], bytes) else 0
        is_read_only = bool(self.told("READ-ONLY"))
        try:
            if uidvalidity is not None and uidvalidity != found:
                raise ImapRefused("SELECT", "UIDVALIDITY", f"{mailbox} was made anew")
            if write and is_read_only:
                raise ImapRefused("SELECT", "NOPERM", f"{mailbox} can only be read")
            yield found
        except ImapRefused:
            self._unselect(mailbox, is_read_only or not write)
            raise
        self._unselect(mailbox, is_read_only or not write)

    def _unselect(self, mailbox: str, is_read_only: bool) -> None:
        if self.offers("UNSELECT"):
            self.command("UNSELECT")
            return
        if not is_read_only:  # CLOSE would expunge what agents have marked
            self.command("EXAMINE", responses.mailbox_name(mailbox))
        self.command("CLOSE")

    def _connected(self) -> Wire:
        settings = self.settings
        connected = socket.create_connection((settings.host, settings.port), settings.timeout)
        try:
            if settings.tls == "implicit":
                connected = self._tls_context().wrap_socket(connected, server_hostname=settings.host)
            return Wire(connected, settings.host, settings.timeout)
        except BaseException:
            connected.close()
            raise

    def _tls_context(self) -> ssl.SSLContext:
        return self._given_context or ssl.create_default_context(cafile=self.settings.ca_file or None)

    def _learn_what_is_offered(self, wire: Wire) -> None:
        wire.command("CAPABILITY")
        line = b" ".join(piece for piece in self.told("CAPABILITY") if isinstance(piece, bytes))
        self.offered = frozenset(line.decode("ascii").upper().split())
        wire.capabilities = tuple(self.offered)


def refused(refusal: Refusal) -> ImapRefused:
    code, text = responses.code_of(refusal.text)
    return ImapRefused(refusal.verb, code or ("BAD" if refusal.kind == "BAD" else ""), text)


def _reason(error: Exception) -> str:
    text = str(error)
    if text.endswith("socket error: EOF"):
        return "the server closed the connection"
    return text.removeprefix("socket error: ")

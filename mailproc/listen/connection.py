"""One connection: its commands, its time-outs, and a reply for everything that is owed.

Built on aiosmtpd's protocol class, with these differences:

- whatever happens after 354 (an error of ours, a time-out, a shutdown), the client gets as many
  replies as it waits for;
- our own fault is 451 or 421, never 5xx, and the text of an exception stays in the log;
- the idle time-out starts anew with every octet from the client, and does not run while it is our turn;
- a client that closes only its sending side still gets its replies;
- what comes in goes to a ``Wire``, not to the ``StreamReader``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, cast

from aiosmtpd.smtp import SMTP

from mailproc.failpoint import NO_FAILPOINTS, FailPoints
from mailproc.listen.intake import Intake
from mailproc.listen.limits import Gate, ListenLimits
from mailproc.listen.replies import UNKNOWN_COMMAND
from mailproc.listen.wire import LineTooLong, Wire
from mailproc.model.reply import (
    CLOSING,
    IDLE_TOO_LONG,
    LINE_TOO_LONG,
    LOCAL_ERROR,
    TOO_MANY_CONNECTIONS,
    TOO_MANY_USELESS_COMMANDS,
    MailError,
    Reply,
)

log = logging.getLogger("mailproc.listen")

_LINGER = 5.0  # seconds in which a client may still read our last reply
_USEFUL = frozenset({"MAIL", "RCPT", "DATA", "QUIT"})


@dataclass(frozen=True, slots=True)
class Service:
    """What the connections of a listener share; ``accepting`` are the mails that are being taken over."""

    intake: Intake
    limits: ListenLimits
    hostname: str
    gate: Gate
    failpoints: FailPoints = NO_FAILPOINTS
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    retiring: asyncio.Event = field(default_factory=asyncio.Event)
    connections: set[Connection] = field(default_factory=set)
    accepting: set[asyncio.Task[Sequence[Reply]]] = field(default_factory=set)


class Goodbye(Exception):
    """The session ends with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Connection(SMTP):
    """The frame of a session; its commands are the ``smtp_VERB`` methods of subclasses."""

    protocol_name: ClassVar[str]  # as the greeting says it
    _command_names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._command_names = tuple(name for name in dir(cls) if name.startswith(("smtp_", "auth_")))

    def __dir__(self) -> Sequence[str]:
        # aiosmtpd searches every new session for its commands, which took a third of the session's time.
        return self._command_names

    def __init__(self, service: Service) -> None:
        limits = service.limits
        super().__init__(
            None,
            data_size_limit=limits.size,
            enable_SMTPUTF8=True,
            hostname=service.hostname,
            timeout=min(limits.idle, limits.total),
            loop=asyncio.get_running_loop(),
        )
        self._service = service
        self.closed: asyncio.Future[None] = self.loop.create_future()  # done when the connection is gone
        self._wire = Wire(self.loop)
        self._leave_gate: Callable[[], None] | None = None
        self._unsent = ""  # replies
        self._owed = 0  # replies that the client waits for since it was sent 354
        self._useless = 0
        self._our_turn = False
        self._heard = self._due = self.loop.time()  # of the last octet; by when a mail must be done
        self._abort: asyncio.TimerHandle | None = None

    # What the event loop tells us.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._leave_gate = self._service.gate.admit(transport.get_extra_info("peername"))
        self._service.connections.add(self)
        self._wire.connect(cast(asyncio.ReadTransport, transport))
        self._expect_mail()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._heard = self.loop.time()
        self._wire.feed(data)

    def eof_received(self) -> bool | None:
        # aiosmtpd cancels the session here; what the client sent before is still answered.
        self._wire.feed_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self._abort:
            self._abort.cancel()
        if self._leave_gate:
            self._leave_gate()
        self._service.connections.discard(self)
        self.closed.set_result(None)

    def _timeout_cb(self) -> None:
        now = self.loop.time()
        heard = now if self._our_turn else self._heard
        left = min(heard + self._service.limits.idle, self._due) - now
        if left > 0:
            self._reset_timeout(min(left, self._timeout_duration))
            return
        log.info("peer=%s timed_out owed=%d", self.peer, self._owed)
        self.end(IDLE_TOO_LONG)

    # What the listener asks for.

    def finish(self) -> None:
        """End because of a shutdown: after the reply to a mail that is on its way, else now."""
        if not self._owed:
            self.end(CLOSING)

    def retire(self) -> None:
        """End because others serve from now on: who waits for another mail comes again."""
        if self._is_between_mails():
            self.end(CLOSING)

    def _is_between_mails(self) -> bool:
        """Whether a mail was brought, and no other is begun."""
        return False

    def end(self, reply: Reply) -> None:
        """Give ``reply`` once for each reply that is owed, and close, whatever goes on."""
        self._write([reply] * max(1, self._owed))
        self._owed = 0
        if self._handler_coroutine:
            self._handler_coroutine.cancel()
        self._close()

    def abort(self) -> None:
        """Drop the connection with all that the client has not read."""
        self._writer.transport.abort()

    # The conversation.

    @property
    def peer(self) -> str:
        """The client's address for the log."""
        peer = self.session.peer if self.session else None
        return f"[{peer[0]}]:{peer[1]}" if isinstance(peer, tuple) else "local"

    async def _handle_client(self) -> None:
        try:
            await self._converse()
        except Goodbye as goodbye:
            self._write([goodbye.reply])
        except (EOFError, OSError) as error:
            log.debug("peer=%s left owed=%d: %s", self.peer, self._owed, error)
        except Exception:
            log.exception("peer=%s session failed", self.peer)
            self._write([LOCAL_ERROR] * max(1, self._owed))
        finally:
            self._close()

    async def _converse(self) -> None:
        if self._leave_gate is None:
            log.info("peer=%s refused: too many connections", self.peer)
            raise Goodbye(TOO_MANY_CONNECTIONS)
        if self._service.stopping.is_set():
            raise Goodbye(CLOSING)
        await self._send(f"220 {self.hostname} {self.protocol_name} mailproc")
        while True:
            try:
                await self._obey(await self._wire.line())
            except LineTooLong:
                self._count_useless()
                await self._say(LINE_TOO_LONG)
            except MailError as refusal:
                await self._say(refusal.reply)

    async def _obey(self, line: bytes) -> None:
        verb_octets, _, argument = line.partition(b" ")
        verb = verb_octets.decode("ascii", "replace").upper()
        if verb not in _USEFUL:
            self._count_useless()
        method = self._smtp_methods.get(verb)
        if method is None:
            raise MailError(UNKNOWN_COMMAND)
        await method(argument.decode("utf-8", "surrogateescape").strip())

    def _count_useless(self) -> None:
        self._useless += 1
        if self._useless > self._service.limits.useless_commands:
            log.info("peer=%s refused: %d commands without mail", self.peer, self._useless)
            raise Goodbye(TOO_MANY_USELESS_COMMANDS)

    def _expect_mail(self) -> None:
        """From now on the client has the time for one mail."""
        self._due = self.loop.time() + self._service.limits.total

    @contextlib.contextmanager
    def _while_we_work(self) -> Iterator[None]:
        self._our_turn = True
        try:
            yield
        finally:
            self._our_turn = False
            self._heard = self.loop.time()

    async def _say(self, reply: Reply) -> None:
        """Reply to a command; replies to commands of one batch leave in one (RFC 2920 section 3.2)."""
        self._unsent += _line(reply)
        if not self._wire.has_line:
            self._flush()
            await self._writer.drain()

    async def _send(self, *lines: str) -> None:
        self._unsent += "".join(f"{line}\r\n" for line in lines)
        self._flush()
        await self._writer.drain()

    def _write(self, replies: Sequence[Reply]) -> None:
        self._unsent += "".join(map(_line, replies))
        self._flush()

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, ""
        if unsent and not self._writer.is_closing():
            self._writer.write(unsent.encode("utf-8", "replace"))

    def _close(self) -> None:
        self._flush()
        # close() waits until the client has read everything, which it may never do.
        self._writer.close()
        if self.transport is not None and self._abort is None:
            self._abort = self.loop.call_later(_LINGER, self.abort)


def _line(reply: Reply) -> str:
    """A reply as one line, whatever its text: the client counts lines."""
    text = str(reply)
    return f"{text if text.isprintable() else ' '.join(text.split())}\r\n"

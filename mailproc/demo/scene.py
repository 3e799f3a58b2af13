"""The main job on embedded parts: a real daemon in a temporary directory, a sink in place of the relay."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from mailproc.desk.status import status
from mailproc.listen.limits import ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.smtp import SmtpSession
from mailproc.mime.compose import compose
from mailproc.mime.reader import Mail, read
from mailproc.model.address import Address
from mailproc.model.reply import ACCEPTED, RECIPIENT_OK, Reply
from mailproc.model.ticket import Message, Ticket
from mailproc.store.sqlite import SqliteStore
from mailproc.store.tickets import TicketFilter

DESK = "support@example.org"
CUSTOMER = "carla@customer.example"
LOG = "daemon.log"  # beside the configuration
PATIENCE = 20.0  # seconds for any one step

CONFIGURATION = """\
hostname = "mail.example.org"
data_dir = "state"

[store]
url = "sqlite:state/mailproc.db"

[lmtp]
listen = ["127.0.0.1:{lmtp}"]

[smtp]
listen = ["127.0.0.1:{smtp}"]

[relay]
address = "127.0.0.1:{relay}"

[desk.support]
name      = "Example Support"
addresses = ["support@example.org", "help@example.org"]
folder    = "Support"
agents    = ["alice", "bob"]

[agent.alice]
name    = "Alice Ang"
address = "alice@example.org"

[agent.bob]
name    = "Bob Bor"
address = "bob@example.org"
"""


class DemoFailed(Exception):
    """A step did not do what it should; the text says which."""


@dataclass(frozen=True, slots=True)
class Ports:
    lmtp: int
    smtp: int
    relay: int


@dataclass
class Sink:
    """Takes what mailproc sends, in place of Postfix and the customers behind it."""

    mails: list[tuple[Sequence[Address], Mail]] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def recipient(self, address: Address) -> Reply:
        return RECIPIENT_OK

    async def accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        self.mails.append((recipients, read(raw)))
        self._arrived.set()
        return [ACCEPTED] * len(recipients)

    async def wait(self, count: int) -> Mail:
        """The mail number ``count``, counted from 1."""
        while len(self.mails) < count:
            self._arrived.clear()
            async with asyncio.timeout(PATIENCE):
                await self._arrived.wait()
        return self.mails[count - 1][1]


@dataclass(frozen=True)
class Scene:
    """A running demo."""

    configuration: Path
    ports: Ports
    sink: Sink
    store: SqliteStore
    say: Callable[[str], None]


@asynccontextmanager
async def staged(folder: Path, say: Callable[[str], None]) -> AsyncIterator[Scene]:
    """Write the configuration, start sink and daemon, and end both."""
    relay = _bound_socket()
    ports = Ports(_free_port(), _free_port(), relay.getsockname()[1])
    configuration = folder / "mailproc.toml"
    configuration.write_text(CONFIGURATION.format(lmtp=ports.lmtp, smtp=ports.smtp, relay=ports.relay))
    sink = Sink()
    listener = Listener(SmtpSession, sink, hostname="relay.example.org", limits=ListenLimits())
    await listener.start([relay])
    daemon = await _start_daemon(configuration)
    store = SqliteStore(folder / "state" / "mailproc.db")
    try:
        yield Scene(configuration, ports, sink, store, say)
    finally:
        await store.close()
        daemon.terminate()
        await daemon.communicate()
        await listener.stop(0.0)


async def play(scene: Scene) -> None:
    """Customer, ticket, acknowledgement, follow-up, and an automatic mail that gets no answer."""
    say = scene.say
    say(f"1. {CUSTOMER} writes to {DESK}; the MTA hands the mail over by LMTP")
    say(f"   {await deliver(scene.ports.lmtp, CUSTOMER, DESK, _question())}")
    acknowledgement = await scene.sink.wait(1)
    ticket = (await _tickets(scene))[0]
    say(f"   {await _newest(scene, ticket, messages=1)}")
    say("2. the acknowledgement leaves through the relay")
    for name in ("From", "To", "Reply-To", "Subject", "Message-ID", "Auto-Submitted"):
        say(f"   {name}: {acknowledgement.header(name)}")
    say("3. the customer answers it, and the mail joins the ticket")
    await deliver(scene.ports.lmtp, CUSTOMER, acknowledgement.header("Reply-To"), _answer(acknowledgement))
    say(f"   {await _newest(scene, ticket, messages=2)}")
    say("4. the customer's out-of-office reply comes: kept, and no machine is answered")
    await deliver(scene.ports.lmtp, "", acknowledgement.header("Reply-To"), _absence(acknowledgement))
    say(f"   {await _newest(scene, ticket, messages=3)}")
    await _check(scene)


async def _check(scene: Scene) -> None:
    counts = await scene.store.read(status)
    parts = ("new", "follow_up", "duplicate", "ignored", "quarantined", "waiting")
    scene.say("5. everything adds up (mailproc status)")
    scene.say(f"   accepted {counts['accepted']} = " + " + ".join(f"{counts[part]} {part}" for part in parts))
    if (counts["accepted"], counts["new"], counts["follow_up"]) != (3, 1, 2) or len(scene.sink.mails) != 1:
        raise DemoFailed(f"unexpected counts {counts} and {len(scene.sink.mails)} mails sent")


async def _tickets(scene: Scene) -> list[Ticket]:
    return await scene.store.read(lambda tx: list(tx.tickets.matching(TicketFilter())))


async def _newest(scene: Scene, ticket: Ticket, *, messages: int) -> str:
    """Wait until the ticket has so many messages; say how the newest one came to it."""
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < messages:  # another process writes: there is no event to wait for
            await asyncio.sleep(0.05)
            found = await scene.store.read(lambda tx: tx.tickets.messages(ticket.id))
    newest = found[-1]
    state = (await scene.store.read(lambda tx: tx.tickets.get(ticket.id))).state
    kind = "" if newest.automatic == "none" else f" ({newest.automatic})"
    lines = [f"ticket {ticket.number} is {state.value}, mail {len(found)}{kind}"]
    return "\n   ".join([*lines, *(f"because {reason}" for reason in newest.joined_reasons[:3])])


def _question() -> bytes:
    return compose(
        [
            ("From", "Carla Customer <carla@customer.example>"),
            ("To", DESK),
            ("Subject", "My invoice for October is missing"),
            ("Date", formatdate(time.time())),
            ("Message-ID", "<question@customer.example>"),
        ],
        "Hello,\n\nwe did not get the invoice for October. Can you send it again?\n\nCarla Customer",
    )


def _answer(acknowledgement: Mail) -> bytes:
    return compose(
        [
            ("From", "Carla Customer <carla@customer.example>"),
            ("To", acknowledgement.header("Reply-To")),
            ("Subject", f"Re: {acknowledgement.subject}"),
            ("Date", formatdate(time.time())),
            ("Message-ID", "<answer@customer.example>"),
            ("In-Reply-To", acknowledgement.message_id),
        ],
        "It is for order 4711, by the way.\n\nCarla",
    )


def _absence(acknowledgement: Mail) -> bytes:
    return compose(
        [
            ("From", "Carla Customer <carla@customer.example>"),
            ("To", acknowledgement.header("Reply-To")),
            ("Subject", f"Out of office: {acknowledgement.subject}"),
            ("Date", formatdate(time.time())),
            ("Message-ID", "<absence@customer.example>"),
            ("In-Reply-To", acknowledgement.message_id),
            ("Auto-Submitted", "auto-replied"),
        ],
        "I am away until Monday.",
    )


async def deliver(port: int, sender: str, recipient: str, raw: bytes) -> str:
    """Hand one mail over by LMTP on loopback; return the reply to it, or raise DemoFailed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stuffed = raw.replace(b"\r\n.", b"\r\n..")
    try:
        async with asyncio.timeout(PATIENCE):
            await _reply(reader)
            for command in ("LHLO demo", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
                writer.write(command.encode() + b"\r\n")
                reply = await _reply(reader)
            writer.write(stuffed + b".\r\n")
            reply = await _reply(reader)
            writer.write(b"QUIT\r\n")
    finally:
        writer.close()
    if not reply.startswith("250"):
        raise DemoFailed(f"the mail was not taken: {reply}")
    return reply


async def _reply(reader: asyncio.StreamReader) -> str:
    while True:
        line = (await reader.readline()).decode().rstrip()
        if line[:1] in ("5", "4", ""):
            raise DemoFailed(f"unexpected reply: {line or 'connection closed'}")
        if line[3:4] != "-":
            return line


def _bound_socket() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def _start_daemon(configuration: Path) -> asyncio.subprocess.Process:
    log = configuration.with_name(LOG)
    with log.open("wb") as file:
        daemon = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mailproc", "-c", str(configuration), "serve"),
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
        )
    assert daemon.stdout is not None
    async with asyncio.timeout(PATIENCE):
        if b"ready" not in await daemon.stdout.readline():
            raise DemoFailed(f"the daemon did not start: {log.read_text()}")
    return daemon

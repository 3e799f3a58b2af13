"""What the demonstration is played on: a real daemon, a relay, an IMAP server, and two mail clients."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import argon2

from mailproc.demo.imap_server import Postboxes, serving
from mailproc.demo.wire import PATIENCE, DemoFailed
from mailproc.imap.client import ImapClient, ImapSettings
from mailproc.listen.limits import ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.smtp import SmtpSession
from mailproc.mime.reader import Mail, read
from mailproc.model.address import Address
from mailproc.model.reply import ACCEPTED, RECIPIENT_OK, Reply
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore

T = TypeVar("T")

LOG = "daemon.log"  # beside the configuration
FOLDER = "Support"
AGENTS = ("alice", "bob")
PASSWORD = "demo"  # of every agent; everything listens on loopback only
_DAEMON = "mailproc"  # its name at the IMAP server
_PAUSE = 0.05  # seconds; other processes act, and there is no event to wait for

_CONFIGURATION = """\
hostname = "mail.example.org"
data_dir = "state"

[store]
url = "sqlite:state/mailproc.db"

[lmtp]
listen = ["127.0.0.1:{ports.lmtp}"]

[smtp]
listen = ["127.0.0.1:{ports.smtp}"]

[submission]
listen = ["127.0.0.1:{ports.submission}"]

[relay]
address = "127.0.0.1:{ports.relay}"

[imap]
address  = "127.0.0.1:{ports.imap}"
tls      = "none"
user     = "mailproc"
password = "{secret}"

[desk.support]
name      = "Example Support"
addresses = ["support@example.org", "help@example.org"]
folder    = "Support"
agents    = ["alice", "bob"]

[agent.alice]
name          = "Alice Ang"
address       = "alice@example.org"
password_hash = "{hash}"

[agent.bob]
name          = "Bob Bor"
address       = "bob@example.org"
password_hash = "{hash}"
"""


@dataclass(frozen=True, slots=True)
class Ports:
    lmtp: int
    smtp: int
    submission: int
    relay: int
    imap: int


@dataclass
class Sink:
    """Takes what mailproc sends, in place of Postfix: agents get theirs in their INBOX, customers nowhere."""

    postboxes: Postboxes
    on_mail: Callable[[str, Mail], None]
    mails: list[tuple[str, Mail]] = field(default_factory=list)  # for whom, and what

    def recipient(self, address: Address) -> Reply:
        return RECIPIENT_OK

    async def accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        for recipient in recipients:
            if recipient.domain == "example.org" and recipient.local in AGENTS:
                await self.postboxes.deliver(recipient.local, raw)
            self.mails.append((str(recipient), read(raw)))
            self.on_mail(*self.mails[-1])
        return [ACCEPTED] * len(recipients)

    def to(self, recipient: str) -> list[Mail]:
        return [mail for whom, mail in self.mails if whom == recipient]


@dataclass(frozen=True)
class Scene:
    """A running demonstration."""

    configuration: Path
    ports: Ports
    sink: Sink
    store: SqliteStore
    clients: Mapping[str, ImapClient]  # each agent's, logged in
    say: Callable[[str], None]

    async def until(self, what: str, work: Callable[[Transaction], T | None]) -> T:
        """What ``work`` finds in the store, as soon as it finds something."""
        return await _until(what, lambda: self.store.read(work))

    async def mail_to(self, recipient: str, count: int) -> Mail:
        """The mail number ``count``, counted from 1, that leaves for somebody."""

        async def look() -> Mail | None:
            mails = self.sink.to(recipient)
            return mails[count - 1] if len(mails) >= count else None

        return await _until(f"mail {count} to {recipient}", look)

    async def copy_in(self, place: str, message_id: str) -> tuple[int, Mail]:
        """The copy of a mail in a mailbox below the team's folder: its UID, and the mail."""
        client, mailbox = self.clients[AGENTS[0]], f"{FOLDER}/{place}"

        async def look() -> tuple[int, Mail] | None:
            uids = await client.find(mailbox, "Message-ID", message_id)
            stored = await client.fetch(mailbox, uids[0]) if uids else None
            return (uids[0], read(stored.raw)) if stored else None

        return await _until(f"{message_id} in {mailbox}", look)

    async def move(self, agent: str, place: str, uid: int, target: str) -> None:
        """An agent drags a mail from one mailbox to another."""
        await self.clients[agent].move(f"{FOLDER}/{place}", [uid], f"{FOLDER}/{target}")


async def _until(what: str, look: Callable[[], Awaitable[T | None]]) -> T:
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if (found := await look()) is not None:
                    return found
                await asyncio.sleep(_PAUSE)
    except TimeoutError:
        raise DemoFailed(f"waited in vain for {what}") from None


@asynccontextmanager
async def staged(
    folder: Path, say: Callable[[str], None], on_mail: Callable[[str, Mail], None]
) -> AsyncIterator[Scene]:
    """Write the configuration, start everything, and end it."""
    relay, imap = _bound_socket(), _bound_socket()
    ports = Ports(_free_port(), _free_port(), _free_port(), _port_of(relay), _port_of(imap))
    secret = secrets.token_urlsafe()
    configuration = folder / "mailproc.toml"
    configuration.write_text(_CONFIGURATION.format(ports=ports, secret=secret, hash=_hash(PASSWORD)))
    configuration.chmod(0o600)
    async with AsyncExitStack() as stack:
        passwords = {_DAEMON: secret, **dict.fromkeys(AGENTS, PASSWORD)}
        sink = Sink(await stack.enter_async_context(serving(imap, passwords, FOLDER)), on_mail)
        listener = Listener(SmtpSession, sink, hostname="relay.example.org", limits=ListenLimits())
        await listener.start([relay])
        stack.push_async_callback(listener.stop, 0.0)
        await stack.enter_async_context(_daemon(configuration))
        store = SqliteStore(folder / "state" / "mailproc.db")
        stack.push_async_callback(store.close)
        clients = {agent: await stack.enter_async_context(_client(ports.imap, agent)) for agent in AGENTS}
        yield Scene(configuration, ports, sink, store, clients, say)


def _hash(password: str) -> str:
    """Cheap to check: it keeps no secret."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def _bound_socket() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


def _port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return _port_of(sock)


@asynccontextmanager
async def _client(port: int, agent: str) -> AsyncIterator[ImapClient]:
    client = ImapClient(ImapSettings("127.0.0.1", port, agent, PASSWORD, tls="none", timeout=PATIENCE))
    await client.connect()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def _daemon(configuration: Path) -> AsyncIterator[None]:
    log = configuration.with_name(LOG)
    with log.open("wb") as file:
        daemon = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mailproc", "-c", str(configuration), "serve"),
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
        )
    try:
        assert daemon.stdout is not None
        async with asyncio.timeout(PATIENCE):
            if b"ready" not in await daemon.stdout.readline():
                raise DemoFailed(f"the daemon did not start: {log.read_text()}")
        yield
    finally:
        if daemon.returncode is None:
            daemon.terminate()
        await daemon.communicate()

"""What the simulated desk works with: a real daemon whose clock it moves, IMAP, a relay, mail clients.

Customers hand mail over by LMTP, agents move copies by IMAP and send by submission; commands are the command
line's.  The IMAP server is the demonstration's, in a thread of this process.  The store is only read, to see
when something that was done has had its effect.
"""

from __future__ import annotations

import asyncio
import os
import smtplib
import socket
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from imapclient import IMAPClient  # type: ignore[import-untyped]

from mailproc.clock import VARIABLE
from mailproc.demo.imap_server import serving
from tests.rig.daemon import Daemon
from tests.rig.ports import free_port
from tests.rig.sink import Caught, Sink
from tests.rig.waiting import eventually

ROOT = "Desks"  # the folder above the desks'
AGENTS = ("alice", "bob", "carol")
PATIENCE = 60.0  # seconds for anything, on a machine that does much else; the tests themselves end after 120

_CONFIGURATION = """\
hostname = "mail.example.org"
data_dir = "state"
workers = 2

[store]
url = "sqlite:state/mailproc.db"

[lmtp]
listen = ["127.0.0.1:{lmtp}"]

[submission]
listen = ["127.0.0.1:{submission}"]

[relay]
address = "127.0.0.1:{relay}"

[imap]
address = "127.0.0.1:{imap}"
tls = "none"
user = "mailproc"
password = "mailproc"
poll = 0.3
quiet = 0.01

[stage.acknowledge]
per_sender = 100000
per_domain = 100000
total = 100000
unvouched = 100000
unvouched_per_sender = 100000

{desks}"""
_AGENT = """
[agent.{name}]
name = "{title}"
address = "{name}@example.org"
password_hash = "{password}"
"""


class SimulatedSite:
    """``rules`` is TOML with calendars, desks and the route stage."""

    def __init__(self, folder: Path, rules: str) -> None:
        self.clock = folder / "clock"
        self.clock.touch()
        self.sink = Sink()
        self.daemon = Daemon(folder, environment={VARIABLE: str(self.clock)})
        self._submission = free_port()
        self._imap = _ImapServer({"mailproc": "mailproc", **{agent: agent for agent in AGENTS}})
        self._clients: dict[str, IMAPClient] = {}
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # it keeps no secret
        agents = "".join(
            _AGENT.format(name=name, title=name.title(), password=hasher.hash(name)) for name in AGENTS
        )
        ports = {"lmtp": self.daemon.lmtp_port, "relay": self.sink.port, "imap": self._imap.port}
        text = _CONFIGURATION.format(**ports, submission=self._submission, desks=rules)
        self.daemon.configuration.write_text(text + agents)
        self.daemon.configuration.chmod(0o600)

    def start(self, at: int) -> None:
        """With the clock at this moment."""
        self.move_clock(at)
        self.sink.start()
        self._imap.start()
        self.daemon.start()

    def stop(self) -> None:
        for client in self._clients.values():
            client.shutdown()
        self.daemon.clean_up()
        self._imap.stop()
        self.sink.stop()

    def move_clock(self, at: int) -> None:
        os.utime(self.clock, (at, at))

    # Customers

    def hand_over(self, raw: bytes, *, sender: str, recipient: str) -> None:
        """By LMTP, with what an MTA found out about the sender (RFC 8601)."""
        if sender:
            domain = sender.rpartition("@")[2]
            found = f"Authentication-Results: mail.example.org; dmarc=pass header.from={domain}\r\n"
            raw = found.encode() + raw
        with self.daemon.lmtp() as client:
            (reply,) = client.deliver(sender, [recipient], raw)
        if not reply.startswith("250"):
            raise AssertionError(f"LMTP: {reply}")

    # Agents

    def submit(self, agent: str, letter: EmailMessage) -> None:
        with smtplib.SMTP("127.0.0.1", self._submission, "laptop.example", timeout=PATIENCE) as session:
            session.login(agent, agent)
            session.send_message(letter)

    def drag(self, agent: str, message_id: str, source: str, target: str) -> None:
        """Move the copy of a mail, as soon as the folder shows what the store says."""
        self.until("the folder", lambda: not self.rows("SELECT 1 FROM folder_work"))
        client = self._client(agent)

        def look() -> list[int]:
            client.select_folder(f"{ROOT}/{source}")
            uids: list[int] = client.search(["HEADER", "Message-ID", message_id])
            return uids

        (uid, *_) = eventually(look, seconds=PATIENCE)
        client.move([uid], f"{ROOT}/{target}")

    def lies_in(self, message_id: str, mailbox: str) -> list[tuple[bytes, ...]]:
        """The flags of each copy of a mail in a mailbox."""
        client = self._client(AGENTS[0])
        client.select_folder(f"{ROOT}/{mailbox}", readonly=True)
        uids = client.search(["HEADER", "Message-ID", message_id])
        return [tuple(each[b"FLAGS"]) for each in client.fetch(uids, ["FLAGS"]).values()] if uids else []

    def _client(self, agent: str) -> IMAPClient:
        if agent not in self._clients:
            client = IMAPClient("127.0.0.1", self._imap.port, ssl=False, timeout=PATIENCE)
            client.login(agent, agent)
            self._clients[agent] = client
        return self._clients[agent]

    # Seeing what became of it

    def rows(self, sql: str, **values: object) -> list[dict[str, Any]]:
        with closing(
            sqlite3.connect(f"file:{self.daemon.database}?mode=ro", uri=True, timeout=10)
        ) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]

    def until(self, what: str, look: Callable[[], bool]) -> None:
        """AssertionError, with the last lines of the log, where it does not come true."""
        try:
            eventually(look, seconds=PATIENCE, every=0.01)
        except AssertionError:
            raise AssertionError(f"waited in vain for {what}\n{self.daemon.log()[-2000:]}") from None

    def until_filed(self) -> None:
        """Every mail went through the chain."""
        self.until("the chain", lambda: not self.rows("SELECT 1 FROM delivery WHERE state = 'waiting'"))

    def left(self, recipient: str, since: int, about: str = "") -> Caught:
        """The mail that left for somebody after so many others, with this in its subject."""

        def look() -> list[Caught]:
            later = [each for each in self.sink.caught[since:] if each.recipients == (recipient,)]
            return [each for each in later if about in str(each.message["Subject"])]

        self.until(f"a mail to {recipient}", lambda: bool(look()))
        (caught,) = look()
        return caught


class _ImapServer:
    """In a thread with an event loop of its own."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.port: int = self._socket.getsockname()[1]
        self._passwords = passwords
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._ended.set()
            self._thread.join(PATIENCE)

    async def _serve(self) -> None:
        async with serving(self._socket, self._passwords, ROOT):
            while not self._ended.is_set():  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(0.1)

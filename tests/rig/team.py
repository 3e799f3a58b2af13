"""A team at work: a daemon, a Dovecot with the desks' folders, and agents with IMAP clients.

Agents are ``alice``, ``bob`` (desk support) and ``carol`` (both desks).  Tickets are looked up in the store
itself, because a command takes a second to start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imapclient import IMAPClient  # type: ignore[import-untyped]
from imapclient.exceptions import IMAPClientError  # type: ignore[import-untyped]

from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.injector import deliver
from tests.rig.mails import mail, subject_of
from tests.rig.waiting import eventually

SETTINGS = """
folder = "Support"
agents = ["alice", "bob", "carol"]
{desk}
[desk.sales]
name = "Example Sales"
addresses = ["sales@example.org"]
folder = "Sales"
agents = ["carol"]
chain = ["automatic", "ticket"]

[agent.alice]
address = "alice@example.org"
[agent.bob]
address = "bob@example.org"
[agent.carol]
address = "carol@example.org"

[imap]
address = "127.0.0.1:{port}"
tls = "none"
user = "mailproc"
password = "mailproc"
timeout = {timeout}
{imap}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """One mail in a folder."""

    mailbox: str
    uid: int
    raw: bytes


# What Dovecot says to connections that know a mailbox from before it was deleted and made again.
MADE_ANEW = ("deleted under us", "SERVERBUG", "session state is inconsistent")


@dataclass
class Team:
    """``daemon`` is not started yet; clients are made when they are first asked for."""

    dovecot: Dovecot
    daemon: Daemon
    clients: dict[str, IMAPClient] = field(default_factory=dict)

    def client(self, agent: str) -> IMAPClient:
        if agent not in self.clients:
            self.clients[agent] = self.dovecot.client(agent)
        return self.clients[agent]

    def log_out(self) -> None:
        for client in self.clients.values():
            client.shutdown()
        self.clients.clear()

    # Customers

    def write(self, number: int, **options: Any) -> None:
        """A customer's mail number ``number`` comes in."""
        assert deliver(self.daemon, mail(number, **options)).startswith("250")

    def write_and_see(self, number: int, mailbox: str = "Support/New") -> Shown:
        """The same, until agents see it."""
        self.write(number)
        return self.see(number, mailbox)

    # What agents see and do

    def find(self, number: int, agent: str = "alice", desks: tuple[str, ...] = ("Support",)) -> list[Shown]:
        """Where a customer's mail lies, in every mailbox of the desks; without those marked \\Deleted."""
        try:
            return [shown for desk in desks for shown in self._found(self.client(agent), number, desk)]
        except IMAPClientError as error:
            if not any(each in str(error) for each in MADE_ANEW):
                raise
            self.log_out()  # as a client does: it looks again on a new connection
            return []

    def _found(self, client: IMAPClient, number: int, desk: str) -> Iterator[Shown]:
        for flags, _, name in client.list_folders("", f"{desk}/*"):
            if {b"\\Noselect", b"\\NonExistent"} & set(flags):
                continue
            client.select_folder(name, readonly=True)
            uids = client.search(["UNDELETED", "HEADER", "Message-ID", f"mail-{number}@customer.example"])
            for uid, fetched in client.fetch(uids, ["BODY.PEEK[]"]).items() if uids else ():
                yield Shown(name, uid, fetched[b"BODY[]"])

    def see(self, number: int, mailbox: str, *, seconds: float = 40.0) -> Shown:
        """The one copy of a mail, as soon as it lies there and nowhere else."""

        def look() -> Shown | None:
            found = self.find(number, desks=(mailbox.partition("/")[0],))
            return found[0] if [each.mailbox for each in found] == [mailbox] else None

        return eventually(look, seconds=seconds, every=0.1)

    def move(self, number: int, target: str, *, agent: str = "alice", desk: str = "Support") -> None:
        """An agent moves the mail to another mailbox."""
        (shown,) = eventually(lambda: self.find(number, agent, (desk,)))
        client = self.client(agent)
        client.select_folder(shown.mailbox)
        client.move([shown.uid], target)

    # The store

    def row(self, number: int) -> dict[str, Any] | None:
        """The ticket that the customer's mail opened, by its subject."""
        rows = self.rows("SELECT * FROM ticket WHERE subject = ? ORDER BY id", subject_of(number))
        return rows[0] if rows else None

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        path = Path(self.daemon.database)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, parameters)]

    def becomes(self, number: int, state: str, owner: str = "", *, seconds: float = 40.0) -> None:
        """Wait until the ticket is in this state and somebody's."""

        def look() -> bool:
            row = self.row(number)
            return row is not None and (row["state"], row["owner"]) == (state, owner)

        eventually(look, seconds=seconds, every=0.05)

    def events(self, number: int) -> list[str]:
        row = self.row(number)
        assert row is not None
        found = self.rows("SELECT what FROM event WHERE ticket = ? ORDER BY id", row["id"])
        return [each["what"] for each in found]

    def notices(self, agent: str) -> list[str]:
        """The keys of what an agent was told."""
        found = self.rows(
            """
            SELECT key FROM outbox JOIN outbox_recipient ON outbox_recipient.outbox = outbox.id
            WHERE kind = 'notice' AND recipient = ?
            """,
            f"{agent}@example.org",
        )
        return [each["key"] for each in found]


def make_team(
    dovecot: Dovecot,
    daemon: Daemon,
    *,
    desk: str = "",
    imap: str = "restore_after = 4.0",
    timeout: float = 10.0,
) -> Team:
    """A team whose daemon has not started; ``desk`` and ``imap`` are further lines of those tables."""
    with daemon.configuration.open("a") as file:
        file.write(SETTINGS.format(desk=desk, port=dovecot.port, imap=imap, timeout=timeout))
    return Team(dovecot, daemon)

"""How soon an agent's move is in the database, on a real Dovecot: ``python -m bench.folder`` (as root).

Starts a Dovecot and ``mailproc serve`` in temporary folders, lets mails come in until so many lie in New, and
moves some of them with a mail client.  A move's time runs from the server's OK until the database has the new
owner.  Then a folder with more mails is read in whole, as at every start and once a minute.  Prints JSON.

    claim       New to @alice, moved one after another
    assign      @alice to @bob, the same mails
    at once     the same number of other mails, in one MOVE: until the last one has its owner
    cold, warm  all mails of a folder, unknown before, or known but looked at in full
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from imapclient import IMAPClient  # type: ignore[import-untyped]

from mailproc.imap.client import ImapClient
from mailproc.imap.mailbox import NewMail
from mailproc.imap.settings import ImapSettings
from mailproc.imap.sightings import Sightings
from mailproc.imap.snapshot import Snapshot
from mailproc.imap.tree import FolderNames, Tree
from mailproc.model.folder import CLOSED, NEW, agents_place
from mailproc.model.mac import Keyring
from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.injector import Injector
from tests.rig.team import make_team
from tests.rig.waiting import eventually

PLACES = (NEW, agents_place("alice"), agents_place("bob"), CLOSED)
LIMIT = 600.0  # seconds, for anything


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mails", type=int, default=5000, help="in New while agents move")
    parser.add_argument("--moves", type=int, default=20, help="of each kind")
    parser.add_argument("--full", type=int, default=20_000, help="mails of a full pass")
    options = parser.parse_args()
    dovecot = Dovecot(desks=("Support", "Sales", "Full"))
    dovecot.start()
    try:
        figures = measure_moves(dovecot, options.mails, options.moves)
        figures |= asyncio.run(measure_passes(dovecot, options.full))
    finally:
        dovecot.stop()
    print(json.dumps(figures, indent=2))


# Moves


def measure_moves(dovecot: Dovecot, mails: int, moves: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder, running(dovecot, Path(folder)) as daemon:
        began = time.monotonic()
        injector = Injector(daemon, range(mails), size=5000)
        injector.start()
        injector.join(LIMIT)
        with dovecot.client("alice") as client, closing(sqlite3.connect(daemon.database)) as store:
            eventually(lambda: count(client, "Support/New") == mails, seconds=LIMIT, every=0.1)
            shown = time.monotonic() - began
            client.select_folder("Support/New")
            some = client.search()
            single, together = some[:moves], some[moves : 2 * moves]
            claims = [move(client, store, "New", [uid], "alice") for uid in single]
            at_once = move(client, store, "New", together, "alice")
            client.select_folder("Support/@alice")
            assigns = [move(client, store, "@alice", [uid], "bob") for uid in client.search()[:moves]]
    return {
        "mails in New": mails,
        "shown after, from the first connection, s": round(shown, 1),
        "claim, s": spread(claims),
        "assign, s": spread(assigns),
        f"{moves} at once, s": round(at_once, 3),
    }


@contextmanager
def running(dovecot: Dovecot, folder: Path) -> Iterator[Daemon]:
    daemon = Daemon(folder, chain=("automatic", "ticket"))
    make_team(dovecot, daemon, imap="", timeout=30.0)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.clean_up()


def move(
    client: IMAPClient, store: sqlite3.Connection, source: str, uids: Sequence[int], agent: str
) -> float:
    """Seconds from the OK until all of them are the agent's."""
    before = owned(store, agent)
    client.select_folder(f"Support/{source}")
    client.move(uids, f"Support/@{agent}")
    began = time.monotonic()
    eventually(lambda: owned(store, agent) == before + len(uids), every=0.002)
    return time.monotonic() - began


def owned(store: sqlite3.Connection, agent: str) -> int:
    (number,) = store.execute("SELECT count(*) FROM ticket WHERE owner = ?", (agent,)).fetchone()
    return int(number)


def count(client: IMAPClient, mailbox: str) -> int:
    return int(client.folder_status(mailbox, ["MESSAGES"])[b"MESSAGES"])


def spread(seconds: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(seconds), 3), "worst": round(max(seconds), 3)}


# Full passes


async def measure_passes(dovecot: Dovecot, mails: int) -> dict[str, object]:
    keyring = Keyring.parse(f"k1 {secrets.token_hex(32)}")
    client = ImapClient(ImapSettings("127.0.0.1", dovecot.port, "mailproc", password="mailproc", tls="none"))
    await client.connect()
    tree = Tree("Full", PLACES, FolderNames(), client.namespaces)
    await tree.ensure(client)
    letters = [NewMail(letter(keyring, number)) for number in range(mails)]
    began = time.monotonic()
    for place, share in zip(
        PLACES, (letters[start :: len(PLACES)] for start in range(len(PLACES))), strict=True
    ):
        await client.append_many(tree.mailbox(place), share)
    appended = time.monotonic() - began
    snapshot, sightings = Snapshot(client, tree), Sightings(keyring)
    cold = await full_pass(snapshot, sightings)
    warm = await full_pass(snapshot, sightings)
    assert len(sightings.seen) == mails
    await client.close()
    return {
        "mails of a full pass": mails,
        "appended, a second": round(mails / appended),
        "cold, s": round(cold, 2),
        "warm, s": round(warm, 2),
    }


async def full_pass(snapshot: Snapshot, sightings: Sightings) -> float:
    began = time.monotonic()
    for place in await snapshot.refresh(full=True):
        sightings.update(place, snapshot.mails(place))
    return time.monotonic() - began


def letter(keyring: Keyring, number: int) -> bytes:
    head = (
        f"X-Mailproc-Id: {keyring.folder_id(f'm{number}')}\r\nX-Mailproc-Ticket: {number}\r\n"
        f"From: customer{number}@customer.example\r\nTo: support@example.org\r\n"
        f"Message-ID: <mail-{number}@customer.example>\r\nSubject: Printer number {number}\r\n\r\n"
    )
    return head.encode() + b"It is on fire, and nobody comes.\r\n" * 40


if __name__ == "__main__":
    main()

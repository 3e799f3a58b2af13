"""A copy whose mail lies in a bucket that is away is put off; nothing else of the desk waits for it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from mailproc.failpoint import NO_FAILPOINTS
from mailproc.imap.client import ImapClient
from mailproc.imap.mailbox import Namespace
from mailproc.imap.publish import Publisher
from mailproc.imap.reconcile import Put
from mailproc.imap.settings import ImapSettings
from mailproc.imap.stars import Stars
from mailproc.imap.tree import FolderNames, Tree
from mailproc.model.folder import CLOSED
from mailproc.model.ticket import Direction, MessageStatus, State
from mailproc.store.archived import ArchivedStore
from mailproc.store.bucket import Bucket, BucketPlace
from mailproc.store.folders import CopyRecord, message_name
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import open_sqlite
from mailproc.store.tickets import NewMessage
from tests.rig.ports import free_port
from tests.rig.tickets import new_ticket
from tests.unit.imap.world import NOW, make_site

RAW = b"Subject: old\r\n\r\nIt burns.\r\n"


def file(tx: Transaction) -> str:
    """A mail that lies in the bucket; the name of its copy."""
    digest = hashlib.sha256(RAW).digest()
    tx.deliveries.keep_raw(digest, RAW)
    tx.originals.let_go(digest)
    message = tx.tickets.add_message(
        tx.tickets.open(new_ticket("1", NOW, state=State.CLOSED)),
        NewMessage(
            delivery=None,
            sha256=digest,
            direction=Direction.IN,
            sender="carla@customer.example",
            recipients=(),
            subject="old",
            date=None,
            message_id="",
            size=len(RAW),
            automatic="none",
            at=NOW,
            status=MessageStatus.RECEIVED,
        ),
    )
    return message_name(message)


async def record(records: Sequence[CopyRecord]) -> None:
    raise AssertionError(f"nothing was put, yet it is recorded: {records}")


async def test_a_copy_that_cannot_be_made_now_is_tried_later(tmp_path: Path) -> None:
    away = Bucket(
        BucketPlace("s3://originals", 5.0, f"http://127.0.0.1:{free_port()}", "eu-central-1", "a", "b")
    )
    store = ArchivedStore(open_sqlite(tmp_path / "mailproc.db"), away)
    name = await store.write(file)
    site = make_site()
    client = ImapClient(ImapSettings("127.0.0.1", free_port(), "mailproc", password="x", tls="none"))
    tree = Tree("Support", [CLOSED], FolderNames(), [Namespace("", "/")])
    publisher = Publisher(
        site,
        site.desks["support"],
        store,
        client,  # not connected: it is not asked for anything
        tree,
        NO_FAILPOINTS,
        lambda place: 1,
        record,
        Stars(client, tree, False),
    )
    outcome = await publisher.carry_out([Put(name, CLOSED, may_exist=False)])
    assert outcome.to_try_later == {name}
    assert not outcome.refused
    await store.close()

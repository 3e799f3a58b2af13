"""What the intake answers when the store cannot take a mail: always 4xx, never a lost or doubled mail."""

from __future__ import annotations

import sqlite3

import pytest

from mailproc.desk.intake import Intake, _reply_to
from mailproc.model.address import Address
from mailproc.store.protocol import StoreBusy, StoreDamaged, StoreError, StoreFull
from mailproc.store.sqlite import open_sqlite
from tests.unit.desk.office import Office, mail

DESK = Address.parse("support@example.org")


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (StoreBusy("x"), "451 4.3.0 Mail store not available, try again later"),
        (StoreFull("x"), "452 4.3.1 Mail store full, try again later"),
        (StoreDamaged("x"), "451 4.3.0 Local error, try again later"),
        (StoreError("secret detail"), "451 4.3.0 Local error, try again later"),
    ],
)
def test_a_failure_of_ours_is_temporary_and_says_nothing_of_its_cause(error: StoreError, reply: str) -> None:
    assert str(_reply_to(error)) == reply


async def test_a_locked_store_defers_every_recipient_and_takes_the_mail_later(office: Office) -> None:
    path = office.store.path
    store = open_sqlite(path, busy_seconds=0.01)
    intake: Intake = office.intake
    intake._store = store
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    replies = await intake.accept(None, [DESK, DESK], mail())
    assert [reply.code for reply in replies] == [451, 451]
    blocker.execute("ROLLBACK")
    blocker.close()
    assert [reply.code for reply in await intake.accept(None, [DESK], mail())] == [250]
    await store.close()


async def test_an_unknown_recipient_is_refused_and_a_plus_address_is_not(office: Office) -> None:
    replies = {
        text: office.intake.recipient(Address.parse(text)).code
        for text in (
            "support@example.org",
            "SUPPORT+x.y@example.org",
            "sales@example.org",
            "support@example.net",
        )
    }
    assert list(replies.values()) == [250, 250, 550, 550]

"""What of a message is searched, and when it is indexed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.desk.search import MAX_OCTETS, MAX_TEXT, PATIENCE, entry_of, index_next, may_work
from mailproc.mime.reader import read
from mailproc.model.ticket import Direction, State
from mailproc.store.deliveries import NewDelivery
from mailproc.store.protocol import Transaction
from mailproc.store.search import Unindexed
from mailproc.store.sqlite import SqliteStore, open_sqlite
from mailproc.store.tickets import NewMessage, NewTicket

RAW = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <j@x.example>\r\nReply-To: office@x.example\r\n"
    b"To: Desk <desk@example.org>\r\nCc: eva@x.example\r\nSubject: no\r\n"
    b"\r\nNew text.\r\n\r\n> quoted\r\n-- \r\nSignature\r\n"
)


def message(direction: Direction = Direction.IN) -> Unindexed:
    return Unindexed(7, b"", direction, "bounce@x.example", ("desk@example.org",), "Größe", "")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return open_sqlite(tmp_path / "mailproc.db")


def add_message(tx: Transaction) -> None:
    new = NewTicket("17", "support", "s", "s", State.NEW, "", "a@b.example", 1.0, "", "", 0.5)
    mail = NewMessage(None, b"1" * 32, Direction.IN, "a@b.example", (), "s", None, "", 4, "none", 1.0)
    tx.deliveries.keep_raw(b"1" * 32, b"x: y")
    tx.tickets.add_message(tx.tickets.open(new), mail)


def test_an_entry_has_subject_people_and_the_new_text_folded() -> None:
    entry = entry_of(message(), RAW)
    assert entry.subject == "grosse"
    assert entry.sender.split() == ["bounce@x.example", "jurgen", "j@x.example", "office@x.example"]
    assert entry.recipient.split() == ["desk@example.org", "desk", "desk@example.org", "eva@x.example"]
    assert entry.body.split() == ["new", "text."]


def test_a_mail_of_quotes_only_is_searched_whole() -> None:
    assert "only this" in entry_of(message(), b"Subject: x\r\n\r\n> only this\r\n").body


def test_the_names_of_files_are_searched() -> None:
    raw = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nSee there.\r\n--b\r\nContent-Type: application/pdf\r\n"
        b'Content-Disposition: attachment; filename="Mahnung_4711.pdf"\r\n\r\n'
        b"%PDF\r\n--b--\r\n"
    )
    assert entry_of(message(), raw).body.split() == ["see", "there.", "mahnung_4711.pdf"]


def test_a_long_mail_is_searched_in_part() -> None:
    assert len(entry_of(message(), b"\r\n" + b"word word\r\n" * 10_000).body) <= MAX_TEXT + 1
    assert entry_of(message(), b"X: y\r\n\r\nHello\r\n" + b"\0" * 2 * MAX_OCTETS).subject == "grosse"


def test_the_subject_of_a_note_says_nothing() -> None:
    assert entry_of(message(Direction.NOTE), b"").subject == ""


async def test_a_mail_that_breaks_the_reader_is_found_by_its_subject(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(raw: bytes) -> object:
        if raw:
            raise RecursionError("deep")
        return read(raw)

    monkeypatch.setattr("mailproc.desk.search.read", broken)
    await store.write(add_message)
    assert await index_next(store) == 1
    assert await store.read(lambda tx: tx.search.count_unindexed()) == 0
    assert "message=1 not read" in caplog.text
    await store.close()


async def test_mail_that_waits_for_the_chain_goes_first_but_not_for_ever(store: SqliteStore) -> None:
    assert await may_work(store, 0)
    waiting = NewDelivery(b"k", "support", "a@b.example", "support@example.org", b"1" * 32, 1.0)
    await store.write(lambda tx: tx.deliveries.accept(waiting))
    assert not await may_work(store, PATIENCE)
    assert await may_work(store, PATIENCE + 1)
    await store.close()

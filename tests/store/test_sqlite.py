"""The SQLite store: durable, one commit for many callers, and honest about failures."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from mailproc.failpoint import NO_FAILPOINTS
from mailproc.store.connection import StoreBusy, StoreDamaged
from mailproc.store.deliveries import Claimed, NewDelivery
from mailproc.store.lock import ServeLock
from mailproc.store.migrate import SchemaTooNew, migrate
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteSession, SqliteStore, connect, open_sqlite, quick_check

RAW = b"Subject: hello\r\n\r\nworld\r\n"


def new_delivery(key: bytes, *, raw: bytes = RAW) -> NewDelivery:
    return NewDelivery(
        key, "support", "a@b.example", "support@example.org", hashlib.sha256(raw).digest(), 10.0
    )


def keep(tx: Transaction, key: bytes, raw: bytes = RAW) -> bool:
    delivery = new_delivery(key, raw=raw)
    tx.deliveries.keep_raw(delivery.sha256, raw)
    return tx.deliveries.accept(delivery)


def claim(tx: Transaction, now: float) -> list[Claimed]:
    return tx.deliveries.claim(now, now + 10, 10, tried=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "mailproc.db"


async def test_who_listens_hears_what_another_process_committed(path: Path) -> None:
    here, elsewhere = open_sqlite(path), open_sqlite(path)
    await here.write(lambda tx: keep(tx, b"1"))
    woken = asyncio.Event()
    listening = asyncio.create_task(here.listen(woken.set))
    await asyncio.sleep(0)
    await elsewhere.write(lambda tx: keep(tx, b"2"))
    await asyncio.wait_for(woken.wait(), 30)
    listening.cancel()
    await here.close()
    await elsewhere.close()


def test_a_version_changes_by_what_others_commit_and_not_by_what_we_do(path: Path) -> None:
    path.parent.mkdir()
    other = connect(path)
    migrate(other, NO_FAILPOINTS)
    session = SqliteSession(path)
    connection = session.open()
    before = session.version()
    connection.do("INSERT INTO raw_mail (sha256, size, codec, content) VALUES (x'01', 0, 0, x'')")
    assert session.version() == before
    other.execute("DELETE FROM raw_mail")
    assert session.version() != before
    session.close()
    other.close()


async def test_a_store_locked_by_another_process_is_busy_not_broken(path: Path) -> None:
    store = open_sqlite(path, busy_seconds=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await store.write(lambda tx: keep(tx, b"1"))
    other.execute("ROLLBACK")
    other.close()
    assert await store.write(lambda tx: keep(tx, b"1"))
    await store.close()


def test_a_newer_schema_is_refused(path: Path) -> None:
    asyncio.run(open_sqlite(path).close())
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version = 9999")
    raw.close()
    with pytest.raises(SchemaTooNew, match="9999"):
        open_sqlite(path)


def test_a_file_that_is_no_database_is_damaged(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(StoreDamaged):
        open_sqlite(path)


async def test_quick_check_finds_a_broken_page(path: Path) -> None:
    store = open_sqlite(path)
    for number in range(50):
        raw = RAW + hashlib.sha512(bytes([number])).digest() * 40
        await store.write(partial(keep, key=bytes([number]), raw=raw))
    await store.close()
    assert quick_check(path) == []
    with path.open("r+b") as file:
        file.seek(4096 * 40)
        file.write(b"\xff" * 4096 * 4)
    assert quick_check(path) != []


def test_a_second_daemon_on_the_same_store_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with ServeLock(path), pytest.raises(StoreBusy, match="another mailproc"):
        ServeLock(path)


def test_the_lock_tells_whether_the_last_daemon_ended_well(path: Path) -> None:
    path.parent.mkdir()
    first = ServeLock(path)
    assert not first.unclean
    first.end(well=False)
    second = ServeLock(path)
    assert second.unclean
    second.end(well=True)
    with ServeLock(path) as third:
        assert not third.unclean


def test_the_store_is_readable_by_its_owner_only(path: Path) -> None:
    store = open_sqlite(path)
    asyncio.run(store.close())
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert isinstance(store, SqliteStore)

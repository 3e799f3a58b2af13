"""The SQLite store: durable, one commit for many callers, and honest about failures."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from mailproc.model.ticket import Outcome
from mailproc.store.connection import StoreBusy, StoreDamaged
from mailproc.store.deliveries import Claimed, NewDelivery
from mailproc.store.lock import ServeLock
from mailproc.store.migrate import SchemaTooNew
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore, open_sqlite, quick_check

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


async def test_a_committed_write_is_there_after_the_store_is_opened_again(path: Path) -> None:
    store = open_sqlite(path)
    assert await store.write(lambda tx: keep(tx, b"1"))
    await store.close()
    again = open_sqlite(path)
    assert (await again.read(lambda tx: tx.deliveries.counts()))[Outcome.WAITING] == 1
    assert await again.read(lambda tx: tx.deliveries.raw(hashlib.sha256(RAW).digest())) == RAW
    await again.close()


async def test_what_one_caller_breaks_is_undone_and_its_neighbours_are_kept(path: Path) -> None:
    store = open_sqlite(path)

    def broken(tx: Transaction) -> bool:
        keep(tx, b"broken")
        raise ValueError("no")

    works = [store.write(partial(keep, key=bytes([number]))) for number in range(20)]
    results = await asyncio.gather(*works, store.write(broken), return_exceptions=True)
    assert results[:20] == [True] * 20
    assert isinstance(results[20], ValueError)
    assert (await store.read(lambda tx: tx.deliveries.counts()))[Outcome.WAITING] == 20
    await store.close()


async def test_a_wrong_statement_of_one_caller_does_not_fail_its_neighbours(path: Path) -> None:
    store = open_sqlite(path)

    def wrong(tx: Transaction) -> None:
        tx.deliveries._connection.run("INSERT INTO nowhere VALUES (1)")

    results = await asyncio.gather(
        store.write(lambda tx: keep(tx, b"1")), store.write(wrong), return_exceptions=True
    )
    assert results[0] is True
    assert isinstance(results[1], Exception)
    assert (await store.read(lambda tx: tx.deliveries.counts()))[Outcome.WAITING] == 1
    await store.close()


async def test_a_cancelled_caller_does_not_undo_its_write(path: Path) -> None:
    store = open_sqlite(path)
    task = asyncio.create_task(store.write(lambda tx: keep(tx, b"1")))
    await asyncio.sleep(0)  # the work is handed over
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.close()
    again = open_sqlite(path)
    assert (await again.read(lambda tx: tx.deliveries.counts()))[Outcome.WAITING] == 1
    await again.close()


async def test_a_repeated_delivery_counts_as_a_duplicate_and_is_stored_once(path: Path) -> None:
    store = open_sqlite(path)
    assert await store.write(lambda tx: keep(tx, b"1"))
    assert not await store.write(lambda tx: keep(tx, b"1"))
    counts = await store.read(lambda tx: tx.deliveries.counts())
    assert counts[Outcome.WAITING] == 1
    assert counts[Outcome.DUPLICATE] == 1
    await store.close()


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


async def test_a_claim_is_exclusive_until_its_lease_ends(path: Path) -> None:
    store = open_sqlite(path)
    await store.write(lambda tx: keep(tx, b"1"))
    first = await store.write(lambda tx: tx.deliveries.claim(100.0, 200.0, 10, tried=False))
    assert [claimed.delivery.attempts for claimed in first] == [1]
    assert not await store.write(lambda tx: tx.deliveries.claim(150.0, 250.0, 10, tried=False))
    second = await store.write(lambda tx: tx.deliveries.claim(201.0, 300.0, 10, tried=False))
    assert [claimed.delivery.attempts for claimed in second] == [2]
    assert not await store.read(lambda tx: tx.deliveries.still_claimed([first[0].delivery]))
    assert await store.read(lambda tx: tx.deliveries.still_claimed([second[0].delivery]))
    await store.close()


async def test_what_failed_twice_is_claimed_apart_from_the_others(path: Path) -> None:
    store = open_sqlite(path)
    await store.write(lambda tx: keep(tx, b"poison"))
    for now in (100.0, 200.0):
        await store.write(partial(claim, now=now))
    await store.write(lambda tx: keep(tx, b"innocent"))
    together = await store.write(partial(claim, now=300.0))
    apart = await store.write(lambda tx: tx.deliveries.claim(300.0, 310.0, 10, tried=True))
    assert [claimed.delivery.attempts for claimed in together] == [1]
    assert [claimed.delivery.attempts for claimed in apart] == [3]
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

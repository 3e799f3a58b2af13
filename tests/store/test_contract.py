"""What both stores promise: durable, one commit for many callers, and nobody fails for another."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial

import pytest

from mailproc.model.ticket import Outcome
from mailproc.store.deliveries import Claimed, NewDelivery
from mailproc.store.protocol import Store, Transaction

OpenStore = Callable[[], Store]

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


async def test_a_committed_write_is_there_after_the_store_is_opened_again(
    open_store: OpenStore,
) -> None:
    store = open_store()
    assert await store.write(lambda tx: keep(tx, b"1"))
    await store.close()
    again = open_store()
    assert (await again.read(lambda tx: tx.deliveries.counts()))[Outcome.WAITING] == 1
    assert await again.read(lambda tx: tx.deliveries.raw(hashlib.sha256(RAW).digest())) == RAW


async def test_what_one_caller_breaks_is_undone_and_its_neighbours_are_kept(
    open_store: OpenStore,
) -> None:
    store = open_store()

    def broken(tx: Transaction) -> bool:
        keep(tx, b"broken")
        raise ValueError("no")

    works = [store.write(partial(keep, key=bytes([number]))) for number in range(20)]
    results = await asyncio.gather(*works, store.write(broken), return_exceptions=True)
    assert results[:20] == [True] * 20
    assert isinstance(results[20], ValueError)
    assert (await store.read(lambda tx: tx.deliveries.counts()))[Outcome.WAITING] == 20


async def test_a_wrong_statement_of_one_caller_does_not_fail_its_neighbours(
    open_store: OpenStore,
) -> None:
    store = open_store()

    def wrong(tx: Transaction) -> None:
        tx.deliveries._connection.run("INSERT INTO nowhere VALUES (1)")

    results = await asyncio.gather(
        store.write(lambda tx: keep(tx, b"1")), store.write(wrong), return_exceptions=True
    )
    assert results[0] is True
    assert isinstance(results[1], Exception)
    assert (await store.read(lambda tx: tx.deliveries.counts()))[Outcome.WAITING] == 1


async def test_a_cancelled_caller_does_not_undo_its_write(open_store: OpenStore) -> None:
    store = open_store()
    task = asyncio.create_task(store.write(lambda tx: keep(tx, b"1")))
    await asyncio.sleep(0)  # the work is handed over
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.close()
    again = open_store()
    assert (await again.read(lambda tx: tx.deliveries.counts()))[Outcome.WAITING] == 1


async def test_a_repeated_delivery_counts_as_a_duplicate_and_is_stored_once(
    open_store: OpenStore,
) -> None:
    store = open_store()
    assert await store.write(lambda tx: keep(tx, b"1"))
    assert not await store.write(lambda tx: keep(tx, b"1"))
    counts = await store.read(lambda tx: tx.deliveries.counts())
    assert counts[Outcome.WAITING] == 1
    assert counts[Outcome.DUPLICATE] == 1


async def test_a_claim_is_exclusive_until_its_lease_ends(open_store: OpenStore) -> None:
    store = open_store()
    await store.write(lambda tx: keep(tx, b"1"))
    first = await store.write(lambda tx: tx.deliveries.claim(100.0, 200.0, 10, tried=False))
    assert [claimed.delivery.attempts for claimed in first] == [1]
    assert not await store.write(lambda tx: tx.deliveries.claim(150.0, 250.0, 10, tried=False))
    second = await store.write(lambda tx: tx.deliveries.claim(201.0, 300.0, 10, tried=False))
    assert [claimed.delivery.attempts for claimed in second] == [2]
    assert not await store.read(lambda tx: tx.deliveries.still_claimed([first[0].delivery]))
    assert await store.read(lambda tx: tx.deliveries.still_claimed([second[0].delivery]))


async def test_what_failed_twice_is_claimed_apart_from_the_others(open_store: OpenStore) -> None:
    store = open_store()
    await store.write(lambda tx: keep(tx, b"poison"))
    for now in (100.0, 200.0):
        await store.write(partial(claim, now=now))
    await store.write(lambda tx: keep(tx, b"innocent"))
    together = await store.write(partial(claim, now=300.0))
    apart = await store.write(lambda tx: tx.deliveries.claim(300.0, 310.0, 10, tried=True))
    assert [claimed.delivery.attempts for claimed in together] == [1]
    assert [claimed.delivery.attempts for claimed in apart] == [3]


async def test_a_mail_that_is_damaged_hinders_no_claim(open_store: OpenStore) -> None:
    store = open_store()
    large = RAW * 100  # which compresses
    await store.write(lambda tx: (keep(tx, b"1", large), keep(tx, b"2")))
    digest = hashlib.sha256(large).digest()
    wrong = {"wrong": b"no zstd", "sha256": digest}
    await store.write(
        lambda tx: tx.deliveries._connection.run(
            "UPDATE raw_mail SET content = :wrong WHERE sha256 = :sha256", wrong
        )
    )
    claimed = await store.write_beside(lambda tx: tx.deliveries.claim(10, 20, 10, tried=False, small=10_000))
    assert [each.raw for each in claimed] == [None, RAW]
    with pytest.raises(ValueError, match="damaged"):
        await store.read(lambda tx: tx.deliveries.raw(digest))

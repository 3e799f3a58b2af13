"""What a worker had taken that is not there any more is taken up by others."""

from __future__ import annotations

from mailproc.desk.presence import FORGOTTEN, SECONDS, announce, free_what_the_absent_hold
from mailproc.store.deliveries import NewDelivery
from mailproc.store.protocol import Store, Transaction

NOW = 1_795_000_000.0


async def take(store: Store, worker: str, key: bytes) -> None:
    def accept_and_claim(tx: Transaction) -> None:
        tx.deliveries.keep_raw(key, key)
        tx.deliveries.accept(NewDelivery(key, "support", "", "s@example.org", key, NOW))
        tx.deliveries.claim(NOW, NOW + 900, 1, tried=False, worker=worker)

    await store.write(accept_and_claim)


async def claimable(store: Store, now: float) -> list[bytes]:
    def claim(tx: Transaction) -> list[bytes]:
        found = tx.deliveries.claim(now, now + 1, 10, tried=False)
        return [each.delivery.sha256 for each in found]

    return await store.write(claim)


async def test_who_is_there_keeps_what_he_has_and_who_is_not_does_not(store: Store) -> None:
    for worker in ("one/0", "two/0"):
        await announce(store, worker, lambda: NOW)
        await take(store, worker, worker.encode())
    await take(store, "three/0", b"never announced")
    assert await free_what_the_absent_hold(store, NOW + 1) == 1
    await announce(store, "two/0", lambda: NOW + 50)
    assert await free_what_the_absent_hold(store, NOW + SECONDS + 1) == 1
    assert await claimable(store, NOW + SECONDS + 2) == [b"one/0", b"never announced"]


async def test_workers_are_no_work_that_somebody_does(store: Store) -> None:
    await announce(store, "one/0", lambda: NOW)
    await store.write(lambda tx: tx.leases.acquire("clock", "one/0", NOW, NOW + 15))
    assert await store.read(lambda tx: [name for name, _ in tx.leases.held(NOW)]) == ["clock"]


async def test_workers_of_long_ago_are_forgotten(store: Store) -> None:
    await announce(store, "one/0", lambda: NOW)
    await free_what_the_absent_hold(store, NOW + FORGOTTEN + SECONDS + 1)
    assert await store.read(lambda tx: tx.leases.is_free("worker:one/0", "", NOW))


async def test_what_a_daemon_held_is_freed_by_its_next_start_and_that_of_others_is_not(store: Store) -> None:
    for worker in ("mail1-a/0", "mail1-a/2.1", "mail1-ab/0"):
        await take(store, worker, worker.encode())
    assert await store.write(lambda tx: tx.deliveries.release_leases_of_node("mail1-a")) == 2

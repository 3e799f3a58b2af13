"""What a worker had taken that is not there any more is taken up by others."""

from __future__ import annotations

from mailproc.desk.presence import FORGOTTEN, SECONDS, announce, free_what_the_absent_hold
from mailproc.model.outbox import RELAYED, NewItem, OutboxItem, OutboxKind
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
    assert await store.write(lambda tx: tx.holdings.release_of_node("mail1-a")) == 2


async def try_to_send(store: Store, worker: str) -> OutboxItem:
    """An answer that the worker has claimed."""

    def add_and_claim(tx: Transaction) -> OutboxItem:
        tx.outbox.add(
            NewItem(worker, OutboxKind.REPLY, "support", "", ("ann@example.com",), b"text", created=NOW)
        )
        (item,) = tx.outbox.claim_due(NOW, NOW + 660, 9, RELAYED, worker=worker)
        return item

    return await store.write(add_and_claim)


async def to_be_sent(store: Store, now: float) -> list[str]:
    claimed = await store.write(lambda tx: tx.outbox.claim_due(now, now + 60, 9, RELAYED))
    return [item.key for item in claimed]


async def test_what_one_who_is_gone_had_not_begun_to_send_is_sent_by_others(store: Store) -> None:
    """What he had begun may have left; nobody else touches it before its lease ends."""
    for worker in ("begun/0", "waits/0", "there/0"):
        await announce(store, worker, lambda: NOW)
        item = await try_to_send(store, worker)
        if worker == "begun/0":
            assert await store.write(lambda tx, begun=item: tx.outbox.begin(begun))  # type: ignore[misc]
    await announce(store, "there/0", lambda: NOW + 50)
    assert await free_what_the_absent_hold(store, NOW + SECONDS + 1) == 1
    assert await to_be_sent(store, NOW + SECONDS + 2) == ["waits/0"]
    assert await to_be_sent(store, NOW + 661) == ["begun/0", "waits/0", "there/0"]


async def test_who_was_frozen_cannot_begin_what_others_have_sent(store: Store) -> None:
    item = await try_to_send(store, "frozen/0")
    assert await free_what_the_absent_hold(store, NOW + SECONDS + 1) == 1
    assert not await store.write(lambda tx: tx.outbox.begin(item))
    assert await to_be_sent(store, NOW + SECONDS + 2) == ["frozen/0"]
    assert not await store.write(lambda tx: tx.outbox.begin(item))


async def test_whatever_one_was_sending_who_is_known_to_have_ended_is_sent_again(store: Store) -> None:
    for worker in ("mail1-a/0", "mail1-a/1"):
        item = await try_to_send(store, worker)
        assert await store.write(lambda tx, begun=item: tx.outbox.begin(begun))  # type: ignore[misc]
    assert await store.write(lambda tx: tx.holdings.release("mail1-a/1")) == 1
    assert await to_be_sent(store, NOW + 1) == ["mail1-a/1"]
    assert await store.write(lambda tx: tx.holdings.release_of_node("mail1-a")) == 1
    assert await to_be_sent(store, NOW + 2) == ["mail1-a/0"]

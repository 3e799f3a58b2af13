"""What PostgreSQL brings with it: it is shared, goes away, hangs, or leaves a COMMIT without an answer."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial

import pytest

from mailproc.store.connection import StoreBusy, StoreError
from mailproc.store.postgres.session import Server
from mailproc.store.postgres.store import (
    PostgresStore,
    open_postgres,
)
from mailproc.store.protocol import Transaction
from tests.rig.faulty_wire import Fault, FaultyWire
from tests.rig.store_server import StoreServer
from tests.rig.waiting import eventually

pytestmark = pytest.mark.peers


@pytest.fixture
def url(store_server: StoreServer) -> str:
    return store_server.new_schema()


@pytest.fixture
async def open_store(url: str) -> AsyncIterator[Callable[..., PostgresStore]]:
    """Opens stores on one schema, each as another process would."""
    opened: list[PostgresStore] = []

    def make(at: str = url, **options: float) -> PostgresStore:
        opened.append(open_postgres(Server(at), **options))
        return opened[-1]

    yield make
    await asyncio.gather(*(store.close() for store in opened))


@pytest.fixture
def wire(store_server: StoreServer) -> Iterator[FaultyWire]:
    wire = FaultyWire(store_server.port)
    yield wire
    wire.close()


def count_up(tx: Transaction) -> int:
    """Looks, and then writes what it saw and one: wrong where another writes in between."""
    last = tx.threads.hold_sequence("", "")
    tx.threads.count_to("", "", last + 1)
    return last + 1


def add_event(tx: Transaction, what: str = "x") -> None:
    """Something that is there twice when it is done twice."""
    tx.threads.add_mac_failures("support", what, 1, at=1.0)


def events(tx: Transaction) -> list[tuple[str, str, int]]:
    return list(tx.threads.mac_failures(0.0))


def insert(tx: Transaction, digest: bytes) -> None:
    tx.deliveries.keep_raw(digest, b"raw")


# One at a time


async def test_who_looks_before_he_writes_is_alone(open_store: Callable[..., PostgresStore]) -> None:
    one, other = open_store(), open_store()

    def slow_count(tx: Transaction) -> int:
        seen = tx.threads._connection.one("SELECT coalesce(max(last), 0) FROM sequence")
        assert seen is not None
        last = tx.threads.hold_sequence("", "")
        assert last == seen[0]  # nobody wrote between the two looks
        tx.threads.count_to("", "", last + 1)
        return int(last) + 1

    counts = await asyncio.gather(*(store.write(slow_count) for _ in range(60) for store in (one, other)))
    assert sorted(counts) == list(range(1, 121))


async def test_who_writes_beside_waits_for_nobody(open_store: Callable[..., PostgresStore]) -> None:
    one, other = open_store(), open_store()
    began, go_on = threading.Event(), threading.Event()

    def long(tx: Transaction) -> int:
        count = count_up(tx)
        began.set()
        assert go_on.wait(30)
        return count

    filing = asyncio.create_task(one.write(long))
    await asyncio.to_thread(began.wait, 30)
    await other.write_beside(partial(insert, digest=b"1" * 32))
    await one.write_beside(partial(insert, digest=b"2" * 32))
    assert await one.read(lambda tx: tx.deliveries.raw(b"1" * 32)) == b"raw"
    assert not filing.done()
    go_on.set()
    assert await filing == 1


async def test_a_read_sees_one_moment(open_store: Callable[..., PostgresStore]) -> None:
    one, other = open_store(), open_store()
    began, go_on = threading.Event(), threading.Event()

    def twice(tx: Transaction) -> bool:
        before = events(tx)
        began.set()
        assert go_on.wait(30)
        return events(tx) == before

    reading = asyncio.create_task(one.read(twice))
    await asyncio.to_thread(began.wait, 30)
    await other.write(add_event)
    go_on.set()
    assert await reading
    assert await one.read(events) == [("support", "x", 1)]


async def test_who_deadlocks_is_tried_again(open_store: Callable[..., PostgresStore]) -> None:
    """Two mails come twice at the same time, in different order."""
    one, other = open_store(), open_store()
    meeting = threading.Barrier(2)
    tries: list[bytes] = []

    def crossing(tx: Transaction, first: bytes, second: bytes) -> None:
        insert(tx, first)
        assert tx.deliveries.raw(first) == b"raw"  # it has reached the server
        tries.append(first)
        if tries.count(first) == 1:
            meeting.wait(30)
        insert(tx, second)

    await asyncio.gather(
        one.write_beside(partial(crossing, first=b"1" * 32, second=b"2" * 32)),
        other.write_beside(partial(crossing, first=b"2" * 32, second=b"1" * 32)),
    )
    assert len(tries) == 3
    raws = await one.read(lambda tx: (tx.deliveries.raw(b"1" * 32), tx.deliveries.raw(b"2" * 32)))
    assert raws == (b"raw", b"raw")


async def test_what_nobody_waits_for_fails_at_the_commit_and_nothing_is_kept(
    open_store: Callable[..., PostgresStore],
) -> None:
    store = open_store()

    def wrong(tx: Transaction) -> None:
        add_event(tx, "before")
        tx.threads._connection.do("INSERT INTO nowhere VALUES (1)")
        add_event(tx, "behind")

    results = await asyncio.gather(
        store.write(add_event), store.write(wrong), store.write(add_event), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), StoreError, type(None)]
    assert await store.read(events) == [("support", "x", 2)]


async def test_however_much_nobody_waits_for_all_of_it_is_done_in_order(
    open_store: Callable[..., PostgresStore],
) -> None:
    store = open_store()

    def many(tx: Transaction) -> list[int]:
        seen = []
        for number in range(1, 1_001):
            tx.threads._connection.do(
                """
                INSERT INTO sequence (desk, period, last) VALUES ('', '', 1)
                ON CONFLICT (desk, period) DO UPDATE SET last = sequence.last * :factor % 1009
                """,
                {"factor": number},
            )
            if number % 333 == 0:
                seen.append(tx.threads.hold_sequence("", ""))
        return seen

    last, expected = 1, []
    for number in range(1, 1_001):
        last = last * number % 1009 if number > 1 else 1
        expected += [last] if number % 333 == 0 else []
    assert await store.write(many) == expected
    assert await store.read(lambda tx: tx.threads._connection.one("SELECT last FROM sequence")) == (last,)


# A COMMIT without an answer


@pytest.mark.parametrize("fault", [Fault.NEVER_ARRIVES, Fault.NO_ANSWER])
async def test_a_commit_in_doubt_is_done_once(
    open_store: Callable[..., PostgresStore],
    store_server: StoreServer,
    url: str,
    wire: FaultyWire,
    fault: Fault,
) -> None:
    store = open_store(url.replace(f":{store_server.port}/", f":{wire.port}/"))
    await store.write(partial(add_event, what="before"))
    wire.break_next_commit(fault)
    await asyncio.gather(*(store.write(partial(add_event, what=f"in doubt {n}")) for n in range(3)))
    assert wire.broken.is_set()
    assert sorted(await store.read(events)) == [
        ("support", "before", 1),
        *(("support", f"in doubt {n}", 1) for n in range(3)),
    ]


async def test_a_commit_that_arrives_late_is_waited_for(
    open_store: Callable[..., PostgresStore], store_server: StoreServer, url: str, wire: FaultyWire
) -> None:
    """The server still holds the transaction open when the client asks what became of it."""
    store = open_store(url.replace(f":{store_server.port}/", f":{wire.port}/"), patience=30.0)
    await store.write(partial(add_event, what="before"))
    wire.break_next_commit(Fault.ARRIVES_LATE)
    writing = asyncio.create_task(store.write(partial(add_event, what="late")))
    waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%commit_mark%'"
    await asyncio.to_thread(store_server.wait_for, waits)
    wire.let_go()
    await writing
    assert sorted(await store.read(events)) == [("support", "before", 1), ("support", "late", 1)]


# What a connection holds


async def test_a_connection_that_carried_a_large_mail_ends_with_its_transaction(
    open_store: Callable[..., PostgresStore], store_server: StoreServer
) -> None:
    """libpq would keep as much memory for it, on each connection, for as long as that lives."""
    store, large = open_store(), random.Random(1).randbytes(2 << 20)
    await store.write_beside(partial(insert, digest=b"1" * 32))
    kept = store_server.backends()
    await store.write_beside(partial(insert, digest=b"2" * 32))
    assert store_server.backends() == kept != set()
    await store.write_beside(lambda tx: tx.deliveries.keep_raw(b"3" * 32, large))
    await store.read(lambda tx: tx.deliveries.raw(b"1" * 32))
    eventually(lambda: not store_server.backends() & kept)
    kept = store_server.backends()
    assert await store.read(lambda tx: tx.deliveries.raw(b"3" * 32)) == large
    eventually(lambda: not store_server.backends() & kept)


# A server that goes away


async def test_a_session_that_is_ended_goes_unnoticed(
    open_store: Callable[..., PostgresStore], store_server: StoreServer
) -> None:
    store = open_store()
    for number in range(1, 6):
        assert await store.write(count_up) == number
        assert await store.read(lambda tx: tx.threads.participants(1)) == []
        await store.write_beside(partial(insert, digest=bytes([number]) * 32))
        store_server.terminate_backends()


async def test_a_session_that_is_ended_in_the_middle_is_begun_again(
    open_store: Callable[..., PostgresStore], store_server: StoreServer
) -> None:
    store = open_store()
    tries: list[int] = []

    def interrupted(tx: Transaction) -> None:
        tries.append(1)
        add_event(tx)
        if len(tries) == 1:
            store_server.terminate_backends()
        add_event(tx)

    await store.write(interrupted)
    assert (len(tries), await store.read(events)) == (2, [("support", "x", 2)])


async def test_work_that_fails_by_itself_is_not_tried_again(open_store: Callable[..., PostgresStore]) -> None:
    store = open_store()
    tries: list[int] = []

    def refused(tx: Transaction) -> None:
        tries.append(1)
        add_event(tx)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(refused)
    assert (len(tries), await store.read(events)) == (1, [])


async def test_a_server_that_is_away_is_busy_and_one_that_comes_back_is_used(
    open_store: Callable[..., PostgresStore], own_server: StoreServer
) -> None:
    store = open_store(own_server.new_schema(), patience=0.2)
    await store.write(count_up)
    own_server.crash()
    for ask in (store.write, store.write_beside, store.read):
        with pytest.raises(StoreBusy):
            await ask(lambda tx: tx.leases.held(0.0))
    own_server.start()
    assert await store.write(count_up) == 2
    assert await store.read(lambda tx: tx.leases.held(0.0)) == []


async def test_a_restart_goes_unnoticed(
    open_store: Callable[..., PostgresStore], own_server: StoreServer
) -> None:
    store = open_store(own_server.new_schema(), patience=30.0)
    await store.write(count_up)
    await store.read(events)
    own_server.crash()
    writing, reading = asyncio.create_task(store.write(count_up)), asyncio.create_task(store.read(events))
    await asyncio.to_thread(own_server.start)
    assert (await writing, await reading) == (2, [])


async def test_a_server_that_hangs_is_cut_off_and_the_loop_goes_on(
    open_store: Callable[..., PostgresStore], own_server: StoreServer
) -> None:
    store = open_store(own_server.new_schema(), patience=0.2, answer_within=0.5)
    await store.write(count_up)
    await store.read(events)
    own_server.freeze()
    try:
        asked = [
            asyncio.create_task(store.write(add_event)),
            asyncio.create_task(store.write_beside(partial(insert, digest=b"1" * 32))),
            asyncio.create_task(store.read(lambda tx: tx.leases.held(0.0))),
        ]
        turns = 0
        while not all(task.done() for task in asked):
            turns += 1
            await asyncio.sleep(0.01)
        assert turns > 10
        assert all(isinstance(task.exception(), StoreBusy) for task in asked)
    finally:
        own_server.thaw()
    assert await store.write(count_up) == 2


@pytest.mark.slow
async def test_who_is_frozen_inside_a_transaction_is_ended_by_the_server(
    open_store: Callable[..., PostgresStore],
) -> None:
    """As a machine does that swaps: the others wait for ten seconds, and go on."""
    frozen, other = open_store(), open_store()
    began, go_on = threading.Event(), threading.Event()

    def sleeper(tx: Transaction) -> int:
        count = count_up(tx)
        if not began.is_set():
            began.set()
            assert go_on.wait(60)
        return count

    sleeping = asyncio.create_task(frozen.write(sleeper))
    await asyncio.to_thread(began.wait, 30)
    assert await other.write(count_up) == 1
    go_on.set()
    assert await sleeping == 2


# Telling each other


async def test_who_listens_hears_what_others_left_to_do(open_store: Callable[..., PostgresStore]) -> None:
    here, elsewhere = open_store(), open_store()
    woken = asyncio.Event()
    listening = asyncio.create_task(here.listen(woken.set))
    await woken.wait()  # it listens from now on
    woken.clear()
    await elsewhere.write(add_event)  # nothing that anybody waits for
    await here.write(lambda tx: tx.folders.show_again(1, "support"))  # what we do ourselves
    await elsewhere.write(lambda tx: tx.folders.show_again(2, "support"))
    await asyncio.wait_for(woken.wait(), 30)
    listening.cancel()


async def test_who_listens_does_so_again_after_a_restart(
    open_store: Callable[..., PostgresStore], own_server: StoreServer
) -> None:
    url = own_server.new_schema()
    store = open_store(url)
    woken = asyncio.Event()
    listening = asyncio.create_task(store.listen(woken.set))
    await woken.wait()
    woken.clear()
    own_server.crash()
    own_server.start()
    await asyncio.wait_for(woken.wait(), 30)
    listening.cancel()

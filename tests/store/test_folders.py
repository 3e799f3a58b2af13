"""Work of the folders, their copies, and leases, in SQLite."""

from __future__ import annotations

import pytest

from mailproc.model.folder import CLOSED, NEW
from mailproc.model.ticket import State, Ticket
from mailproc.store.folders import CopyRecord, FolderWork, row_of
from mailproc.store.protocol import Store, Transaction
from mailproc.store.tickets import NewTicket

NOW = 1_000_000.0


def open_ticket(tx: Transaction, number: str = "1") -> Ticket:
    return tx.tickets.open(
        NewTicket(number, "support", "s", "s", State.NEW, "", "c@c.example", NOW, "", "en", 0.1)
    )


def change(tx: Transaction, ticket: Ticket) -> None:
    """Any change of a ticket."""
    tx.tickets.set_state(ticket, State.NEW, "", NOW)


async def test_work_that_changed_meanwhile_is_not_clean(store: Store) -> None:
    ticket = await store.write(open_ticket)
    await store.write(lambda tx: change(tx, ticket))
    (work,) = await store.read(lambda tx: tx.folders.due("support", NOW, 10))
    await store.write(lambda tx: change(tx, ticket))
    await store.write(lambda tx: tx.folders.mark_clean("support", work))
    (again,) = await store.read(lambda tx: tx.folders.due("support", NOW, 10))
    assert again == FolderWork(ticket.id, work.generation + 1)
    await store.write(lambda tx: tx.folders.mark_clean("support", again))
    assert await store.read(lambda tx: tx.folders.due("support", NOW, 10)) == []


async def test_postponed_work_is_due_at_once_when_its_ticket_changes(store: Store) -> None:
    ticket = await store.write(open_ticket)
    await store.write(lambda tx: change(tx, ticket))
    (work,) = await store.read(lambda tx: tx.folders.due("support", NOW, 10))
    await store.write(lambda tx: tx.folders.postpone("support", work, NOW + 60))
    assert await store.read(lambda tx: tx.folders.due("support", NOW + 59, 10)) == []
    assert len(await store.read(lambda tx: tx.folders.due("support", NOW + 60, 10))) == 1
    await store.write(lambda tx: change(tx, ticket))
    assert len(await store.read(lambda tx: tx.folders.due("support", NOW, 10))) == 1


async def test_a_ticket_that_goes_to_another_desk_is_work_for_both(store: Store) -> None:
    ticket = await store.write(open_ticket)
    await store.write(lambda tx: tx.tickets.set_desk(ticket.id, "sales"))
    for desk in ("support", "sales"):
        assert len(await store.read(lambda tx, desk=desk: tx.folders.due(desk, NOW, 10))) == 1  # type: ignore[misc]


async def test_copies_are_remembered_by_desk_and_name(store: Store) -> None:
    first, second = CopyRecord("m1", NEW), CopyRecord("m2", NEW, CLOSED, 5.0)
    await store.write(lambda tx: tx.folders.record("support", [first, second]))
    await store.write(lambda tx: tx.folders.record("sales", [CopyRecord("m1", CLOSED)]))
    await store.write(lambda tx: tx.folders.record("support", [CopyRecord("m1", CLOSED)]))
    assert await store.read(lambda tx: tx.folders.records("support")) == {
        "m1": CopyRecord("m1", CLOSED),
        "m2": second,
    }
    await store.write(lambda tx: tx.folders.forget("support", ["m1"]))
    assert set(await store.read(lambda tx: tx.folders.records("support"))) == {"m2"}
    assert set(await store.read(lambda tx: tx.folders.records("sales"))) == {"m1"}


@pytest.mark.parametrize("name", ["", "m", "x1", "m1x", "m-1", "m²", "m" + "9" * 19, "e 1"])
def test_what_is_no_name_names_no_row(name: str) -> None:
    assert row_of(name) is None


def test_a_name_names_its_row() -> None:
    assert (row_of("m17"), row_of("e5")) == (("m", 17), ("e", 5))


async def test_one_holder_at_a_time_and_the_token_grows(store: Store) -> None:
    one = await store.write(lambda tx: tx.leases.acquire("folder:support", "a", NOW, NOW + 15))
    assert one is not None
    assert not await store.read(lambda tx: tx.leases.is_free("folder:support", "b", NOW + 14))
    assert await store.write(lambda tx: tx.leases.acquire("folder:support", "b", NOW + 14, NOW + 30)) is None
    two = await store.write(lambda tx: tx.leases.acquire("folder:support", "b", NOW + 15, NOW + 30))
    assert two == one + 1
    assert not await store.read(lambda tx: tx.leases.holds("folder:support", one))
    assert await store.read(lambda tx: tx.leases.holds("folder:support", two))
    assert not await store.write(lambda tx: tx.leases.renew("folder:support", one, NOW + 99))
    assert await store.write(lambda tx: tx.leases.renew("folder:support", two, NOW + 99))


async def test_a_worker_that_was_started_again_goes_on_at_once(store: Store) -> None:
    one = await store.write(lambda tx: tx.leases.acquire("x", "a", NOW, NOW + 15))
    assert await store.read(lambda tx: tx.leases.is_free("x", "a", NOW))
    assert await store.write(lambda tx: tx.leases.acquire("x", "a", NOW, NOW + 15)) == (one or 0) + 1


async def test_what_is_released_is_free(store: Store) -> None:
    token = await store.write(lambda tx: tx.leases.acquire("x", "a", NOW, NOW + 15))
    assert token is not None
    await store.write(lambda tx: tx.leases.release("x", token))
    assert await store.read(lambda tx: tx.leases.is_free("x", "b", NOW))

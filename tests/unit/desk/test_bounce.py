"""What a delivery report does to the ticket of the reply that it is about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from mailproc.desk.bounce import MAX_EVENTS, BounceEffect, apply_bounce, describe
from mailproc.desk.transfer import hand_over
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.follow_up import IdKind
from mailproc.model.judgement import Bounce, FailedRecipient
from mailproc.model.ticket import Direction, MessageStatus, State, Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore, open_sqlite
from mailproc.store.tickets import NewMessage
from tests.rig.tickets import new_ticket

T = TypeVar("T")
NOW = 1_795_000_000.0
DESK = Desk("support", "Support", (Address("support", "example.org"),))
OURS = "<17.4.k7q2mxabcd@desk.example.org>"
GONE = FailedRecipient("carla@shop.example.com", "5.1.1", hard=True, diagnostic="550 5.1.1 User unknown")
FULL = FailedRecipient("dora@shop.example.com", "5.2.2", hard=False, diagnostic="552 Mailbox full")
WAITS = FailedRecipient("carla@shop.example.com", "4.4.1", hard=False, final=False)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_sqlite(tmp_path / "mail.db")
    yield opened
    await opened.close()


def open_ticket(tx: Transaction, number: str, state: State, owner: str) -> Ticket:
    new = new_ticket(
        number, NOW, subject="Invoice", state=state, owner=owner, customer="carla@shop.example.com"
    )
    return tx.tickets.open(new)


def add_message(tx: Transaction, ticket: Ticket, direction: Direction, message_id: str = OURS) -> int:
    sent = direction is Direction.OUT
    row = tx.tickets.add_message(
        ticket,
        NewMessage(
            delivery=None,
            sha256=b"\0" * 32,
            direction=direction,
            sender="support@example.org" if sent else "carla@shop.example.com",
            recipients=("carla@shop.example.com",),
            subject="Re: Invoice",
            date=NOW,
            message_id=message_id,
            size=100,
            automatic="none",
            at=NOW,
            agent="alice" if sent else "",
            status=MessageStatus.SENT if sent else MessageStatus.RECEIVED,
        ),
    )
    kind = IdKind.OURS if sent else IdKind.KNOWN
    tx.threads.add_ids("support", ticket.id, [(message_id, kind)], at=NOW)
    return row


def answered(tx: Transaction, state: State = State.ANSWERED, owner: str = "alice") -> tuple[Ticket, int]:
    """A ticket that alice answered."""
    ticket = open_ticket(tx, "17", state, owner)
    return ticket, add_message(tx, ticket, Direction.OUT)


async def do(store: SqliteStore, work: Callable[[Transaction], T]) -> T:
    return await store.write(work)


def status_of(tx: Transaction, ticket: Ticket, message: int) -> MessageStatus:
    return next(one.status for one in tx.tickets.messages(ticket.id) if one.id == message)


def events_of(tx: Transaction, ticket: Ticket) -> list[tuple[str, str]]:
    return [(event.what, event.detail) for event in tx.history.events(ticket.id)]


def bounce_of(*recipients: FailedRecipient, message_id: str | None = OURS) -> Bounce:
    return Bounce(recipients, message_id)


async def test_hard_bounce_fails_the_reply_and_shows_the_ticket_in_problem(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        ticket, reply = answered(tx)
        effect = apply_bounce(tx, DESK, bounce_of(GONE), ticket.id, NOW + 5)
        assert (effect.failed, effect.reopened) == (True, True)
        assert status_of(tx, ticket, reply) is MessageStatus.FAILED
        now = tx.tickets.get(ticket.id)
        assert (now.state, now.owner, now.updated) == (State.PROBLEM, "alice", NOW + 5)
        assert events_of(tx, ticket) == [
            ("bounced", "carla@shop.example.com 5.1.1 (hard): 550 5.1.1 User unknown"),
            ("undelivered", "the answer did not reach carla@shop.example.com"),
        ]

    await do(store, work)


@pytest.mark.parametrize(
    ("state", "owner", "after"),
    [
        (State.CLOSED, "alice", State.PROBLEM),
        (State.SNOOZED, "alice", State.PROBLEM),
        (State.ANSWERED, "", State.PROBLEM),
        (State.CLAIMED, "bob", State.PROBLEM),
        (State.NEW, "", State.PROBLEM),
        (State.SPAM, "", State.SPAM),
        (State.PROBLEM, "", State.PROBLEM),
    ],
)
async def test_hard_bounce_moves_the_ticket_as_the_table_of_moves_says(
    store: SqliteStore, state: State, owner: str, after: State
) -> None:
    def work(tx: Transaction) -> State:
        ticket, _ = answered(tx, state, owner)
        apply_bounce(tx, DESK, bounce_of(GONE), ticket.id, NOW)
        return tx.tickets.get(ticket.id).state

    assert await do(store, work) is after


async def test_soft_final_bounce_fails_the_reply_but_does_not_move_the_ticket(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        ticket, reply = answered(tx)
        effect = apply_bounce(tx, DESK, bounce_of(FULL), ticket.id, NOW + 5)
        assert (effect.failed, effect.reopened) == (True, False)
        assert status_of(tx, ticket, reply) is MessageStatus.FAILED
        assert tx.tickets.get(ticket.id) == ticket
        assert events_of(tx, ticket) == [("bounced", "dora@shop.example.com 5.2.2 (soft): 552 Mailbox full")]

    await do(store, work)


async def test_delay_leaves_an_event_only(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        ticket, reply = answered(tx)
        effect = apply_bounce(tx, DESK, bounce_of(WAITS), ticket.id, NOW + 5)
        assert (effect.failed, effect.reopened) == (False, False)
        assert status_of(tx, ticket, reply) is MessageStatus.SENT
        assert tx.tickets.get(ticket.id) == ticket
        assert events_of(tx, ticket) == [("delayed", "carla@shop.example.com 4.4.1 (soft)")]

    await do(store, work)


async def test_each_recipient_has_its_event(store: SqliteStore) -> None:
    def work(tx: Transaction) -> list[str]:
        ticket, _ = answered(tx)
        apply_bounce(tx, DESK, bounce_of(FULL, GONE), ticket.id, NOW)
        return [what for what, _ in events_of(tx, ticket)]

    assert await do(store, work) == ["bounced", "bounced", "undelivered"]


@pytest.mark.parametrize("message_id", [None, "", "<made.up@example.net>"])
async def test_report_about_no_mail_of_ours_changes_nothing(
    store: SqliteStore, message_id: str | None
) -> None:
    def work(tx: Transaction) -> None:
        ticket, reply = answered(tx)
        effect = apply_bounce(tx, DESK, bounce_of(GONE, message_id=message_id), ticket.id, NOW)
        assert effect == BounceEffect(ticket, None)
        assert status_of(tx, ticket, reply) is MessageStatus.SENT
        assert tx.tickets.get(ticket.id).state is State.ANSWERED
        assert [what for what, _ in events_of(tx, ticket)] == ["bounced"]

    await do(store, work)


async def test_report_about_a_mail_that_we_received_changes_nothing(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        ticket, reply = answered(tx)
        add_message(tx, ticket, Direction.IN, "<1@shop.example.com>")
        effect = apply_bounce(tx, DESK, bounce_of(GONE, message_id="<1@shop.example.com>"), ticket.id, NOW)
        assert effect.reply is None
        assert status_of(tx, ticket, reply) is MessageStatus.SENT
        assert tx.tickets.get(ticket.id).state is State.ANSWERED

    await do(store, work)


async def test_message_id_of_another_desk_is_not_believed(store: SqliteStore) -> None:
    def work(tx: Transaction) -> State:
        ticket, _ = answered(tx)
        apply_bounce(tx, replace(DESK, name="sales"), bounce_of(GONE), ticket.id, NOW)
        return tx.tickets.get(ticket.id).state

    assert await do(store, work) is State.ANSWERED


async def test_reply_is_found_though_a_copy_of_it_came_back(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        ticket, reply = answered(tx)
        add_message(tx, ticket, Direction.IN)
        assert apply_bounce(tx, DESK, bounce_of(GONE), ticket.id, NOW).failed
        assert status_of(tx, ticket, reply) is MessageStatus.FAILED

    await do(store, work)


async def test_effect_goes_to_the_ticket_of_the_reply_wherever_the_report_was_filed(
    store: SqliteStore,
) -> None:
    def work(tx: Transaction) -> None:
        ticket, _ = answered(tx)
        filed = open_ticket(tx, "18", State.NEW, "")
        effect = apply_bounce(tx, DESK, bounce_of(GONE), filed.id, NOW)
        assert effect.ticket.id == ticket.id
        assert tx.tickets.get(ticket.id).state is State.PROBLEM
        assert tx.tickets.get(filed.id) == filed
        assert events_of(tx, filed) == []

    await do(store, work)


async def test_merged_ticket_passes_the_effect_on(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        ticket, _ = answered(tx)
        target = open_ticket(tx, "18", State.ANSWERED, "bob")
        tx.tickets.set_merged_into(ticket.id, target.id, NOW)
        effect = apply_bounce(tx, DESK, bounce_of(GONE), ticket.id, NOW)
        assert (effect.ticket.id, effect.ticket.state, effect.ticket.owner) == (
            target.id,
            State.PROBLEM,
            "bob",
        )

    await do(store, work)


async def test_report_that_comes_twice_moves_the_ticket_once(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        ticket, _ = answered(tx)
        assert apply_bounce(tx, DESK, bounce_of(GONE), ticket.id, NOW).reopened
        assert not apply_bounce(tx, DESK, bounce_of(GONE), ticket.id, NOW).reopened
        assert [what for what, _ in events_of(tx, ticket)] == ["bounced", "undelivered", "bounced"]

    await do(store, work)


async def test_events_of_one_report_are_bounded(store: SqliteStore) -> None:
    many = tuple(replace(FULL, recipient=f"u{number}@example.com") for number in range(MAX_EVENTS + 5))

    def work(tx: Transaction) -> list[tuple[str, str]]:
        ticket, _ = answered(tx)
        apply_bounce(tx, DESK, bounce_of(*many), ticket.id, NOW)
        return events_of(tx, ticket)

    events = await do(store, work)
    assert len(events) == MAX_EVENTS + 1
    assert events[-1] == ("bounced", "and 5 more recipients")


def test_what_the_other_side_said_is_one_short_line() -> None:
    line = describe(replace(FULL, diagnostic="552 full\r\nX-Injected: yes\x1b[31m" + "x" * 1000))
    assert line.startswith("dora@shop.example.com 5.2.2 (soft): 552 full X-Injected: yes [31mxxx")
    assert line.isprintable()
    assert len(line) < 260


async def test_a_bounce_to_the_address_of_the_desk_that_wrote_counts_where_the_ticket_is_now(
    store: SqliteStore,
) -> None:
    def work(tx: Transaction) -> None:
        ticket, reply = answered(tx)
        hand_over(
            tx, ticket, Desk("billing", "Billing", (Address("billing", "example.org"),)), who="bob", now=NOW
        )
        filed = open_ticket(tx, "18", State.NEW, "")
        apply_bounce(tx, DESK, bounce_of(GONE, message_id=None), filed.id, NOW + 5, returned=reply)
        assert status_of(tx, ticket, reply) is MessageStatus.FAILED
        now = tx.tickets.get(ticket.id)
        assert (now.desk, now.state) == ("billing", State.PROBLEM)

    await do(store, work)

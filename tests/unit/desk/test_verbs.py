"""What agents do with tickets: each verb changes one thing, leaves an event, and refuses the rest."""

from __future__ import annotations

import pytest

from mailproc.desk.change import Refused
from mailproc.desk.claim import assign, claim, release
from mailproc.desk.clock import tick
from mailproc.desk.close import close, mark_spam, reopen, unmark_spam
from mailproc.desk.merge import merge, split, unmerge
from mailproc.desk.snooze import snooze
from mailproc.desk.transfer import transfer
from mailproc.model.ticket import MOVES, IllegalMove, Move, State, Ticket, next_state
from mailproc.store.protocol import Transaction
from mailproc.store.tickets import TicketChanged
from tests.unit.desk.office import MakeOffice, Office, desk, mail


async def with_tickets(office: Office, count: int) -> list[Ticket]:
    for number in range(count):
        await office.receive(mail(subject=f"Question {number}", message_id=f"<q{number}@customer.example>"))
    return await office.tickets()


async def test_a_ticket_that_somebody_holds_cannot_be_claimed(office: Office) -> None:
    (ticket,) = await with_tickets(office, 1)
    held = await office.store.write(lambda tx: claim(tx, desk(), ticket, agent="alice", now=1.0))
    with pytest.raises(Refused, match="held by alice"):
        await office.store.write(lambda tx: claim(tx, desk(), held, agent="bob", now=2.0))
    (now,) = await office.tickets()
    assert (now.state, now.owner) == (State.CLAIMED, "alice")


async def test_of_two_claims_on_the_same_look_one_wins(office: Office) -> None:
    (seen,) = await with_tickets(office, 1)
    await office.store.write(lambda tx: claim(tx, desk(), seen, agent="alice", now=1.0))
    with pytest.raises(TicketChanged):
        await office.store.write(lambda tx: claim(tx, desk(), seen, agent="bob", now=1.0))


async def test_only_agents_of_the_desk_hold_its_tickets(office: Office) -> None:
    (ticket,) = await with_tickets(office, 1)
    with pytest.raises(Refused, match="no agent of desk support"):
        await office.store.write(lambda tx: assign(tx, desk(), ticket, agent="eve", who="alice", now=1.0))


async def test_release_gives_a_ticket_back_to_everybody(office: Office) -> None:
    (ticket,) = await with_tickets(office, 1)
    held = await office.store.write(lambda tx: claim(tx, desk(), ticket, agent="alice", now=1.0))
    free = await office.store.write(lambda tx: release(tx, held, who="alice", now=2.0))
    assert (free.state, free.owner) == (State.NEW, "")


async def test_a_reopened_ticket_goes_back_to_its_owner(office: Office) -> None:
    (ticket,) = await with_tickets(office, 1)

    def work(tx: Transaction) -> Ticket:
        held = claim(tx, desk(), ticket, agent="alice", now=1.0)
        return reopen(tx, close(tx, held, who="alice", now=2.0), who="bob", now=3.0)

    again = await office.store.write(work)
    assert (again.state, again.owner) == (State.CLAIMED, "alice")


async def test_a_time_that_is_past_is_no_time_to_snooze_until(office: Office) -> None:
    (ticket,) = await with_tickets(office, 1)
    with pytest.raises(Refused, match="past"):
        await office.store.write(lambda tx: snooze(tx, ticket, until=5.0, who="alice", now=6.0))


async def test_a_snoozed_ticket_wakes_when_its_time_has_come_and_not_before(office: Office) -> None:
    (ticket,) = await with_tickets(office, 1)

    def work(tx: Transaction) -> None:
        held = claim(tx, desk(), ticket, agent="alice", now=1.0)
        snooze(tx, held, until=100.0, who="alice", now=2.0)

    await office.store.write(work)
    assert await tick(office.store, office.site, 99.0) == 0
    assert (await office.tickets())[0].state is State.SNOOZED
    assert await tick(office.store, office.site, 100.0) == 1
    (woken,) = await office.tickets()
    assert (woken.state, woken.owner) == (State.CLAIMED, "alice")
    assert await tick(office.store, office.site, 200.0) == 0


async def test_a_customers_mail_wakes_a_ticket_early_and_only_once(office: Office) -> None:
    (ticket,) = await with_tickets(office, 1)
    await office.store.write(lambda tx: snooze(tx, ticket, until=10.0**10, who="alice", now=2.0))
    extra = "In-Reply-To: <q0@customer.example>"
    await office.receive(mail(subject="Re: Question 0", message_id="<r@customer.example>", extra=extra))
    assert (await office.tickets())[0].state is State.NEW
    assert await tick(office.store, office.site, 10.0**11) == 0


async def test_no_spam_after_all_is_a_new_ticket_again(office: Office) -> None:
    (ticket,) = await with_tickets(office, 1)
    bad = await office.store.write(lambda tx: mark_spam(tx, ticket, who="alice", now=1.0))
    good = await office.store.write(lambda tx: unmark_spam(tx, bad, who="alice", now=2.0))
    assert (bad.state, good.state) == (State.SPAM, State.NEW)


async def test_a_ticket_is_merged_into_no_circle(office: Office) -> None:
    one, two = await with_tickets(office, 2)
    await office.store.write(lambda tx: merge(tx, one, two, who="alice", now=1.0))
    merged, target = await office.tickets()
    with pytest.raises(Refused, match="into itself"):
        await office.store.write(lambda tx: merge(tx, target, merged, who="alice", now=2.0))
    with pytest.raises(Refused, match="merged already"):
        await office.store.write(lambda tx: merge(tx, merged, target, who="alice", now=2.0))
    back = await office.store.write(lambda tx: unmerge(tx, merged, who="alice", now=3.0))
    assert back.state is State.NEW
    assert [ticket.merged_into for ticket in await office.tickets()] == [None, None]


async def test_a_split_leaves_at_least_one_message(office: Office) -> None:
    (ticket,) = await with_tickets(office, 1)
    (message,) = await office.messages(ticket)
    with pytest.raises(Refused, match="at least one message"):
        await office.store.write(lambda tx: split(tx, ticket, [message.sha256], "99", who="alice", now=1.0))


async def test_a_transferred_ticket_belongs_to_the_other_desk_and_to_nobody(make_office: MakeOffice) -> None:
    office = await make_office(desk("support"), desk("sales"))
    (ticket,) = await with_tickets(office, 1)

    def work(tx: Transaction) -> Ticket:
        held = claim(tx, desk(), ticket, agent="alice", now=1.0)
        return transfer(tx, held, desk("sales"), who="alice", now=2.0)

    moved = await office.store.write(work)
    assert (moved.desk, moved.state, moved.owner) == ("sales", State.NEW, "")
    assert {message.desk for message in await office.messages(moved)} == {"sales"}


@pytest.mark.parametrize("move", list(Move))
def test_no_move_leads_to_a_claimed_ticket_that_nobody_holds(move: Move) -> None:
    for state in MOVES[move]:
        assert next_state(state, move, "") is not State.CLAIMED


@pytest.mark.parametrize(
    ("state", "move"),
    [
        (State.NEW, Move.WAKE),
        (State.CLOSED, Move.RELEASE),
        (State.NEW, Move.UNSPAM),
        (State.SPAM, Move.ANSWER),
    ],
)
def test_a_move_that_makes_no_sense_is_refused_by_name(state: State, move: Move) -> None:
    with pytest.raises(IllegalMove, match=f"cannot {move.value} a ticket that is {state.value}"):
        next_state(state, move, "alice")

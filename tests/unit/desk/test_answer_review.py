"""Answers that another agent must approve, and answers that are taken back."""

from __future__ import annotations

from functools import partial

import pytest

from mailproc.desk.change import Refused
from mailproc.desk.departure import take_back
from mailproc.desk.gesture import Gesture, perform_on_answer
from mailproc.desk.held import approve, reject
from mailproc.model.folder import PROBLEM, REVIEW, Place
from mailproc.model.outbox import RELAYED, OutboxKind, OutboxState
from mailproc.model.ticket import MessageStatus, State, Ticket
from mailproc.store.protocol import Transaction
from tests.unit.desk.agents_desk import (
    FAILED,
    HELD,
    WAITING,
    again,
    answer,
    answers_of,
    hand_in,
    items,
    notices,
    open_ticket,
    reply_address,
    statuses,
    the_ticket,
    what_happened,
)
from tests.unit.desk.office import MakeOffice, Office, desk

# Four eyes


async def trainee(make_office: MakeOffice) -> tuple[Office, Ticket, int]:
    """Alice learns; her answer waits for Bob's eyes."""
    office = await make_office(desk(review=("alice",)))
    ticket = await open_ticket(office)
    assert (await hand_in(office, "alice", answer(to=reply_address(office, ticket)))).code == 250
    return office, ticket, (await answers_of(office, ticket))[0].id


async def test_a_trainees_answer_waits_in_review_and_claims_the_ticket(make_office: MakeOffice) -> None:
    office, ticket, message = await trainee(make_office)
    assert await statuses(office, ticket) == [HELD]
    assert await notices(office) == []
    after = await the_ticket(office)
    assert (after.state, after.owner) == (State.CLAIMED, "alice")
    shown = await office.store.read(lambda tx: tx.folders.shown("support", ticket.id))
    assert shown is not None
    assert {copy.name: copy.place for copy in shown.copies}[f"m{message}"] == "review"


@pytest.mark.parametrize("who", ["bob", "folder"])
async def test_another_agent_approves_and_it_leaves_in_the_trainees_name(
    make_office: MakeOffice, who: str
) -> None:
    office, ticket, message = await trainee(make_office)
    assert await office.store.write(lambda tx: approve(tx, office.site, message, who=who, now=5.0))
    assert await statuses(office, ticket) == [WAITING]
    assert len(await items(office, OutboxKind.REPLY)) == 1
    after = await the_ticket(office)
    assert (after.state, after.owner) == (State.ANSWERED, "alice")


async def test_nobody_approves_his_own_answer(make_office: MakeOffice) -> None:
    office, ticket, message = await trainee(make_office)
    with pytest.raises(Refused, match="another agent"):
        await office.store.write(lambda tx: approve(tx, office.site, message, who="alice", now=5.0))
    assert await statuses(office, ticket) == [HELD]


async def test_an_approved_answer_that_is_too_late_by_then_is_held(make_office: MakeOffice) -> None:
    office, ticket, message = await trainee(make_office)
    await office.receive(again(office, ticket, "<two@customer.example>"))
    assert not await office.store.write(lambda tx: approve(tx, office.site, message, who="bob", now=5.0))
    assert await statuses(office, ticket) == [HELD]
    (notice,) = await notices(office)
    assert "the customer wrote again" in notice.text


async def test_a_rejected_answer_goes_back_to_its_author(make_office: MakeOffice) -> None:
    office, ticket, message = await trainee(make_office)
    await office.store.write(lambda tx: reject(tx, office.site, message, who="bob", now=5.0))
    assert await statuses(office, ticket) == [FAILED]
    (notice,) = await notices(office)
    assert notice.embedded[0].text.strip() == "Use water."
    await hand_in(office, "alice", answer(to=reply_address(office, ticket), message_id="<a2@x>"))
    assert await statuses(office, ticket) == [FAILED, HELD]


async def test_a_held_answer_is_no_outbox_item_that_leaves(make_office: MakeOffice) -> None:
    office, ticket, _ = await trainee(make_office)
    now = office.clock.now + 10**6
    claimed = await office.store.write(lambda tx: tx.outbox.claim_due(now, now + 1, 10, RELAYED))
    assert [item.kind for item in claimed if item.kind is OutboxKind.REPLY] == []
    assert len(await items(office, OutboxKind.REPLY, OutboxState.HELD)) == 1
    assert "review" in await what_happened(office, ticket)


# Undo


async def test_an_answer_waits_for_the_send_delay_and_can_be_taken_back(make_office: MakeOffice) -> None:
    office = await make_office(desk(send_delay=60.0))
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    (item,) = await items(office, OutboxKind.REPLY)
    assert 59 <= item.due - office.clock.now <= 60
    (message,) = await answers_of(office, ticket)
    answered = await the_ticket(office)
    await office.store.write(lambda tx: take_back(tx, answered, message, who="alice", now=office.clock.now))
    assert await items(office, OutboxKind.REPLY) == []
    after = await the_ticket(office)
    assert (after.state, after.owner) == (State.CLAIMED, "alice")
    again_written = answer(to=reply_address(office, ticket), message_id="<a2@x>")
    await hand_in(office, "alice", again_written)
    assert await statuses(office, ticket) == [FAILED, WAITING]


async def test_undo_by_mail_stops_the_last_answer(make_office: MakeOffice) -> None:
    office = await make_office(desk(send_delay=60.0))
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await hand_in(office, "alice", answer(to=to, text="#undo", message_id="<u@x>"))
    assert await statuses(office, ticket) == [FAILED]
    assert (await the_ticket(office)).state is State.CLAIMED


async def test_what_is_being_sent_cannot_be_taken_back(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    now = office.clock.now
    await office.store.write(lambda tx: tx.outbox.claim_due(now, now + 60, 10, RELAYED))
    (message,) = await answers_of(office, ticket)
    answered = await the_ticket(office)
    with pytest.raises(Refused, match="left already"):
        await office.store.write(lambda tx: take_back(tx, answered, message, who="alice", now=now))


async def test_taking_the_second_of_two_answers_back_leaves_the_mail_answered(
    make_office: MakeOffice,
) -> None:
    office = await make_office(desk(send_delay=60.0))
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await hand_in(office, "alice", answer(to=to, text="And this.", message_id="<a2@x>"))
    await hand_in(office, "alice", answer(to=to, text="#undo", message_id="<u@x>"))
    assert await statuses(office, ticket) == [WAITING, FAILED]
    assert (await the_ticket(office)).state is State.ANSWERED
    standing = await office.store.read(lambda tx: tx.answers.standing(ticket.id))
    assert (standing.turn_answered, standing.answered_by) == (0, "alice")


# By moving it


def move(office: Office, ticket: Ticket, message: int, gesture: Gesture, tx: Transaction) -> None:
    perform_on_answer(tx, office.site, tx.tickets.get(ticket.id), message, gesture, 5.0)


@pytest.mark.parametrize(
    ("target", "status"),
    [("approved", WAITING), ("@alice", FAILED), ("@bob", HELD), ("closed", HELD), ("new", HELD)],
)
async def test_a_move_of_an_answer_in_review_decides(
    make_office: MakeOffice, target: str, status: MessageStatus
) -> None:
    office, ticket, message = await trainee(make_office)
    gesture = Gesture(REVIEW, Place(target), "mark")
    await office.store.write(partial(move, office, ticket, message, gesture))
    assert await statuses(office, ticket) == [status]


async def test_no_move_decides_about_a_second_answer(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await hand_in(office, "bob", answer(to=to, sender="bob@example.org", message_id="<b@x>", text="Sand."))
    message = (await answers_of(office, ticket))[1].id
    for target in ("approved", "@bob", "@alice"):
        gesture = Gesture(PROBLEM, Place(target), target)
        await office.store.write(
            lambda tx, g=gesture: perform_on_answer(
                tx, office.site, tx.tickets.get(ticket.id), message, g, 5.0
            )  # type: ignore[misc]
        )
    assert await statuses(office, ticket) == [WAITING, HELD]

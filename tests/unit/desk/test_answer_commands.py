"""Commands above an answer, standard answers in it, and answers of merged and split tickets."""

from __future__ import annotations

import pytest

from mailproc.desk.merge import merge, split
from mailproc.desk.submitted import SubmissionSettings
from mailproc.model.moment import shown_moment
from mailproc.model.outbox import OutboxKind
from mailproc.model.ticket import MessageStatus, State, Ticket
from mailproc.pipeline.canned import Canned
from tests.unit.desk.agents_desk import (
    CARLA,
    FIRST,
    HELD,
    WAITING,
    again,
    answer,
    answers_of,
    ask,
    hand_in,
    items,
    notices,
    open_ticket,
    replies,
    reply_address,
    statuses,
    the_ticket,
)
from tests.unit.desk.office import MakeOffice, Office

SECOND = "<two@customer.example>"

# Commands


async def test_a_command_above_an_answer_is_done_and_taken_out(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), text="#close\r\n\r\nUse water.")
    assert (await hand_in(office, "alice", raw)).code == 250
    (sent,) = await replies(office)
    assert "#close" not in sent.text
    assert (await the_ticket(office)).state is State.CLOSED
    assert "#close: closed" in (await notices(office))[0].text


async def test_a_mistyped_command_is_never_sent_and_the_mail_comes_back(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), text="#clsoe\r\n\r\nUse water.")
    for _ in range(2):
        assert (await hand_in(office, "alice", raw)).code == 250
    assert await statuses(office, ticket) == []
    (notice,) = await notices(office)
    assert "#clsoe" in notice.text
    assert notice.embedded[0].message_id == "<a1@laptop.example>"
    assert (await the_ticket(office)).state is State.NEW


async def test_a_command_that_cannot_be_done_lets_nothing_of_the_mail_happen(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), text="#tag fire\r\n#merge 4711\r\n\r\nUse water.")
    assert (await hand_in(office, "alice", raw)).code == 250
    assert await statuses(office, ticket) == []
    assert await office.store.read(lambda tx: tx.history.tags(ticket.id)) == []
    assert "4711" in (await notices(office))[0].text


async def test_a_note_is_kept_and_sent_to_nobody(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), text="#note\r\n\r\nShe is angry.")
    assert (await hand_in(office, "alice", raw)).code == 250
    assert await items(office, OutboxKind.REPLY) == []
    assert [one.direction.value for one in await office.messages(ticket)] == ["in", "note"]


async def test_a_note_may_be_written_to_the_desks_note_address(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to="support+note@example.org", text="She is angry.")
    assert (await hand_in(office, "alice", raw)).code == 250
    assert await items(office, OutboxKind.REPLY) == []
    assert [one.direction.value for one in await office.messages(ticket)] == ["in", "note"]


async def test_a_command_address_closes_without_sending_the_text_below(office: Office) -> None:
    ticket = await open_ticket(office)
    assert (await hand_in(office, "alice", answer(to="support+close@example.org"))).code == 250
    assert (await the_ticket(office)).state is State.CLOSED
    assert await items(office, OutboxKind.REPLY) == []
    assert await answers_of(office, ticket) == []


async def test_a_command_without_a_ticket_is_refused(office: Office) -> None:
    raw = answer(to="support+close@example.org", answers="", subject="x")
    assert (await hand_in(office, "alice", raw)).code == 550


async def test_a_held_answer_takes_its_commands_with_it(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    raw = answer(to=to, sender="bob@example.org", message_id="<b@x>", text="#close\r\n\r\nSand.")
    await hand_in(office, "bob", raw)
    assert (await the_ticket(office)).state is State.ANSWERED
    assert any("not done" in notice.text for notice in await notices(office, "bob"))


async def test_take_makes_an_answer_to_another_agents_ticket_go_out(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await office.receive(again(office, ticket, SECOND))
    raw = answer(
        to=to,
        sender="bob@example.org",
        answers=SECOND,
        message_id="<b@x>",
        text="#take\r\n\r\nMe now.",
    )
    await hand_in(office, "bob", raw)
    assert await statuses(office, ticket) == [WAITING, WAITING]
    assert (await the_ticket(office)).owner == "bob"


async def test_an_answer_that_splits_a_mail_off_belongs_to_the_new_ticket(office: Office) -> None:
    ticket = await open_ticket(office)
    await office.receive(again(office, ticket, SECOND, "And the scanner."))
    raw = answer(
        to=reply_address(office, ticket),
        answers=SECOND,
        text="#split\r\n\r\nWhich scanner?",
    )
    assert (await hand_in(office, "alice", raw)).code == 250
    old, new = await office.tickets()
    (sent,) = await replies(office)
    assert office.site.keyring.tag(new.number) in sent.subject
    assert sent.reply_to is not None and str(sent.reply_to.address) == reply_address(office, new)
    assert (old.state, new.state) == (State.NEW, State.ANSWERED)
    raw = answer(to=reply_address(office, old), sender="bob@example.org", message_id="<b@x>", text="Water!")
    await hand_in(office, "bob", raw)
    assert await statuses(office, old) == [WAITING]


# Standard answers


async def test_a_standard_answer_is_filled_in(make_office: MakeOffice) -> None:
    settings = SubmissionSettings(canned=(Canned("water", "Use water, {{ customer.address }}."),))
    office = await make_office(settings=settings)
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket), text="Hello,\r\n::water\r\n"))
    (sent,) = await replies(office)
    assert f"Use water, {CARLA}." in sent.text


async def test_an_unknown_standard_answer_is_held_with_those_there_are_and_cannot_be_sent(
    make_office: MakeOffice,
) -> None:
    office = await make_office(settings=SubmissionSettings(canned=(Canned("water", "Use water."),)))
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket), text="Hello,\r\n::wader\r\n"))
    assert await statuses(office, ticket) == [HELD]
    (notice,) = await notices(office)
    assert "wader" in notice.text and "water" in notice.text
    assert notice.reply_to is not None
    raw = answer(to=str(notice.reply_to.address), text="send", answers=notice.message_id, message_id="<d@x>")
    assert (await hand_in(office, "alice", raw)).code == 550
    mended = answer(to=reply_address(office, ticket), text="Hello,\r\n::water\r\n", message_id="<a2@x>")
    await hand_in(office, "alice", mended)
    assert await statuses(office, ticket) == [HELD, WAITING]


# Merged and split tickets


async def another_ticket(office: Office) -> Ticket:
    """A second one of the customer's, of a mail SECOND."""
    await office.receive(ask(message_id=SECOND, subject="Another fire"))
    return (await office.tickets())[1]


async def merge_tickets(office: Office, merged: Ticket, *, into: Ticket) -> None:
    await office.store.write(
        lambda tx: merge(
            tx, tx.tickets.get(merged.id), tx.tickets.get(into.id), who="alice", now=office.clock.now
        )
    )


async def test_an_unanswered_mail_of_a_merged_ticket_can_still_be_answered(office: Office) -> None:
    one = await open_ticket(office)
    await hand_in(office, "bob", answer(to=reply_address(office, one), sender="bob@example.org"))
    two = await another_ticket(office)
    await merge_tickets(office, two, into=one)
    raw = answer(
        to=reply_address(office, two),
        answers=SECOND,
        sender="bob@example.org",
        message_id="<b2@x>",
        text="The same answer.",
    )
    await hand_in(office, "bob", raw)
    assert await statuses(office, one) == [WAITING, WAITING]


@pytest.mark.parametrize(("answered", "becomes"), [(SECOND, WAITING), (FIRST, HELD)])
async def test_of_two_mails_that_wait_in_merged_tickets_the_newer_one_is_answered(
    office: Office, answered: str, becomes: MessageStatus
) -> None:
    """The older ticket became part of the newer one."""
    one = await open_ticket(office)
    office.clock.now += 3600
    two = await another_ticket(office)
    await merge_tickets(office, one, into=two)
    await hand_in(office, "alice", answer(to=reply_address(office, two), answers=answered))
    assert await statuses(office, two) == [becomes]


async def test_who_answers_an_older_mail_of_merged_tickets_is_told_of_the_newer_one(office: Office) -> None:
    one = await open_ticket(office)
    office.clock.now += 86_400
    two = await another_ticket(office)
    await merge_tickets(office, two, into=one)
    await hand_in(office, "alice", answer(to=reply_address(office, one), answers=FIRST))
    notice = (await notices(office))[0]
    assert f"the customer wrote again on {shown_moment(two.opened)}" in " ".join(notice.text.split())


async def test_what_is_left_of_a_ticket_after_a_split_can_be_answered(office: Office) -> None:
    ticket = await open_ticket(office)
    await office.receive(again(office, ticket, SECOND))
    second = (await office.messages(ticket))[1]
    await office.store.write(lambda tx: split(tx, ticket, [second.sha256], "4711", who="bob", now=9.0))
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert await statuses(office, ticket) == [WAITING]

"""One answer of a turn leaves; what else is written is held, and its author is told at once."""

from __future__ import annotations

import pytest

from mailproc.desk.claim import claim
from mailproc.desk.submitted import SubmissionSettings
from mailproc.mime.reader import read
from mailproc.model.outbox import OutboxKind, OutboxState
from mailproc.model.ticket import State
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
    what_happened,
)
from tests.unit.desk.office import MakeOffice, Office


async def test_an_answer_leaves_for_the_customer_from_the_desk_and_claims_the_ticket(office: Office) -> None:
    ticket = await open_ticket(office)
    reply = await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert reply.code == 250
    (item,) = await items(office, OutboxKind.REPLY)
    sent, (message,) = read(item.content), await answers_of(office, ticket)
    assert [each.address for each in item.recipients] == [CARLA]
    assert [str(box.address) for box in sent.to] == [CARLA]
    assert sent.author is not None and str(sent.author.address) == "support@example.org"
    assert office.site.keyring.tag(ticket.number) in sent.subject
    assert sent.message_id == message.message_id
    assert sent.in_reply_to == (FIRST,)
    assert not sent.has("User-Agent") and not sent.has("Auto-Submitted")
    assert (message.status, message.agent) == (WAITING, "alice")
    after = await the_ticket(office)
    assert (after.state, after.owner) == (State.ANSWERED, "alice")


async def test_the_message_id_and_the_bounce_address_name_the_row_of_the_answer(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    (item,) = await items(office, OutboxKind.REPLY)
    (message,) = await answers_of(office, ticket)
    keyring, desk = office.site.keyring, office.site.desks["support"]
    assert message.message_id == keyring.message_id(ticket.number, message.id, "mail.example.org")
    assert item.mail_from == str(keyring.bounce_address(desk, ticket.number, message.id))


async def test_what_is_stored_of_an_answer_is_what_leaves(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    (item,) = await items(office, OutboxKind.REPLY)
    (message,) = await answers_of(office, ticket)
    assert await office.store.read(lambda tx: tx.deliveries.raw(message.sha256)) == item.content
    assert message.size == len(item.content)


async def test_the_customers_reply_to_the_answer_joins_the_ticket(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    (sent,) = await replies(office)
    await office.receive(ask(message_id="<two@customer.example>", extra=f"In-Reply-To: {sent.message_id}"))
    after = await the_ticket(office)
    assert (after.state, after.owner) == (State.CLAIMED, "alice")


# Second answers


async def test_another_agents_answer_to_the_same_mail_is_held(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    raw = answer(
        to=reply_address(office, ticket), sender="bob@example.org", message_id="<b1@x>", text="Sand!"
    )
    assert (await hand_in(office, "bob", raw)).code == 250
    assert await statuses(office, ticket) == [WAITING, HELD]
    assert len(await items(office, OutboxKind.REPLY)) == 1
    assert len(await items(office, OutboxKind.REPLY, OutboxState.HELD)) == 1
    assert (await the_ticket(office)).owner == "alice"


async def test_the_author_of_a_held_answer_is_told_who_answered_what_and_when(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    (sent,) = await replies(office)
    raw = answer(
        to=reply_address(office, ticket), sender="bob@example.org", message_id="<b1@x>", text="Sand!"
    )
    await hand_in(office, "bob", raw)
    (notice,) = await notices(office, "bob")
    assert "alice answered it on 2026-" in notice.text
    assert notice.embedded[0].message_id == sent.message_id
    assert notice.reply_to is not None and "+held." in notice.reply_to.address.local
    assert await notices(office, "alice") == []


async def test_an_answer_to_a_ticket_that_another_agent_holds_is_held(office: Office) -> None:
    ticket = await open_ticket(office)
    desk = office.site.desks["support"]
    await office.store.write(lambda tx: claim(tx, desk, ticket, agent="bob", now=1.0))
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert await statuses(office, ticket) == [HELD]
    (notice,) = await notices(office)
    assert "bob works on it" in notice.text
    assert (await the_ticket(office)).state is State.CLAIMED


async def test_an_answer_written_before_the_customers_newest_mail_is_held_with_that_mail(
    office: Office,
) -> None:
    ticket = await open_ticket(office)
    await office.receive(again(office, ticket, "<two@customer.example>", "It is out."))
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert await statuses(office, ticket) == [HELD]
    (notice,) = await notices(office)
    assert "the customer wrote again" in notice.text
    assert notice.embedded[0].message_id == "<two@customer.example>"


async def test_an_automatic_mail_of_the_customer_makes_no_answer_old(office: Office) -> None:
    ticket = await open_ticket(office)
    extra = f"In-Reply-To: {FIRST}\nAuto-Submitted: auto-replied"
    await office.receive(ask("Away.", message_id="<away@customer.example>", extra=extra))
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert await statuses(office, ticket) == [WAITING]


async def test_an_answer_to_an_automatic_mail_is_for_the_turn_in_which_it_came(office: Office) -> None:
    ticket = await open_ticket(office)
    await office.receive(again(office, ticket, "<two@customer.example>"))
    extra = f"In-Reply-To: {FIRST}\nAuto-Submitted: auto-replied"
    await office.receive(ask("Away.", message_id="<away@customer.example>", extra=extra))
    await hand_in(
        office, "alice", answer(to=reply_address(office, ticket), answers="<away@customer.example>")
    )
    assert await statuses(office, ticket) == [WAITING]


async def test_an_answer_that_names_nothing_is_for_the_mail_that_lay_there_when_it_was_written(
    office: Office,
) -> None:
    ticket = await open_ticket(office)
    late = answer(to=reply_address(office, ticket), answers="", extra="").replace(
        b"Date: Mon, 21 Sep 2026 14:00:00 +0000", b"Date: Mon, 21 Sep 2020 14:00:00 +0000"
    )
    await office.receive(again(office, ticket, "<two@customer.example>"))
    await hand_in(office, "alice", late)
    assert await statuses(office, ticket) == [HELD]
    fresh = answer(
        to=reply_address(office, ticket), answers="", message_id="<a2@x>", text="Now I have read it."
    ).replace(b"Date: Mon, 21 Sep 2026 14:00:00 +0000\r\n", b"")
    await hand_in(office, "alice", fresh)
    assert await statuses(office, ticket) == [HELD, WAITING]


async def test_a_new_mail_of_the_customer_may_be_answered_by_whoever_holds_the_ticket(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await office.receive(again(office, ticket, "<two@customer.example>"))
    raw = answer(to=to, answers="<two@customer.example>", message_id="<a2@x>", text="More water.")
    await hand_in(office, "alice", raw)
    assert await statuses(office, ticket) == [WAITING, WAITING]


# The same agent again


async def test_an_agents_own_addition_goes_out(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await hand_in(office, "alice", answer(to=to, text="And the attachment.", message_id="<a2@x>"))
    assert await statuses(office, ticket) == [WAITING, WAITING]


async def test_an_addition_to_the_agents_own_answer_that_answers_the_teams_copy_goes_out(
    office: Office,
) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    (sent,) = await replies(office)
    raw = answer(to=to, text="And this.", message_id="<a2@x>", answers=sent.message_id)
    await hand_in(office, "alice", raw)
    assert await statuses(office, ticket) == [WAITING, WAITING]


async def test_the_same_text_again_is_held(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await hand_in(office, "alice", answer(to=to, text="Use\r\n water.", message_id="<a2@x>"))
    assert await statuses(office, ticket) == [WAITING, HELD]
    assert "you wrote the same" in (await notices(office))[0].text


async def test_the_same_text_for_a_later_mail_of_the_customer_goes_out(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await office.receive(again(office, ticket, "<two@customer.example>"))
    await hand_in(office, "alice", answer(to=to, message_id="<a2@x>", answers="<two@customer.example>"))
    assert await statuses(office, ticket) == [WAITING, WAITING]


async def test_the_same_message_id_with_another_text_is_held(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await hand_in(office, "alice", answer(to=to, text="Something else."))
    assert await statuses(office, ticket) == [WAITING, HELD]


async def test_a_client_that_did_not_see_our_250_repeats_the_mail_and_nothing_leaves_twice(
    office: Office,
) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket))
    repeated = raw.replace(b"14:00:00", b"14:00:07")  # some clients write a new Date
    for each in (raw, raw, repeated):
        assert (await hand_in(office, "alice", each)).code == 250
    assert await statuses(office, ticket) == [WAITING]
    assert await notices(office) == []


async def test_a_held_answer_that_is_repeated_by_its_client_is_held_once(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    raw = answer(to=to, sender="bob@example.org", message_id="<b1@x>", text="Sand!")
    for _ in range(3):
        await hand_in(office, "bob", raw)
    assert await statuses(office, ticket) == [WAITING, HELD]
    assert len(await notices(office, "bob")) == 1


async def test_the_same_message_id_of_two_agents_is_not_a_repetition(office: Office) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to, message_id="<same@x>"))
    await hand_in(office, "bob", answer(to=to, message_id="<same@x>", sender="bob@example.org"))
    assert await statuses(office, ticket) == [WAITING, HELD]


# Refusing instead


async def test_a_second_answer_is_refused_with_one_readable_line_where_the_site_wants_that(
    make_office: MakeOffice,
) -> None:
    office = await make_office(settings=SubmissionSettings(refuse_second=True))
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    raw = answer(to=to, sender="bob@example.org", message_id="<b1@x>", text="Sand!")
    reply = await hand_in(office, "bob", raw)
    assert str(reply).startswith(f"550 5.7.1 Not sent, ticket {ticket.number}: alice answered it on ")
    assert len(str(reply)) < 200
    assert await statuses(office, ticket) == [WAITING]
    assert await notices(office, "bob") == []
    assert "refused" in await what_happened(office, ticket)


# States


@pytest.mark.parametrize("state", [State.CLOSED, State.SPAM, State.PROBLEM, State.SNOOZED])
async def test_an_answer_makes_a_ticket_answered_in_whatever_state_it_was(
    office: Office, state: State
) -> None:
    ticket = await open_ticket(office)
    await office.store.write(lambda tx: tx.tickets.set_state(ticket, state, "", 1.0))
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert (await the_ticket(office)).state is State.ANSWERED

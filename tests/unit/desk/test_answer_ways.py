"""What else an agent hands in: commands, reviews, delays, forwards, new mails, private ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mailproc.desk.change import Refused
from mailproc.desk.departure import take_back
from mailproc.desk.held import approve, reject
from mailproc.desk.merge import merge, split
from mailproc.desk.submitted import SubmissionSettings
from mailproc.mime.reader import read
from mailproc.model.outbox import RELAYED, OutboxKind, OutboxState
from mailproc.model.ticket import MessageStatus, State, Ticket
from mailproc.pipeline.canned import Canned
from tests.unit.desk.agents_desk import (
    CARLA,
    FIRST,
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
from tests.unit.desk.office import Office, desk

MakeOffice = Callable[..., Awaitable[Office]]
WAITING, HELD, FAILED = MessageStatus.WAITING, MessageStatus.HELD, MessageStatus.FAILED
NEW_CUSTOMER = "dora@new.example"
MAY_WRITE_NEW = {"alice": {"may_write_new": True}}


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
    await office.receive(again(office, ticket, "<two@customer.example>"))
    raw = answer(
        to=to,
        sender="bob@example.org",
        answers="<two@customer.example>",
        message_id="<b@x>",
        text="#take\r\n\r\nMe now.",
    )
    await hand_in(office, "bob", raw)
    assert await statuses(office, ticket) == [WAITING, WAITING]
    assert (await the_ticket(office)).owner == "bob"


async def test_an_answer_that_splits_a_mail_off_belongs_to_the_new_ticket(office: Office) -> None:
    ticket = await open_ticket(office)
    await office.receive(again(office, ticket, "<two@customer.example>", "And the scanner."))
    raw = answer(
        to=reply_address(office, ticket),
        answers="<two@customer.example>",
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


# Merged and split tickets


async def test_an_unanswered_mail_of_a_merged_ticket_can_still_be_answered(office: Office) -> None:
    one = await open_ticket(office)
    await hand_in(office, "bob", answer(to=reply_address(office, one), sender="bob@example.org"))
    await office.receive(ask(message_id="<other@customer.example>", subject="The same fire"))
    two = (await office.tickets())[1]

    await office.store.write(
        lambda tx: merge(tx, tx.tickets.get(two.id), tx.tickets.get(one.id), who="alice", now=9.0)
    )
    raw = answer(
        to=reply_address(office, two),
        answers="<other@customer.example>",
        sender="bob@example.org",
        message_id="<b2@x>",
        text="The same answer.",
    )
    await hand_in(office, "bob", raw)
    assert await statuses(office, one) == [WAITING, WAITING]


async def test_what_is_left_of_a_ticket_after_a_split_can_be_answered(office: Office) -> None:
    ticket = await open_ticket(office)
    await office.receive(again(office, ticket, "<two@customer.example>"))
    second = (await office.messages(ticket))[1]
    await office.store.write(lambda tx: split(tx, ticket, [second.sha256], "4711", who="bob", now=9.0))
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert await statuses(office, ticket) == [WAITING]


# A customer's mail handed on


def attached_forward() -> bytes:
    """The customer's mail, which came to Alice, as an attachment."""
    inner = ask("It burns.", message_id="<private@customer.example>", to="alice@example.org")
    lines = [
        "From: Alice <alice@example.org>",
        "To: support@example.org",
        "Subject: Fwd: Printer on fire",
        "Message-ID: <f1@laptop.example>",
        'Content-Type: multipart/mixed; boundary="b"',
        "MIME-Version: 1.0",
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "She called, too.",
        "--b",
        "Content-Type: message/rfc822",
        "",
        inner.decode(),
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


INLINE = """Please look.

-------- Forwarded Message --------
Subject: Printer on fire
Date: Mon, 21 Sep 2026 13:00:00 +0000
From: Carla Customer <carla@customer.example>
To: alice@example.org

It burns."""


async def test_a_customers_mail_forwarded_as_attachment_opens_the_customers_ticket(office: Office) -> None:
    raw = attached_forward()
    for _ in range(2):
        assert (await hand_in(office, "alice", raw)).code == 250
    await office.processor.drain()
    ticket = await the_ticket(office)
    assert (ticket.customer, ticket.subject, ticket.state) == (CARLA, "Printer on fire", State.NEW)
    (message,) = await office.messages(ticket)
    raw_mail = await office.store.read(lambda tx: tx.deliveries.raw(message.sha256))
    assert raw_mail is not None
    kept = read(raw_mail)
    assert kept.message_id == "<private@customer.example>"
    assert "alice@example.org" in kept.header("Resent-From")
    assert "She called, too." in kept.header("Comments")
    assert await items(office, OutboxKind.ACKNOWLEDGEMENT) == []


@pytest.mark.parametrize("subject", ["Fwd: Printer on fire", "WG: Printer on fire"])
async def test_an_inline_forward_opens_the_customers_ticket(office: Office, subject: str) -> None:
    raw = answer(to="support@example.org", subject=subject, answers="", text=INLINE.replace("\n", "\r\n"))
    assert (await hand_in(office, "alice", raw)).code == 250
    await office.processor.drain()
    ticket = await the_ticket(office)
    assert (ticket.customer, ticket.subject) == (CARLA, "Printer on fire")
    await hand_in(
        office, "bob", answer(to=reply_address(office, ticket), sender="bob@example.org", answers="")
    )
    (item,) = await items(office, OutboxKind.REPLY)
    assert [each.address for each in item.recipients] == [CARLA]


@pytest.mark.parametrize(
    "text",
    [
        "Please look at this.",
        INLINE.replace("carla@customer.example", "alice@example.org"),
        INLINE.replace(" <carla@customer.example>", ""),
        "From: eve@elsewhere.example wrote to me that it burns.",
    ],
)
async def test_a_forward_that_does_not_say_whose_it_is_opens_nothing(office: Office, text: str) -> None:
    raw = answer(to="support@example.org", subject="Fwd: x", answers="", text=text.replace("\n", "\r\n"))
    reply = await hand_in(office, "alice", raw)
    assert (reply.code, "attachment" in reply.text) == (550, True)
    await office.processor.drain()
    assert await office.tickets() == []


# New mail of the desk


async def test_a_new_mail_of_an_agent_with_the_right_opens_an_answered_ticket(
    make_office: MakeOffice,
) -> None:
    office = await make_office(agents=MAY_WRITE_NEW)
    raw = answer(to=f"Dora <{NEW_CUSTOMER}>", sender="support@example.org", answers="", subject="Your order")
    for _ in range(2):
        assert (await hand_in(office, "alice", raw)).code == 250
    ticket = await the_ticket(office)
    assert (ticket.customer, ticket.state, ticket.owner) == (NEW_CUSTOMER, State.ANSWERED, "alice")
    (sent,) = await replies(office)
    assert sent.subject.startswith("Your order") or office.site.keyring.tag(ticket.number) in sent.subject
    assert sent.reply_to is not None and str(sent.reply_to.address) == reply_address(office, ticket)
    extra = f"In-Reply-To: {sent.message_id}"
    await office.receive(
        ask(sender=NEW_CUSTOMER, extra=extra, message_id="<r@new.example>"), sender=NEW_CUSTOMER
    )
    assert (await the_ticket(office)).state is State.CLAIMED


async def test_a_new_mail_without_the_right_is_refused(office: Office) -> None:
    raw = answer(to=NEW_CUSTOMER, sender="support@example.org", answers="")
    assert (await hand_in(office, "alice", raw)).code == 550
    assert await office.tickets() == []


async def test_a_mistyped_command_in_a_new_mail_opens_nothing(make_office: MakeOffice) -> None:
    office = await make_office(agents=MAY_WRITE_NEW)
    raw = answer(to=NEW_CUSTOMER, sender="support@example.org", answers="", text="#clsoe\r\n\r\nHello")
    reply = await hand_in(office, "alice", raw)
    assert (reply.code, "#clsoe" in reply.text) == (550, True)
    assert await office.tickets() == []


async def test_an_agent_of_two_desks_must_say_whose_mail_it_is(make_office: MakeOffice) -> None:
    office = await make_office(desk(), desk("sales"), agents=MAY_WRITE_NEW)
    assert (await hand_in(office, "alice", answer(to=NEW_CUSTOMER, answers=""))).code == 550
    raw = answer(to=NEW_CUSTOMER, answers="", sender="sales@example.org")
    assert (await hand_in(office, "alice", raw)).code == 250
    assert (await the_ticket(office)).desk == "sales"


# Private mail


async def test_private_mail_passes_through_as_it_is_where_the_site_wants_that(
    make_office: MakeOffice,
) -> None:
    office = await make_office(settings=SubmissionSettings(pass_through=True))
    raw = answer(to=NEW_CUSTOMER, answers="")
    for _ in range(2):
        assert (await hand_in(office, "alice", raw)).code == 250
    (item,) = await items(office, OutboxKind.PASSED)
    assert item.content == raw
    assert (item.mail_from, item.recipients[0].address) == ("alice@example.org", NEW_CUSTOMER)
    assert await office.tickets() == []


async def test_private_mail_is_refused_otherwise(office: Office) -> None:
    assert (await hand_in(office, "alice", answer(to=NEW_CUSTOMER, answers=""))).code == 550
    assert await office.outgoing() == []


async def test_a_private_mail_that_names_a_ticket_but_goes_elsewhere_stays_private(
    make_office: MakeOffice,
) -> None:
    office = await make_office(settings=SubmissionSettings(pass_through=True))
    ticket = await open_ticket(office)
    assert (await hand_in(office, "alice", answer(to=NEW_CUSTOMER, answers=FIRST))).code == 250
    assert len(await items(office, OutboxKind.PASSED)) == 1
    assert await statuses(office, ticket) == []


async def test_mail_in_the_desks_name_never_passes_through(make_office: MakeOffice) -> None:
    office = await make_office(settings=SubmissionSettings(pass_through=True))
    raw = answer(to=NEW_CUSTOMER, answers="", sender="support@example.org")
    assert (await hand_in(office, "alice", raw)).code == 550
    assert await office.outgoing() == []


async def test_a_held_answer_is_no_outbox_item_that_leaves(make_office: MakeOffice) -> None:
    office, ticket, _ = await trainee(make_office)
    now = office.clock.now + 10**6
    claimed = await office.store.write(lambda tx: tx.outbox.claim_due(now, now + 1, 10, RELAYED))
    assert [item.kind for item in claimed if item.kind is OutboxKind.REPLY] == []
    assert len(await items(office, OutboxKind.REPLY, OutboxState.HELD)) == 1
    assert "review" in await what_happened(office, ticket)

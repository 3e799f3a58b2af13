"""What else an agent hands in: customers' mail, new mail of the desk, private mail."""

from __future__ import annotations

import pytest

from mailproc.desk.submitted import SubmissionSettings
from mailproc.mime.reader import read
from mailproc.model.outbox import OutboxKind
from mailproc.model.ticket import State
from tests.unit.desk.agents_desk import (
    CARLA,
    FIRST,
    MAY_WRITE_NEW,
    answer,
    ask,
    hand_in,
    items,
    open_ticket,
    replies,
    reply_address,
    statuses,
    the_ticket,
)
from tests.unit.desk.office import MakeOffice, Office, desk

NEW_CUSTOMER = "dora@new.example"


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

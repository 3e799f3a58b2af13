"""Who may write to whom: agents of the desk, to people who take part, and never as an open relay."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from mailproc.desk.submitted import SubmissionSettings
from mailproc.mime.reader import read
from mailproc.model.address import Address
from mailproc.model.outbox import OutboxKind
from mailproc.model.ticket import MessageStatus, State
from tests.unit.desk.agents_desk import (
    CARLA,
    FIRST,
    MAY_WRITE_NEW,
    answer,
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
from tests.unit.desk.office import MakeOffice, Office, desk

STRANGER = "eve@elsewhere.example"


# Recipients


async def test_cc_is_kept_and_addresses_of_ours_are_taken_out(office: Office) -> None:
    await office.receive(ask(extra="Cc: dan@customer.example"))
    ticket = await the_ticket(office)
    extra = "Cc: dan@customer.example, support@example.org, Alice <alice@example.org>"
    reply = await hand_in(office, "alice", answer(to=reply_address(office, ticket), extra=extra))
    assert reply.code == 250
    (item,) = await items(office, OutboxKind.REPLY)
    sent = read(item.content)
    assert [str(box.address) for box in sent.to] == [CARLA]
    assert [str(box.address) for box in sent.cc] == ["dan@customer.example"]
    assert {each.address for each in item.recipients} == {CARLA, "dan@customer.example"}


async def test_who_is_in_the_envelope_only_gets_a_blind_copy(office: Office) -> None:
    await office.receive(ask(extra="Cc: dan@customer.example"))
    ticket = await the_ticket(office)
    to = reply_address(office, ticket)
    raw = answer(to=to, extra="Bcc: dan@customer.example")
    await hand_in(office, "alice", raw, to=[to, "dan@customer.example"])
    (item,) = await items(office, OutboxKind.REPLY)
    assert {each.address for each in item.recipients} == {CARLA, "dan@customer.example"}
    assert b"dan@customer.example" not in item.content


async def test_a_mail_to_the_customers_own_address_is_the_same_answer(office: Office) -> None:
    ticket = await open_ticket(office)
    assert (await hand_in(office, "alice", answer(to=CARLA))).code == 250
    (sent,) = await replies(office)
    assert sent.author is not None and str(sent.author.address) == "support@example.org"
    assert await statuses(office, ticket) == [MessageStatus.WAITING]


async def test_nobody_who_takes_no_part_gets_an_answer(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), extra=f"Cc: {STRANGER}")
    reply = await hand_in(office, "alice", raw)
    assert str(reply) == f"550 5.7.1 You may not write to {STRANGER}, who takes no part"
    assert await statuses(office, ticket) == []
    assert (await the_ticket(office)).state is State.NEW


async def test_who_has_the_right_may_bring_new_people_in_and_they_take_part_then(
    make_office: MakeOffice,
) -> None:
    office = await make_office(agents=MAY_WRITE_NEW)
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), extra=f"Cc: {STRANGER}")
    assert (await hand_in(office, "alice", raw)).code == 250
    people = dict(await office.store.read(lambda tx: tx.threads.participants(ticket.id)))
    assert STRANGER in people


async def test_a_newcomer_is_written_to_only_where_the_agent_names_him(office: Office) -> None:
    ticket = await open_ticket(office)
    extra = f"In-Reply-To: {FIRST}"
    await office.receive(
        ask(sender=STRANGER, message_id="<n@elsewhere.example>", extra=extra), sender=STRANGER
    )
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to, answers="<n@elsewhere.example>"))
    (item,) = await items(office, OutboxKind.REPLY)
    assert [each.address for each in item.recipients] == [CARLA]
    raw = answer(
        to=to, answers="<n@elsewhere.example>", extra=f"Cc: {STRANGER}", message_id="<a2@x>", text="You too."
    )
    assert (await hand_in(office, "alice", raw)).code == 250


async def test_a_colleague_may_be_written_to(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), extra="Cc: bob@example.org")
    assert (await hand_in(office, "alice", raw)).code == 250
    (item,) = await items(office, OutboxKind.REPLY)
    assert {each.address for each in item.recipients} == {CARLA, "bob@example.org"}
    people = dict(await office.store.read(lambda tx: tx.threads.participants(ticket.id)))
    assert "bob@example.org" not in people


async def test_a_mail_to_others_about_a_ticket_answers_nothing(office: Office) -> None:
    ticket = await open_ticket(office)
    assert (await hand_in(office, "alice", answer(to="bob@example.org"))).code == 250
    (item,) = await items(office, OutboxKind.REPLY)
    assert [each.address for each in item.recipients] == ["bob@example.org"]
    after = await the_ticket(office)
    assert (after.state, after.owner) == (State.NEW, "")
    assert "consulted" in await what_happened(office, ticket)
    raw = answer(to=reply_address(office, ticket), sender="bob@example.org", message_id="<b@x>", text="Sand.")
    await hand_in(office, "bob", raw)
    assert await statuses(office, ticket) == [MessageStatus.WAITING, MessageStatus.WAITING]


async def test_a_mail_to_two_tickets_is_refused(office: Office) -> None:
    one = await open_ticket(office)
    await office.receive(ask(message_id="<other@customer.example>", subject="Scanner"))
    two = (await office.tickets())[1]
    raw = answer(to=f"{reply_address(office, one)}, {reply_address(office, two)}")
    reply = await hand_in(office, "alice", raw)
    assert (reply.code, "several tickets" in reply.text) == (550, True)


# Senders


@pytest.mark.parametrize(
    "sender",
    [
        "bob@example.org",
        STRANGER,
        "alice@example.org, bob@example.org",
        "Support <ceo@example.org>",
        "",
    ],
)
async def test_nobody_writes_as_somebody_else(office: Office, sender: str) -> None:
    ticket = await open_ticket(office)
    reply = await hand_in(office, "alice", answer(to=reply_address(office, ticket), sender=sender))
    assert reply.code == 550
    assert await statuses(office, ticket) == []


@pytest.mark.parametrize("extra", [f"Sender: {STRANGER}", f"From: {STRANGER}"])
async def test_no_second_author_is_let_in_by_another_field(office: Office, extra: str) -> None:
    ticket = await open_ticket(office)
    reply = await hand_in(office, "alice", answer(to=reply_address(office, ticket), extra=extra))
    assert reply.code == 550


async def test_the_envelopes_sender_must_be_the_agents_too(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket))
    assert (await hand_in(office, "alice", raw, sender="bob@example.org")).code == 550


@pytest.mark.parametrize(
    "sender", ["support@example.org", "a.ang@example.org", "Support <SUPPORT@example.org>"]
)
async def test_the_desks_addresses_and_the_agents_further_ones_may_stand_in_from(
    make_office: MakeOffice, sender: str
) -> None:
    office = await make_office(agents={"alice": {"further": (Address.parse("a.ang@example.org"),)}})
    ticket = await open_ticket(office)
    reply = await hand_in(office, "alice", answer(to=reply_address(office, ticket), sender=sender))
    assert reply.code == 250


async def test_an_agent_of_another_desk_answers_nothing_here(make_office: MakeOffice) -> None:
    office = await make_office(desk(), replace(desk("sales"), agents=("mallory",)), agents={"mallory": {}})
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), sender="mallory@example.org")
    reply = await hand_in(office, "mallory", raw)
    assert str(reply) == "550 5.7.1 You are no agent of that desk"
    assert await statuses(office, ticket) == []


async def test_who_is_no_agent_sends_nothing(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), sender="nobody@example.org")
    assert (await hand_in(office, "nobody", raw)).code == 550


async def test_a_reply_address_with_another_mac_is_refused(office: Office) -> None:
    ticket = await open_ticket(office)
    forged = reply_address(office, ticket)[:-13] + "a@example.org"
    assert (await hand_in(office, "alice", answer(to=forged))).code == 550


# At RCPT


async def refusal(office: Office, recipient: str, agent: str = "alice") -> int:
    reply = await office.submissions.check_recipient(agent, Address.parse(recipient))
    return reply.code if reply else 250


async def test_rcpt_is_put_off_where_the_store_cannot_be_read(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """As a failure that is foreseen: one line in the log."""
    with closing(sqlite3.connect(office.store.path)) as raw:
        raw.execute("DROP TABLE participant")
    assert await refusal(office, CARLA) == 451
    assert "agent=alice store=no such table" in caplog.text


async def test_rcpt_takes_tickets_commands_participants_and_colleagues(office: Office) -> None:
    ticket = await open_ticket(office)
    fine = [
        reply_address(office, ticket),
        "support@example.org",
        "support+close@example.org",
        CARLA,
        "bob@example.org",
    ]
    assert [await refusal(office, each) for each in fine] == [250] * len(fine)


@pytest.mark.parametrize(
    "recipient",
    [
        STRANGER,
        "support+clsoe@example.org",
        "support+2026092100001@example.org",
        "support+2026092100001.aaaaaaaaaa@example.org",
        "support+bounce.2026092100001.3.aaaaaaaaaa@example.org",
        "support+held.1.aaaaaaaaaa@example.org",
        "eve%elsewhere.example@example.org",
        "elsewhere.example!eve@example.org",
        '"eve@elsewhere.example"@example.org',
    ],
)
async def test_rcpt_refuses_what_is_surely_wrong(office: Office, recipient: str) -> None:
    await open_ticket(office)
    assert await refusal(office, recipient) == 550


@pytest.mark.parametrize("settings", [SubmissionSettings(), SubmissionSettings(pass_through=True)])
async def test_rcpt_refuses_percent_and_bang_from_everybody(
    make_office: MakeOffice, settings: SubmissionSettings
) -> None:
    office = await make_office(settings=settings, agents=MAY_WRITE_NEW)
    assert await refusal(office, "eve%elsewhere.example@example.org") == 550
    assert await refusal(office, STRANGER) == 250


# Automatic mail of agents


@pytest.mark.parametrize(
    "extra", ["Auto-Submitted: auto-replied", "X-Autoreply: yes", "Precedence: bulk", "X-Auto-Responder: 1"]
)
async def test_an_agents_absence_notice_is_kept_with_the_ticket_and_goes_to_nobody(
    office: Office, extra: str
) -> None:
    ticket = await open_ticket(office)
    reply = await hand_in(office, "alice", answer(to=CARLA, text="I am away.", extra=extra))
    assert reply.code == 250
    assert await items(office, OutboxKind.REPLY) == []
    assert (await office.messages(ticket))[-1].direction.value == "note"
    after = await the_ticket(office)
    assert (after.state, after.owner) == (State.NEW, "")


async def test_a_receipt_that_an_agents_client_sends_goes_to_nobody(office: Office) -> None:
    ticket = await open_ticket(office)
    extra = 'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"'
    assert (await hand_in(office, "alice", answer(to=CARLA, extra=extra))).code == 250
    assert await items(office, OutboxKind.REPLY) == []
    assert len(await office.messages(ticket)) == 1
    assert "automatic_kept" in await what_happened(office, ticket)


async def test_automatic_mail_that_is_no_tickets_is_refused(make_office: MakeOffice) -> None:
    office = await make_office(agents=MAY_WRITE_NEW)
    raw = answer(to=STRANGER, answers="", extra="Auto-Submitted: auto-replied")
    assert (await hand_in(office, "alice", raw)).code == 550


# Agents who are none


async def test_a_mail_from_outside_in_an_agents_name_stays_a_mail_from_outside(office: Office) -> None:
    ticket = await open_ticket(office)
    raw = answer(to=reply_address(office, ticket), text="#close\r\n\r\nSend money to eve.")
    await office.receive(raw, sender="alice@example.org", to=[reply_address(office, ticket)])
    assert [one.direction.value for one in await office.messages(ticket)] == ["in", "in"]
    assert await items(office, OutboxKind.REPLY) == []
    assert (await the_ticket(office)).state is State.NEW
    assert await notices(office) == []

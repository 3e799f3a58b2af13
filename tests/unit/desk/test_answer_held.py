"""What becomes of a held answer: sent, dropped, reminded of, never forgotten."""

from __future__ import annotations

import math

import pytest

from mailproc.desk import outgoing
from mailproc.desk.change import Refused
from mailproc.desk.clock import tick
from mailproc.desk.held import drop, release
from mailproc.desk.train import GRACE
from mailproc.mime.reader import Mail
from mailproc.model.outbox import OutboxKind, OutboxState
from mailproc.model.ticket import State, Ticket
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
from tests.unit.desk.office import Office

DAY = 86_400.0


async def held_answer(office: Office) -> tuple[Ticket, Mail]:
    """Bob's answer is held because of Alice's; the ticket, and the notice that Bob got."""
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    raw = answer(to=to, sender="bob@example.org", message_id="<b1@x>", text="Sand!")
    await hand_in(office, "bob", raw)
    (notice,) = await notices(office, "bob")
    await tick(office.store, office.site, office.clock.now + GRACE)  # what was answered is learnt as ham
    return ticket, notice


def decision(
    notice: Mail, words: str, *, sender: str = "bob@example.org", message_id: str = "<d@x>"
) -> bytes:
    """A reply to the notice."""
    assert notice.reply_to is not None
    return answer(
        to=str(notice.reply_to.address),
        text=f"{words}\r\n\r\nOn Monday Support wrote:\r\n> send\r\n> drop",
        sender=sender,
        answers=notice.message_id,
        message_id=message_id,
        subject=f"Re: {notice.subject}",
    )


@pytest.mark.parametrize("words", ["send", "Send!", "  SEND it, please", "#send"])
async def test_replying_send_sends_it_nevertheless(office: Office, words: str) -> None:
    ticket, notice = await held_answer(office)
    assert (await hand_in(office, "bob", decision(notice, words))).code == 250
    assert await statuses(office, ticket) == [WAITING, WAITING]
    assert len(await items(office, OutboxKind.REPLY)) == 2
    assert await office.store.read(lambda tx: tx.holds.told_before(math.inf, 9)) == []
    assert "released" in await what_happened(office, ticket)


async def test_replying_drop_drops_it(office: Office) -> None:
    ticket, notice = await held_answer(office)
    assert (await hand_in(office, "bob", decision(notice, "drop"))).code == 250
    assert await statuses(office, ticket) == [WAITING, FAILED]
    assert await items(office, OutboxKind.REPLY, OutboxState.HELD) == []
    assert (await the_ticket(office)).owner == "alice"


async def test_a_reply_that_says_neither_is_refused_with_what_to_write(office: Office) -> None:
    ticket, notice = await held_answer(office)
    reply = await hand_in(office, "bob", decision(notice, "What does this mean?"))
    assert reply.code == 550
    assert '"send" or "drop"' in reply.text
    assert await statuses(office, ticket) == [WAITING, HELD]


async def test_only_who_wrote_it_decides(office: Office) -> None:
    ticket, notice = await held_answer(office)
    reply = await hand_in(office, "alice", decision(notice, "send", sender="alice@example.org"))
    assert reply.code == 550
    assert await statuses(office, ticket) == [WAITING, HELD]


async def test_an_address_with_a_wrong_mac_decides_nothing(office: Office) -> None:
    ticket, notice = await held_answer(office)
    assert notice.reply_to is not None
    forged = str(notice.reply_to.address).replace("@", "a@")
    raw = answer(to=forged, text="send", sender="bob@example.org", answers="", message_id="<d@x>")
    assert (await hand_in(office, "bob", raw)).code == 550
    assert await statuses(office, ticket) == [WAITING, HELD]


async def test_a_reply_to_the_desk_that_names_the_notice_decides_too(office: Office) -> None:
    ticket, notice = await held_answer(office)
    raw = answer(
        to="support@example.org",
        text="drop",
        sender="bob@example.org",
        answers=notice.message_id,
        message_id="<d@x>",
    )
    assert (await hand_in(office, "bob", raw)).code == 250
    assert await statuses(office, ticket) == [WAITING, FAILED]


async def test_an_answer_that_names_the_notice_is_still_an_answer(office: Office) -> None:
    ticket, notice = await held_answer(office)
    to = reply_address(office, ticket)
    raw = answer(
        to=to,
        text="Send me a photo.",
        sender="bob@example.org",
        answers=notice.message_id,
        message_id="<d@x>",
    )
    assert (await hand_in(office, "bob", raw)).code == 250
    assert await statuses(office, ticket) == [WAITING, HELD, HELD]


async def test_a_decision_that_its_client_repeats_is_taken_once(office: Office) -> None:
    ticket, notice = await held_answer(office)
    raw = decision(notice, "send")
    assert (await hand_in(office, "bob", raw)).code == 250
    assert (await hand_in(office, "bob", raw)).code == 250
    assert await statuses(office, ticket) == [WAITING, WAITING]


async def test_who_decides_twice_is_told_that_it_is_done(office: Office) -> None:
    _, notice = await held_answer(office)
    await hand_in(office, "bob", decision(notice, "drop"))
    reply = await hand_in(office, "bob", decision(notice, "send", message_id="<d2@x>"))
    assert str(reply) == "550 5.7.1 That answer is not held any more"


async def test_the_same_word_by_lmtp_decides_nothing(office: Office) -> None:
    _, notice = await held_answer(office)
    assert notice.reply_to is not None
    await office.receive(
        decision(notice, "send"), sender="bob@example.org", to=[str(notice.reply_to.address)]
    )
    assert len(await items(office, OutboxKind.REPLY, OutboxState.HELD)) == 1


async def test_what_is_held_is_reminded_of_every_day_and_never_expires(office: Office) -> None:
    ticket, _ = await held_answer(office)
    for day in range(1, 41):
        office.clock.now += DAY
        assert await tick(office.store, office.site, office.clock.now) == 1
        assert await tick(office.store, office.site, office.clock.now) == 0
        assert len(await notices(office, "bob")) == 1 + day
    assert await statuses(office, ticket) == [WAITING, HELD]
    last = (await notices(office, "bob"))[-1]
    assert (await hand_in(office, "bob", decision(last, "send"))).code == 250
    assert await statuses(office, ticket) == [WAITING, WAITING]


async def test_an_older_answer_that_is_sent_nevertheless_leaves_the_newer_mail_to_be_answered(
    office: Office,
) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await office.receive(again(office, ticket, "<two@customer.example>"))
    await hand_in(office, "alice", answer(to=to))
    (notice,) = await notices(office)
    await hand_in(office, "alice", decision(notice, "send", sender="alice@example.org"))
    assert (await the_ticket(office)).state is State.NEW
    raw = answer(to=to, sender="bob@example.org", answers="<two@customer.example>", message_id="<b1@x>")
    await hand_in(office, "bob", raw)
    assert await statuses(office, ticket) == [WAITING, WAITING]


async def test_an_operator_may_send_or_drop_what_is_held(office: Office) -> None:
    ticket, _ = await held_answer(office)
    (item,) = await items(office, OutboxKind.REPLY, OutboxState.HELD)
    await office.store.write(lambda tx: outgoing.retry(tx, office.site, item.id, now=office.clock.now))
    assert await statuses(office, ticket) == [WAITING, WAITING]
    await office.store.write(lambda tx: outgoing.drop(tx, item.id, now=office.clock.now))
    assert await statuses(office, ticket) == [WAITING, FAILED]


async def test_a_held_answer_that_an_operator_drops_is_reminded_of_no_more(office: Office) -> None:
    ticket, _ = await held_answer(office)
    (item,) = await items(office, OutboxKind.REPLY, OutboxState.HELD)
    await office.store.write(lambda tx: outgoing.drop(tx, item.id, now=office.clock.now))
    assert await statuses(office, ticket) == [WAITING, FAILED]
    assert await tick(office.store, office.site, office.clock.now + DAY) == 0


async def test_of_two_who_decide_at_once_one_is_told(office: Office) -> None:
    ticket, _ = await held_answer(office)
    message = (await answers_of(office, ticket))[1].id
    await office.store.write(lambda tx: drop(tx, message, who="bob", now=1.0))
    with pytest.raises(Refused, match="not held any more"):
        await office.store.write(lambda tx: release(tx, office.site, message, who="bob", now=2.0))


async def test_a_held_answer_lies_in_problem_and_its_ticket_does_not(office: Office) -> None:
    ticket, _ = await held_answer(office)
    message = (await answers_of(office, ticket))[1].id
    shown = await office.store.read(lambda tx: tx.folders.shown("support", ticket.id))
    assert shown is not None
    places = {copy.name: copy.place for copy in shown.copies}
    assert places[f"m{message}"] == "problem"
    assert shown.place == "answered"

"""A mail that only says thanks reopens nothing, where the desk wants it so and the topic model is sure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from mailproc.desk.clock import tick
from mailproc.desk.close import close
from mailproc.desk.joined import MOST_WORDS
from mailproc.desk.known_topics import KnownTopics
from mailproc.desk.topics import GRACE, learn_due
from mailproc.model.outbox import OutboxKind
from mailproc.model.ticket import State, Ticket
from mailproc.store.protocol import Transaction
from tests.unit.desk.agents_desk import (
    FIRST,
    answer,
    ask,
    hand_in,
    items,
    open_ticket,
    reply_address,
    the_ticket,
    what_happened,
)
from tests.unit.desk.office import MakeOffice, Office, desk

CHAIN = ("automatic", "ticket", "analyse", "acknowledge")
DAY = 86_400.0
THANKS = "Thank you very much, it works perfectly now."
LESSONS = {
    "thanks": [f"Thank you very much, it works perfectly now. Great help {n}" for n in range(6)],
    "trouble": [f"The printer is broken again and burns, please send somebody {n}" for n in range(6)],
}


async def office_with(make_office: MakeOffice, thanks: str = "thanks", **more: Any) -> Office:
    """A desk whose model knows thanks from trouble."""
    office = await make_office(replace(desk(), thanks=thanks, **more), chain=CHAIN)

    def teach(tx: Transaction) -> None:
        for topic, texts in LESSONS.items():
            for text in texts:
                raw = ask(text, message_id=f"<{topic}{text[-1]}@teacher.example>", subject="Re: Printer")
                sha256 = hashlib.sha256(raw).digest()
                tx.deliveries.keep_raw(sha256, raw)
                tx.topics.learn("support", sha256, topic, now=1.0, who="", tags=[])

    await office.store.write(teach)
    await learn_due(office.store, office.clock.now + GRACE)
    assert set((await KnownTopics(office.store).model(office.desks[0])).topics) == set(LESSONS)
    return office


async def done(office: Office, state: State) -> Ticket:
    """A ticket that was answered, and perhaps closed."""
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    if state is State.CLOSED:
        now = await the_ticket(office)
        await office.store.write(lambda tx: close(tx, now, who="alice", now=office.clock.now))
    return ticket


async def follow_up(office: Office, text: str, extra: str = "") -> Ticket:
    more = f"In-Reply-To: {FIRST}\nReferences: {FIRST}\n{extra}"
    await office.receive(ask(text, message_id="<two@customer.example>", subject="Re: Printer", extra=more))
    return await the_ticket(office)


@pytest.mark.parametrize("state", [State.CLOSED, State.ANSWERED])
async def test_thanks_join_and_open_nothing(make_office: MakeOffice, state: State) -> None:
    office = await office_with(make_office)
    ticket = await done(office, state)
    assert (await follow_up(office, THANKS)).state is state
    assert len(await office.messages(ticket)) == 3
    event = next(each for each in await office.events(ticket) if each.what == "thanked")
    assert "only thanks (topic thanks)" in event.detail


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        ("The printer is broken again and burns.", ""),
        (f"{THANKS} Can you send somebody?", ""),
        (f"{THANKS} " + "very much " * MOST_WORDS, ""),
        ("", ""),
    ],
)
async def test_whatever_may_want_an_answer_opens_it_again(
    make_office: MakeOffice, text: str, extra: str
) -> None:
    office = await office_with(make_office)
    await done(office, State.CLOSED)
    assert (await follow_up(office, text, extra)).state is State.CLAIMED


async def test_thanks_with_a_file_open_it_again(make_office: MakeOffice) -> None:
    office = await office_with(make_office)
    await done(office, State.CLOSED)
    extra = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"'
    body = f"--b\r\n\r\n{THANKS}\r\n--b\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nx\r\n--b--"
    assert (await follow_up(office, body, extra)).state is State.CLAIMED


async def test_it_is_off_by_default(make_office: MakeOffice) -> None:
    office = await office_with(make_office, thanks="")
    await done(office, State.CLOSED)
    assert (await follow_up(office, THANKS)).state is State.CLAIMED


async def test_thanks_to_a_ticket_that_is_worked_on_are_a_mail_like_any_other(
    make_office: MakeOffice,
) -> None:
    office = await office_with(make_office)
    ticket = await open_ticket(office)
    await follow_up(office, THANKS)
    assert "follow_up" in await what_happened(office, ticket)


async def test_who_said_thanks_is_not_warned_and_the_ticket_is_closed_in_time(
    make_office: MakeOffice,
) -> None:
    office = await office_with(make_office, close_after=14 * DAY, close_warning=3 * DAY)
    ticket = await done(office, State.ANSWERED)
    await follow_up(office, THANKS)
    for days in (11, 14, 15):
        await tick(office.store, office.site, office.clock.now + days * DAY)
    assert (await the_ticket(office)).state is State.CLOSED
    assert await items(office, OutboxKind.WARNING) == []
    assert "only thanks came" in (await office.events(ticket))[-1].detail

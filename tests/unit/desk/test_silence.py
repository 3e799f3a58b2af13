"""Answered tickets whose customers are silent: told once, closed later, opened again by a person only."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailproc.desk.clock import tick
from mailproc.desk.settle import settle
from mailproc.desk.silence import MOST_AT_ONCE
from mailproc.desk.site import AutomaticAnswers
from mailproc.desk.train import GRACE
from mailproc.mime.reader import Mail, read
from mailproc.model.auto_answer import AcknowledgementLimits
from mailproc.model.outbox import Fate, OutboxKind, RecipientResult
from mailproc.model.reply import Reply
from mailproc.model.ticket import State, Ticket
from mailproc.pipeline.closing import read_closing
from mailproc.store.protocol import Transaction
from tests.unit.desk.agents_desk import (
    CARLA,
    again,
    answer,
    hand_in,
    items,
    open_ticket,
    reply_address,
    the_ticket,
    what_happened,
)
from tests.unit.desk.office import ROOT, MakeOffice, Office, desk, mail

DAY = 86_400.0
AFTER, WARNING = 14 * DAY, 3 * DAY
YEARS = 3653 * DAY
TEMPLATES = (str(ROOT / "config" / "templates"),)
NO_TEMPLATE = ("automatic", "auth", "ticket")


async def patient(
    make_office: MakeOffice, *, warning: float = WARNING, chain: Sequence[str] = NO_TEMPLATE, **more: Any
) -> Office:
    """A desk that closes after two weeks."""
    office = await make_office(replace(desk(), close_after=AFTER, close_warning=warning, **more), chain=chain)
    office.site = replace(office.site, automatic=AutomaticAnswers(TEMPLATES))
    return office


async def answered(office: Office, **more: str) -> Ticket:
    """A ticket that alice has answered just now; the time is the answer's."""
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket), **more))
    office.clock.now -= 1
    await tick(office.store, office.site, office.clock.now + GRACE)  # what was answered is learnt as no spam
    return ticket


async def look(office: Office, after: float) -> int:
    """The clock looks so long after now."""
    return await tick(office.store, office.site, office.clock.now + after)


async def warnings(office: Office) -> list[Mail]:
    return [read(item.content) for item in await items(office, OutboxKind.WARNING)]


async def closed_because(office: Office, ticket: Ticket) -> str:
    event = (await office.events(ticket))[-1]
    assert event.what == "closed"
    return event.detail


async def test_a_silent_customer_is_told_and_then_the_ticket_is_closed(make_office: MakeOffice) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    assert await look(office, AFTER - WARNING - 1) == 0
    assert await look(office, AFTER - WARNING) == 1
    assert await look(office, AFTER - 1) == 0
    assert (await the_ticket(office)).state is State.ANSWERED
    assert await look(office, AFTER) == 1
    assert (await the_ticket(office)).state is State.CLOSED
    assert await closed_because(office, ticket) == "the customer was silent for 14 days"
    assert len(await warnings(office)) == 1


async def test_the_warning_is_a_mail_that_nothing_answers_and_that_belongs_to_its_ticket(
    make_office: MakeOffice,
) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    await look(office, AFTER - WARNING)
    (item,) = await items(office, OutboxKind.WARNING)
    warning = read(item.content)
    assert (item.mail_from, item.recipients[0].address) == ("", CARLA)
    assert warning.header("auto-submitted") == "auto-generated"
    assert warning.header("x-auto-response-suppress") == "All"
    assert warning.subject == f"{office.site.keyring.tag(ticket.number)} Printer on fire"
    assert warning.in_reply_to == ("<one@customer.example>",)
    assert str(warning.reply_to and warning.reply_to.address) == reply_address(office, ticket)
    assert "2026-10-05" in warning.text
    assert len(await office.messages(ticket)) == 2  # it is no message of the ticket
    assert (await office.events(ticket))[-1].what == "warned"


async def test_the_warning_speaks_the_customers_language(make_office: MakeOffice) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    await office.store.write(lambda tx: tx.tickets.describe(ticket.id, topic="", language="de", spam=0.0))
    await look(office, AFTER - WARNING)
    assert "Ihre Anfrage" in (await warnings(office))[0].text


async def test_every_language_says_when_the_ticket_is_closed() -> None:
    values = {
        "tag": "[T#1-aaaaaa]",
        "subject": "S",
        "number": "1",
        "day": "2026-12-08",
        "desk": "D",
        "address": "a@b",
    }
    texts = [template.render(values) for template in read_closing(TEMPLATES).templates.values()]
    assert len(texts) == 12
    assert all("2026-12-08" in text and text.startswith("Subject: [T#1-aaaaaa] S\n\n") for text in texts)


# A person stops it, a machine does not


async def test_an_answer_of_the_customer_stops_it(make_office: MakeOffice) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    await look(office, AFTER - WARNING)
    (warning,) = await warnings(office)
    office.clock.now += AFTER - DAY
    await office.receive(
        mail(message_id="<two@customer.example>", extra=f"In-Reply-To: {warning.message_id}")
    )
    await look(office, YEARS)
    assert "closed" not in await what_happened(office, ticket)


async def test_the_next_silence_begins_with_the_next_answer(make_office: MakeOffice) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    await look(office, AFTER - WARNING)
    office.clock.now += AFTER - DAY
    await office.receive(again(office, ticket, "<two@customer.example>"))
    second = answer(
        to=reply_address(office, ticket),
        answers="<two@customer.example>",
        message_id="<a2@laptop.example>",
        text="And sand.",
    )
    await hand_in(office, "alice", second)
    for after, told in ((WARNING + DAY, 1), (AFTER - WARNING, 2)):
        await look(office, after)
        assert len(await warnings(office)) == told


@pytest.mark.parametrize("marks", ["Auto-Submitted: auto-replied", "List-Id: <l.example>\nPrecedence: list"])
async def test_a_machines_mail_changes_nothing(make_office: MakeOffice, marks: str) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    await look(office, AFTER - WARNING)
    (warning,) = await warnings(office)
    extra = f"{marks}\nIn-Reply-To: {warning.message_id}"
    await office.receive(mail(message_id="<auto@customer.example>", extra=extra))
    assert await look(office, AFTER) == 1
    assert (await the_ticket(office)).state is State.CLOSED
    await office.receive(mail(message_id="<auto2@customer.example>", extra=extra))
    assert (await the_ticket(office)).state is State.CLOSED
    assert len(await office.messages(ticket)) == 4


async def test_a_real_answer_opens_a_ticket_that_was_closed_so(make_office: MakeOffice) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    await look(office, AFTER - WARNING)
    await look(office, AFTER)
    await office.receive(again(office, ticket, "<two@customer.example>"))
    assert (await the_ticket(office)).state is State.CLAIMED


@pytest.mark.parametrize("state", ["new", "claimed", "snoozed"])
async def test_only_answered_tickets_are_closed(make_office: MakeOffice, state: str) -> None:
    office = await patient(make_office)
    ticket = await open_ticket(office)
    await office.store.write(lambda tx: tx.tickets.set_state(ticket, State(state), "", office.clock.now))
    await look(office, YEARS)
    assert await warnings(office) == []
    assert (await the_ticket(office)).state is not State.CLOSED


# Who is not told


async def test_a_desk_that_wants_no_warning_closes_in_silence(make_office: MakeOffice) -> None:
    office = await patient(make_office, warning=0.0)
    ticket = await answered(office)
    assert await look(office, AFTER - 1) == 0
    await look(office, AFTER)
    assert await closed_because(office, ticket) == "the customer was silent for 14 days"
    assert await warnings(office) == []


@pytest.mark.parametrize(
    ("sender", "extra", "reason"),
    [
        ("no-reply@customer.example", "", "takes no replies"),
        ("carla@customer.example", "X-Auto-Response-Suppress: All", "asks for no answer"),
        ("carla@customer.example", "Feedback-ID: 7:campaign", "Feedback-Id stands in it"),
        ("bob@example.org", "", "one of our own addresses"),
    ],
)
async def test_who_must_not_get_automatic_mail_is_not_told_and_the_ticket_is_closed_all_the_same(
    make_office: MakeOffice, sender: str, extra: str, reason: str
) -> None:
    office = await patient(make_office, chain=("auth", "ticket"))
    await office.receive(mail(sender=sender, extra=extra), sender=sender)
    (ticket,) = await office.tickets()
    await office.store.write(
        lambda tx: tx.tickets.set_state(ticket, State.ANSWERED, "alice", office.clock.now)
    )
    await look(office, AFTER - WARNING)
    assert await warnings(office) == []
    assert await look(office, AFTER) == 1
    assert reason in await closed_because(office, ticket)


async def test_nobody_is_told_where_no_person_wrote(make_office: MakeOffice) -> None:
    office = await patient(make_office)
    await office.receive(mail(extra="Auto-Submitted: auto-generated"))
    (ticket,) = await office.tickets()
    await office.store.write(
        lambda tx: tx.tickets.set_state(ticket, State.ANSWERED, "alice", office.clock.now)
    )
    for after in (AFTER - WARNING, AFTER):
        await look(office, after)
    assert "no person wrote" in await closed_because(office, ticket)


async def test_a_warning_that_cannot_be_delivered_is_told_in_the_history(make_office: MakeOffice) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    await look(office, AFTER - WARNING)

    def refuse(tx: Transaction) -> None:
        now = office.clock.now + AFTER
        (item,) = tx.outbox.claim_due(now, now + 60, 5, [OutboxKind.WARNING])
        result = RecipientResult(CARLA, Fate.REFUSED, Reply(550, "5.1.1", "No such user"))
        settle(tx, office.site, tx.outbox.record(item, [result], now=now, due=None), now)

    await office.store.write(refuse)
    await look(office, AFTER)
    assert "No such user" in await closed_because(office, ticket)


# Limits


async def with_limits(make_office: MakeOffice, tickets: int, **limits: int) -> Office:
    """Tickets of one customer that were answered at the same time."""
    office = await patient(make_office)
    automatic = AutomaticAnswers(TEMPLATES, AcknowledgementLimits(**limits))
    office.site = replace(office.site, automatic=automatic)
    for number in range(tickets):
        await office.receive(mail(subject=f"No {number}", message_id=f"<{number}@customer.example>"))

    def all_answered(tx: Transaction) -> None:
        for ticket in opened:
            tx.tickets.set_state(ticket, State.ANSWERED, "alice", office.clock.now)

    opened = await office.tickets()
    await office.store.write(all_answered)
    return office


async def test_one_customer_gets_no_more_warnings_than_other_automatic_answers(
    make_office: MakeOffice,
) -> None:
    office = await with_limits(make_office, 5, per_sender=2)
    await look(office, AFTER - WARNING)
    assert len(await warnings(office)) == 2
    await look(office, AFTER)
    assert {ticket.state for ticket in await office.tickets()} == {State.CLOSED}


async def test_while_the_breaker_is_open_nobody_is_warned_and_nothing_is_closed(
    make_office: MakeOffice,
) -> None:
    office = await with_limits(make_office, 5, per_sender=9, total=2)
    for hours in range(3):
        await look(office, AFTER + hours * 3600)
    assert len(await warnings(office)) == 2
    assert {ticket.state for ticket in await office.tickets()} == {State.ANSWERED}
    for days in (1, 2, 3):
        await look(office, AFTER + days * DAY + 7200)
    assert len(await warnings(office)) == 5


async def test_after_long_silence_of_the_daemon_a_few_are_told_at_once(make_office: MakeOffice) -> None:
    office = await with_limits(make_office, MOST_AT_ONCE + 1, per_sender=999)
    assert [await look(office, YEARS) for _ in range(3)] == [MOST_AT_ONCE, 1, 0]


# Clocks


async def test_after_a_week_down_the_customer_still_has_all_the_time(make_office: MakeOffice) -> None:
    office = await patient(make_office)
    await answered(office)
    late = AFTER + 7 * DAY
    assert [await look(office, at) for at in (late, late + 60, late + WARNING - 1)] == [1, 0, 0]
    assert await look(office, late + WARNING) == 1


@pytest.mark.parametrize("jump", [3600.0, YEARS])
async def test_a_clock_that_jumps_tells_a_customer_once(make_office: MakeOffice, jump: float) -> None:
    office = await patient(make_office)
    await answered(office)
    start = AFTER - WARNING
    for after in (start + jump, start, start + jump, start + 60):
        await look(office, after)
    assert len(await warnings(office)) == 1


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_the_clock_does_a_customer_is_told_once_and_the_ticket_closed_once(
    make_office: MakeOffice, seed: int
) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    rng = random.Random(seed)
    for _ in range(40):
        now = office.clock.now + rng.choice([rng.uniform(0, 20), rng.uniform(-400, 4000)]) * DAY
        await tick(office.store, office.site, now)
    await look(office, YEARS * 2)
    await look(office, YEARS * 2 + WARNING)
    events = [event for event in await office.events(ticket) if event.what in ("warned", "closed")]
    assert [event.what for event in events] == ["warned", "closed"]
    assert len(await warnings(office)) == 1


async def test_a_clock_that_was_years_ahead_delays_the_end_by_one_warning_only(
    make_office: MakeOffice,
) -> None:
    office = await patient(make_office)
    ticket = await answered(office)
    await look(office, YEARS)  # told in ten years, as it seemed
    await look(office, AFTER)
    assert await look(office, AFTER + WARNING) == 1
    assert (await the_ticket(office)).state is State.CLOSED
    assert (await what_happened(office, ticket)).count("warned") == 1


async def test_a_desk_that_closes_nothing_is_left_alone(make_office: MakeOffice) -> None:
    office = await make_office(desk(), chain=NO_TEMPLATE)
    await answered(office)
    assert await look(office, YEARS) == 0


def test_a_template_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closing.en.j2").write_text("Hello {{ nobody }}")
    with pytest.raises(ValueError, match=r"closing.en.j2: unknown name"):
        read_closing((str(tmp_path),))


async def test_a_clock_that_was_years_behind_for_a_while_closes_nothing_early(
    make_office: MakeOffice,
) -> None:
    office = await patient(make_office)
    await answered(office)
    await look(office, -YEARS)
    await look(office, AFTER - WARNING - 1)
    assert await warnings(office) == []
    await look(office, AFTER - WARNING)
    assert len(await warnings(office)) == 1
    await look(office, -YEARS)
    await look(office, AFTER - 1)
    assert (await the_ticket(office)).state is State.ANSWERED
    await look(office, AFTER)
    assert (await the_ticket(office)).state is State.CLOSED
    assert len(await warnings(office)) == 1

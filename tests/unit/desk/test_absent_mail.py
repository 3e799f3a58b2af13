"""Absences told by mail: by a command, by the agent's own notice; and by nobody else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailproc.desk.absence import read_absences
from mailproc.desk.notice import tell
from mailproc.model.absence import FOREVER, AgentAbsence, Origin
from mailproc.model.ticket import State
from tests.unit.desk.agents_desk import (
    answer,
    hand_in,
    notices,
    open_ticket,
    replies,
    reply_address,
    what_happened,
)
from tests.unit.desk.office import MakeOffice, Office, mail

DAY = 86_400.0
AWAY = "Auto-Submitted: auto-replied"
RESULTS = "Authentication-Results: mx.example.org; dmarc={} header.from=example.org"
TRUSTED = {"auth": {"trusted": ["mx.example.org"]}}


async def absences(office: Office, agent: str = "alice") -> tuple[AgentAbsence, ...]:
    return await office.store.read(lambda tx: read_absences(tx, office.site, office.clock.now).of(agent))


async def days(office: Office) -> list[tuple[int, int]]:
    """The first and last days of alice's absences, counted from today."""
    today = datetime.fromtimestamp(office.clock.now, UTC).date()
    return [((each.first - today).days, (each.last - today).days) for each in await absences(office)]


# The command


async def test_a_command_in_an_answer_makes_its_author_absent(office: Office) -> None:
    ticket = await open_ticket(office)
    text = "#absent 2026-12-24/2026-12-31\n\nUse water."
    reply = await hand_in(office, "alice", answer(to=reply_address(office, ticket), text=text))
    assert reply.is_success
    assert [each.shown for each in await absences(office)] == ["2026-12-24 to 2026-12-31"]
    (sent,) = await replies(office)
    assert "#absent" not in sent.text
    assert "you are absent 2026-12-24 to 2026-12-31; 0 tickets" in (await notices(office))[-1].text


@pytest.mark.parametrize(
    ("to", "text"),
    [("support@example.org", "#absent"), ("support+absent@example.org", "")],
)
async def test_the_command_needs_no_ticket(office: Office, to: str, text: str) -> None:
    letter = answer(to=to, text=text, answers="", subject="Away")
    assert (await hand_in(office, "alice", letter)).is_success
    assert [each.last for each in await absences(office)] == [FOREVER]
    assert await absences(office, "bob") == ()
    (notice,) = await notices(office)
    assert "until you say #absent off" in notice.text


async def test_the_command_takes_it_back(office: Office) -> None:
    for number, text in enumerate(("#absent", "#absent off")):
        letter = answer(
            to="support@example.org", text=text, answers="", message_id=f"<{number}@laptop.example>"
        )
        assert (await hand_in(office, "alice", letter)).is_success
    assert await absences(office) == ()
    assert (await notices(office))[-1].text.strip() == "you are here again"


async def test_a_mail_that_comes_twice_is_one_absence_and_one_notice(office: Office) -> None:
    letter = answer(to="support@example.org", text="#absent", answers="")
    assert [(await hand_in(office, "alice", letter)).code for _ in range(2)] == [250, 250]
    assert len(await notices(office)) == 1


@pytest.mark.parametrize("text", ["#absent soon", "#absent 2020-01-01", "#absent off"])
async def test_what_cannot_be_done_is_refused_at_once(office: Office, text: str) -> None:
    reply = await hand_in(office, "alice", answer(to="support@example.org", text=text, answers=""))
    assert (reply.code, "absent" in reply.text) == (550, True)
    assert await absences(office) == ()


async def test_a_wrong_command_in_an_answer_sends_nothing(office: Office) -> None:
    ticket = await open_ticket(office)
    letter = answer(to=reply_address(office, ticket), text="#absent soon\n\nUse water.")
    await hand_in(office, "alice", letter)
    assert await replies(office) == []


async def test_a_customers_command_is_text(office: Office) -> None:
    await office.receive(mail(text="#absent", sender="alice@example.org"), sender="alice@example.org")
    assert await absences(office) == ()


# The agent's own notice


async def test_a_notice_that_the_agents_login_hands_in_counts_until_tomorrow(office: Office) -> None:
    ticket = await open_ticket(office)
    letter = answer(to=reply_address(office, ticket), extra=AWAY)
    assert (await hand_in(office, "alice", letter)).is_success
    assert await days(office) == [(0, 1)]
    assert "absence_noticed" in await what_happened(office, ticket)
    assert await replies(office) == []


async def test_each_further_notice_prolongs_it(office: Office) -> None:
    ticket = await open_ticket(office)
    for number in range(3):
        letter = answer(to=reply_address(office, ticket), extra=AWAY, message_id=f"<{number}@laptop.example>")
        await hand_in(office, "alice", letter)
        office.clock.now += DAY
    assert await days(office) == [(-3, 0)]
    assert (await what_happened(office, ticket)).count("absence_noticed") == 1


async def test_a_notice_to_the_desk_alone_counts_and_the_agent_is_told(office: Office) -> None:
    letter = answer(to="support@example.org", answers="", extra=AWAY)
    assert (await hand_in(office, "alice", letter)).is_success
    assert await days(office) == [(0, 1)]
    assert "absence notice" in (await notices(office))[0].text


@pytest.mark.parametrize("extra", ["Auto-Submitted: auto-generated", "Precedence: bulk"])
async def test_other_automatic_mail_of_an_agent_is_no_absence_notice(office: Office, extra: str) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket), extra=extra))
    assert await absences(office) == ()


async def test_who_does_not_want_it_is_not_absent_by_a_notice(make_office: MakeOffice) -> None:
    office = await make_office(agents={"alice": {"heeds_notices": False}})
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket), extra=AWAY))
    assert await absences(office) == ()


# From outside


async def told(office: Office, agent: str = "alice") -> str:
    """The Message-ID of a notice that the agent got."""
    ticket = await open_ticket(office)
    await office.store.write(
        lambda tx: tell(tx, office.site, agent, ticket, key="k", subject="s", text="t", now=office.clock.now)
    )
    return (await notices(office, agent))[-1].message_id


def from_alice(extra: str = "", *, dmarc: str = "") -> bytes:
    """Her absence notice from outside; ``dmarc`` is what the mail server found of it."""
    letter = mail(
        sender="alice@example.org", subject="Away", message_id="<away@example.org>", extra=f"{AWAY}\n{extra}"
    )
    return f"{RESULTS.format(dmarc)}\r\n".encode() + letter if dmarc else letter


async def test_an_answer_to_a_notice_of_ours_is_believed(office: Office) -> None:
    own = await told(office)
    await office.receive(from_alice(f"In-Reply-To: {own}"), sender="alice@example.org")
    assert await days(office) == [(0, 1)]
    newest = (await office.tickets())[-1]
    assert newest.state is State.CLOSED  # nobody need look at it
    assert "absence_noticed" in await what_happened(office, newest)


async def test_a_notice_whose_sender_dmarc_proves_is_believed(make_office: MakeOffice) -> None:
    office = await make_office(options=TRUSTED)
    await office.receive(from_alice(dmarc="pass"), sender="alice@example.org")
    assert [each.origin for each in await absences(office)] == [Origin.NOTICE]


async def test_a_notice_of_the_customer_makes_nobody_absent(office: Office) -> None:
    own = await told(office)
    await office.receive(mail(message_id="<x@customer.example>", extra=f"{AWAY}\nIn-Reply-To: {own}"))
    assert await absences(office) == ()


@pytest.mark.parametrize(
    "extra", ["", "In-Reply-To: <notice.1.aaaaaaaaaa@mail.example.org>", "In-Reply-To: {bobs}"]
)
async def test_a_notice_that_nothing_proves_changes_nothing_and_is_told(
    make_office: MakeOffice, extra: str
) -> None:
    office = await make_office(options=TRUSTED)
    bobs = await told(office, "bob")
    await office.receive(from_alice(extra.format(bobs=bobs)), sender="alice@example.org")
    assert await absences(office) == ()
    ticket = (await office.tickets())[-1]
    assert ticket.state is State.NEW
    assert "absence_not_believed" in await what_happened(office, ticket)


async def test_what_dmarc_disowns_is_not_believed_even_where_it_answers_a_notice(
    make_office: MakeOffice,
) -> None:
    office = await make_office(options=TRUSTED)
    own = await told(office)
    await office.receive(from_alice(f"In-Reply-To: {own}", dmarc="fail"), sender="alice@example.org")
    assert await absences(office) == ()


async def test_a_person_who_writes_as_an_agent_from_outside_makes_nobody_absent(office: Office) -> None:
    own = await told(office)
    letter = mail(sender="alice@example.org", message_id="<p@example.org>", extra=f"In-Reply-To: {own}")
    await office.receive(letter, sender="alice@example.org")
    assert await absences(office) == ()

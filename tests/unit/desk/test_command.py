"""What commands do to a ticket, and what the transcript says of it."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from mailproc.desk.claim import claim
from mailproc.desk.command import _HELP as HELP
from mailproc.desk.command import (
    CommandRefused,
    Order,
    Transcript,
    command_of,
    run_first,
    run_last,
    sends_nothing,
    transcript_text,
    with_addressed,
)
from mailproc.mime.commands import Command, Verb, extract_commands
from mailproc.mime.reader import read
from mailproc.model.address import Address
from mailproc.model.outbox import OutboxKind
from mailproc.model.ticket import Direction, State, Ticket
from mailproc.store.protocol import Transaction
from tests.unit.desk.office import Office, desk, mail


async def tickets(office: Office, count: int = 1) -> list[Ticket]:
    for number in range(count):
        await office.receive(mail(subject=f"Question {number}", message_id=f"<q{number}@customer.example>"))
    return await office.tickets()


def order(office: Office, text: str, agent: str = "alice") -> Order:
    raw = f"From: {agent}@example.org\r\nMessage-ID: <n@laptop>\r\n\r\n{text}\r\n".encode()
    return Order(office.site, desk(), agent, extract_commands(raw), random.Random(1))


async def run(office: Office, ticket: Ticket, text: str, agent: str = "alice") -> tuple[Ticket, str]:
    """All commands of a mail; the ticket after them, and the transcript."""
    transcript, asked = Transcript(), order(office, text, agent)

    def work(tx: Transaction) -> Ticket:
        first = run_first(tx, asked, tx.tickets.get(ticket.id), transcript, office.clock.now)
        return run_last(tx, asked, first, transcript, office.clock.now)

    return await office.store.write(work), transcript.text


async def test_close_closes_and_says_so(office: Office) -> None:
    (ticket,) = await tickets(office)
    after, transcript = await run(office, ticket, "#close")
    assert (after.state, transcript) == (State.CLOSED, "#close: closed")
    assert [event.who for event in await office.events(ticket) if event.what == "closed"] == ["alice"]


async def test_snooze_puts_it_aside_until_then(office: Office) -> None:
    (ticket,) = await tickets(office)
    after, transcript = await run(office, ticket, "#snooze 3d")
    until = datetime.fromtimestamp(office.clock.now + 3 * 86400)
    assert after.state is State.SNOOZED
    assert transcript.startswith(f"#snooze 3d: until {until:%Y-%m-%d %H:%M}")


@pytest.mark.parametrize("name", ["bob", "Bob", "@bob", "BOB@example.org"])
async def test_assign_knows_an_agent_by_login_name_and_address(office: Office, name: str) -> None:
    (ticket,) = await tickets(office)
    after, _ = await run(office, ticket, f"#assign {name}")
    assert (after.state, after.owner) == (State.CLAIMED, "bob")


async def test_assign_me_and_take_make_it_mine_whoever_held_it(office: Office) -> None:
    one, other = await tickets(office, 2)
    for ticket, command in ((one, "#take"), (other, "#assign me")):
        await office.store.write(lambda tx, t=ticket: claim(tx, desk(), t, agent="bob", now=1.0))  # type: ignore[misc]
        after, _ = await run(office, ticket, command)
        assert after.owner == "alice"
    assert (await run(office, one, "#take", "bob"))[1] == "#take: yours, no longer alice's"


async def test_tags_are_added_and_taken_off_whatever_their_case(office: Office) -> None:
    (ticket,) = await tickets(office)
    await office.store.write(lambda tx: tx.history.add_tags(ticket, ["VIP"]))
    _, transcript = await run(office, ticket, "#tag Refund, wait -vip")
    assert transcript == "#tag Refund, wait -vip: tags are now: refund, wait"


async def test_spam_is_marked(office: Office) -> None:
    (ticket,) = await tickets(office)
    assert (await run(office, ticket, "#spam"))[0].state is State.SPAM


@pytest.mark.parametrize("shown", ["{number}", "#{number}", "T#{number}", "[T#{number}-abcdef]"])
async def test_merge_takes_a_number_as_people_copy_it(office: Office, shown: str) -> None:
    one, other = await tickets(office, 2)
    after, transcript = await run(office, one, f"#merge {shown.format(number=other.number)}")
    assert after.number == other.number
    assert transcript.endswith(f"part of ticket {other.number}")


async def test_split_makes_the_newest_mail_a_ticket_of_its_own(office: Office) -> None:
    (ticket,) = await tickets(office)
    more = "In-Reply-To: <q0@customer.example>"
    await office.receive(
        mail(subject="Re: Question 0", message_id="<q1@customer.example>", extra=more, text="2")
    )
    after, transcript = await run(office, ticket, "#split")
    assert after.number != ticket.number
    assert transcript == f"#split: now ticket {after.number}"
    assert len(await office.messages(after)) == len(await office.messages(ticket)) == 1


async def test_a_note_keeps_the_mail_without_the_agents_traces(office: Office) -> None:
    (ticket,) = await tickets(office)
    await run(office, ticket, "#note He calls\r\n\r\ntomorrow")
    note = (await office.messages(ticket))[-1]
    raw = await office.store.read(lambda tx: tx.deliveries.raw(note.sha256))
    assert (note.direction, note.agent) == (Direction.NOTE, "alice")
    kept = read(raw or b"")
    assert kept.text.split() == ["He", "calls", "tomorrow"]
    assert [str(box.address) for box in kept.to] == ["support@example.org"]
    assert [item for item in await office.outgoing() if item.kind is OutboxKind.REPLY] == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#assign eve", "no such agent"),
        ("#assign bbo", 'did you mean "bob"'),
        ("#snooze yesterday", "is no time"),
        ("#snooze 2001-01-01", "past"),
        ("#merge 99", "no ticket 99"),
        ("#split", "keeps at least one message"),
        ("#undo", "no answer of yours"),
        ("#tag ???", "is no tag"),
        ("#spam\r\nBuy nothing.", "leave the text out"),
        ("#close\r\n#snooze 3d", "cannot snooze a ticket that is closed"),
    ],
)
async def test_what_cannot_be_done_undoes_all_and_says_why(office: Office, text: str, why: str) -> None:
    (ticket,) = await tickets(office)
    before = await office.events(ticket)
    with pytest.raises(CommandRefused, match=why) as caught:
        await run(office, ticket, f"#tag seen\r\n{text}" if "#split" not in text else text)
    assert why in caught.value.transcript.lines[-1]
    assert await office.events(ticket) == before
    assert await office.store.read(lambda tx: tx.history.tags(ticket.id)) == []


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("#close", True),
        ("#close\r\n\r\nDone.", False),
        ("#note\r\nDone.", True),
        ("#help\r\nDone.", True),
        ("Done.", False),
        ("", False),
    ],
)
async def test_only_what_holds_words_for_the_customer_is_sent(
    office: Office, text: str, nothing: bool
) -> None:
    assert sends_nothing(order(office, text).commands) is nothing


@pytest.mark.parametrize(
    ("local", "command"),
    [
        ("support+close", Command(Verb.CLOSE)),
        ("support+Snooze-3d", Command(Verb.SNOOZE, "3d")),
        ("support+assign-bob", Command(Verb.ASSIGN, "bob")),
        ("support+snooze", None),
        ("support+clsoe", None),
        ("support", None),
        ("support+17.abcdefghij", None),
        ("else+close", None),
    ],
)
def test_an_address_can_be_a_command(local: str, command: Command | None) -> None:
    assert command_of(desk(), Address(local, "example.org")) == command


async def test_a_command_in_text_and_address_is_done_once(office: Office) -> None:
    addresses = [Address("support+close", "example.org"), Address("support+take", "example.org")]
    both = with_addressed(order(office, "#close").commands, desk(), addresses)
    assert [str(one) for one in both.lines] == ["#close", "#take"]


def test_the_help_names_every_command() -> None:
    assert [verb for verb in Verb if f"#{verb}" not in HELP] == []


async def test_the_transcript_says_what_became_of_the_answer(office: Office) -> None:
    (ticket,) = await tickets(office)
    done = Transcript(["#close: closed"])
    assert "Your answer is on its way." in transcript_text(ticket, done, sent=True)
    assert "Nothing was sent" in transcript_text(ticket, done, sent=False)
    refused = transcript_text(ticket, Transcript(), sent=False, problems=("#clsoe: no such command",))
    assert "#clsoe" in refused
    assert "Nothing was done" in refused
    assert ticket.number in refused

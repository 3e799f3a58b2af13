"""Drafts that mailproc lays: which standard answer, what stands in them, and when there is none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mailproc.desk.canned import Canned
from mailproc.desk.gesture import Gesture, perform
from mailproc.desk.laid import draft_reply, is_still_wanted
from mailproc.desk.similar import similar_answers, words_about
from mailproc.desk.submitted import SubmissionSettings
from mailproc.mime.reader import Mail, read
from mailproc.model.draft import LaidDraft, LaidState
from mailproc.model.folder import Place
from mailproc.model.ticket import Ticket
from mailproc.store.canned import CannedUse
from tests.unit.desk.agents_desk import answer, ask, hand_in, reply_address
from tests.unit.desk.office import MakeOffice, Office, mail

WANTS = {"alice": {"wants_drafts": True}}
WATER = Canned("water", "Dear {{ customer.name }},\n\npour water on {{ subject }}.")
BILL = Canned("bill", "The bill is right.")
FILES = (WATER, BILL)
FIRE = "The printer in the attic burns with a high flame, and smoke comes out of the paper tray."


@pytest.fixture
async def office(make_office: MakeOffice) -> Office:
    """Alice wants drafts, bob does not."""
    return await make_office(agents=WANTS, settings=SubmissionSettings(canned=FILES))


async def newest(office: Office) -> Ticket:
    return (await office.tickets())[-1]


async def move(office: Office, ticket: Ticket, target: str, source: str = "new") -> None:
    gesture = Gesture(Place(source), Place(target), "m1:1")
    await office.store.write(
        lambda tx: perform(tx, office.site, office.desks[0], ticket, gesture, office.clock.now)
    )


async def laid(office: Office, agent: str = "alice") -> list[LaidDraft]:
    return await office.store.read(lambda tx: tx.drafts.laid(agent))


async def draft(office: Office, ticket: Ticket, files: Sequence[Canned] = FILES) -> Mail | None:
    """What alice would find after taking the ticket."""
    await move(office, ticket, "@alice")
    wanted = (await laid(office))[-1]
    raw = await office.store.read(lambda tx: draft_reply(tx, office.site, wanted, files, office.clock.now))
    return read(raw) if raw else None


async def teach(office: Office) -> None:
    """A ticket about a fire, answered by bob with "water"."""
    await office.receive(ask(FIRE))
    ticket = await newest(office)
    await hand_in(
        office, "bob", answer(to=reply_address(office, ticket), sender="bob@example.org", text="::water")
    )


async def ask_again(office: Office, text: str = FIRE, **more: str) -> Ticket:
    await office.receive(ask(text, message_id="<two@customer.example>", **more))
    return await newest(office)


async def test_what_answered_a_similar_mail_is_laid(office: Office) -> None:
    await teach(office)
    ticket = await ask_again(office, "Our printer burns: flame and smoke out of the paper tray in the attic!")
    found = await draft(office, ticket)
    assert found is not None
    assert found.reply == "Dear ,\n\npour water on Printer on fire."
    assert "> Our printer burns: flame" in found.text
    assert [str(box.address) for box in found.to] == [reply_address(office, ticket)]
    assert found.in_reply_to == ("<two@customer.example>",)
    assert found.header("From") == "Alice <alice@example.org>"
    assert office.site.keyring.read_draft_id(found.header("X-Mailproc-Draft")) == (await laid(office))[-1].id


async def test_nothing_is_laid_where_no_similar_mail_was_answered_so(office: Office) -> None:
    await teach(office)
    ticket = await ask_again(office, "When will my parcel with the shoes arrive?", subject="Parcel")
    assert await draft(office, ticket) is None


async def test_the_answer_named_like_the_topic_comes_first(office: Office) -> None:
    await teach(office)
    ticket = await ask_again(office)
    await office.store.write(lambda tx: tx.tickets.describe(ticket.id, topic="Bill", language="en", spam=0.0))
    found = await draft(office, ticket)
    assert found is not None
    assert found.reply.startswith("The bill is right.")


async def test_an_answer_that_came_to_nothing_teaches_nothing(office: Office) -> None:
    await teach(office)
    uses = await office.store.read(lambda tx: tx.canned.uses("support", 9))
    assert [use.name for use in uses] == ["water"]
    (answered,) = [one for one in await office.messages(await newest(office)) if one.agent]
    await office.store.write(lambda tx: tx.tickets.set_message_status(answered.id, answered.status.FAILED))
    assert await office.store.read(lambda tx: tx.canned.uses("support", 9)) == []


@pytest.mark.parametrize("name", ["#close", "#spam", "#merge 17", "::bill", "#closee"])
async def test_a_customers_name_becomes_no_command_of_the_agents(office: Office, name: str) -> None:
    await teach(office)
    ticket = await ask_again(office, sender=f'"{name}" <carla@customer.example>')
    assert await draft(office, ticket, (Canned("water", "{{ customer.name }}\n\nHello."), BILL)) is None
    (wanted,) = await laid(office)
    now = office.clock.now
    raw = await office.store.read(lambda tx: draft_reply(tx, office.site, wanted, FILES, now))
    assert raw is not None  # "Dear #close," is none


async def test_what_the_customer_wrote_is_a_quote_and_no_command(office: Office) -> None:
    await teach(office)
    ticket = await ask_again(office, f"#close\n::bill\n{FIRE}")
    found = await draft(office, ticket)
    assert found is not None
    assert "> #close\n> ::bill\n" in found.text


async def test_an_answer_that_cannot_be_filled_in_is_not_laid(office: Office) -> None:
    await teach(office)
    broken = Canned("water", "Your contract {{ notes.contract }} is over.")
    assert await draft(office, await ask_again(office), (broken,)) is None


async def test_only_who_wants_drafts_gets_them_and_each_mail_brings_one(office: Office) -> None:
    await office.receive(mail())
    ticket = await newest(office)
    await move(office, ticket, "@bob")
    assert await laid(office, "bob") == []
    for source, target in (("@bob", "@alice"), ("@alice", "@bob"), ("@bob", "@alice")):
        await move(office, await newest(office), target, source)
    assert [each.turn for each in await laid(office)] == [0]
    extra = "In-Reply-To: <one@customer.example>\nReferences: <one@customer.example>"
    await office.receive(mail(message_id="<two@customer.example>", extra=extra))
    for source, target in (("@alice", "@bob"), ("@bob", "@alice")):
        await move(office, await newest(office), target, source)
    assert [each.turn for each in await laid(office)] == [0, 1]


async def test_take_brings_a_draft_too(office: Office) -> None:
    await office.receive(mail())
    ticket = await newest(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket), text="#take"))
    assert [each.state for each in await laid(office)] == [LaidState.WANTED]


async def test_a_draft_is_wanted_until_the_ticket_is_answered_or_somebody_elses(office: Office) -> None:
    await office.receive(mail())
    ticket = await newest(office)
    await move(office, ticket, "@alice")
    (wanted,) = await laid(office)
    assert await office.store.read(lambda tx: is_still_wanted(tx, wanted))
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert not await office.store.read(lambda tx: is_still_wanted(tx, wanted))


def use(name: str, text: str) -> CannedUse:
    return CannedUse(name, frozenset(words_about(mail(subject="Question", text=text))))


def test_the_most_similar_mail_comes_first_and_unlike_ones_not_at_all() -> None:
    uses = [
        use("parcel", "Where is the parcel that I ordered with the shoes on Monday?"),
        use("refund", "Please refund the money for the shoes that did not fit."),
        use("fire", FIRE),
    ]
    words = words_about(mail(subject="Question", text="The shoes did not fit, please refund the money."))
    assert similar_answers(words, uses)[0] == "refund"
    assert "fire" not in similar_answers(words, uses)
    assert similar_answers(words_about(mail(subject="Hi", text="Bonjour")), uses) == ()
    assert similar_answers(words, []) == ()

"""What agents say of a mail's topic is learnt, and what they take back is not."""

from __future__ import annotations

import random

from mailproc.desk.command import Order, Transcript, run_last
from mailproc.desk.known_topics import KnownTopics
from mailproc.desk.topics import GRACE, learn_due
from mailproc.desk.transfer import transfer
from mailproc.mime.commands import extract_commands
from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Transaction
from tests.unit.desk.office import MakeOffice, Office, desk, mail

TEXTS = {
    "billing": "The amount on my invoice is wrong, please refund the payment number {}.",
    "delivery": "My parcel number {} has not arrived, the courier says it was shipped.",
}


async def receive(office: Office, topic: str, number: int) -> Ticket:
    text = TEXTS[topic].format(number)
    await office.receive(
        mail(text=text, subject=f"Question {number}", message_id=f"<{topic}{number}@customer.example>")
    )
    return (await office.tickets())[-1]


async def command(office: Office, ticket: Ticket, text: str) -> None:
    raw = f"From: alice@example.org\r\nMessage-ID: <n@laptop>\r\n\r\n{text}\r\n".encode()
    asked = Order(office.site, desk(), "alice", extract_commands(raw), random.Random(1))
    await office.store.write(
        lambda tx: run_last(tx, asked, tx.tickets.get(ticket.id), Transcript(), office.clock.now)
    )


async def lessons(office: Office) -> dict[str, int]:
    return await office.store.read(lambda tx: tx.topics.counts("support"))


async def test_tags_of_agents_teach_the_topic_of_later_mails(office: Office) -> None:
    for number in range(3):
        for topic in TEXTS:
            await command(office, await receive(office, topic, number), f"#tag {topic}")
    assert await learn_due(office.store, office.clock.now + GRACE) == 7  # six mails, one model
    model = await KnownTopics(office.store).model(desk())
    assert model.topics == ("billing", "delivery")
    best = model.judge(frozenset({"parcel", "courier"}))[0]
    assert best.topic == "delivery"
    assert await learn_due(office.store, office.clock.now + 2 * GRACE) == 0


async def test_the_ticket_has_the_topic_that_an_agent_gave(office: Office) -> None:
    ticket = await receive(office, "billing", 1)
    await command(office, ticket, "#tag billing")
    assert (await office.tickets())[-1].topic == "billing"
    await command(office, ticket, "#tag -billing")
    assert (await office.tickets())[-1].topic == ""
    assert await lessons(office) == {}


async def test_a_tag_that_names_no_topic_changes_no_lesson(office: Office) -> None:
    ticket = await receive(office, "billing", 1)
    await command(office, ticket, "#tag billing")
    await command(office, ticket, "#tag vip")
    assert await lessons(office) == {"billing": 1}
    await command(office, await receive(office, "delivery", 2), "#tag delivery")
    await command(office, ticket, "#tag delivery")  # a topic: the agent has changed his mind
    assert await lessons(office) == {"delivery": 2}


async def test_a_person_who_says_what_the_model_said_teaches_it(office: Office) -> None:
    ticket = await receive(office, "billing", 1)
    await office.store.write(lambda tx: tx.history.add_tags(ticket, ["billing"]))  # as the stage does
    assert await lessons(office) == {}
    await command(office, ticket, "#tag billing")
    assert await lessons(office) == {"billing": 1}


async def test_a_move_to_another_desk_is_a_lesson_at_the_desk_it_left(make_office: MakeOffice) -> None:
    office = await make_office(desk(), desk("sales"))
    ticket = await receive(office, "billing", 1)

    def work(tx: Transaction) -> Ticket:
        return transfer(tx, tx.tickets.get(ticket.id), desk("sales"), who="alice", now=2.0)

    await office.store.write(work)
    assert await lessons(office) == {"sales": 1}
    assert await office.store.read(lambda tx: tx.topics.counts("sales")) == {}


async def test_models_are_not_learnt_at_every_look(office: Office) -> None:
    now = office.clock.now
    for number, topic in enumerate([*TEXTS, *TEXTS]):
        await command(office, await receive(office, topic, number), f"#tag {topic}")
    await learn_due(office.store, now)
    await command(office, await receive(office, "billing", 9), "#tag billing")
    assert await learn_due(office.store, now + GRACE / 2) == 1  # its mail is read …
    assert await learn_due(office.store, now + GRACE / 2) == 0  # … and the model waits
    assert await learn_due(office.store, now + 10 * GRACE) == 1


async def test_a_worker_sees_the_model_that_another_one_learnt(office: Office) -> None:
    moment = 0.0
    known = KnownTopics(office.store, monotonic=lambda: moment)
    assert (await known.model(desk())).topics == ()
    for number in range(2):
        for topic in TEXTS:
            await command(office, await receive(office, topic, number), f"#tag {topic}")
    await learn_due(office.store, office.clock.now + GRACE)
    assert (await known.model(desk())).topics == ()
    moment = 60.0
    assert (await known.model(desk())).topics == ("billing", "delivery")

"""What one delivery causes, and what it must never cause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailproc.desk.claim import claim
from mailproc.desk.close import close
from mailproc.mime.reader import read
from mailproc.model.desk import ClosedReply, FollowUpPolicy
from mailproc.model.ticket import Outcome, State
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.verdict import Course, Verdict
from tests.unit.desk.office import MakeOffice, Office, desk, mail


async def outcomes(office: Office) -> dict[str, int]:
    counts = await office.store.read(lambda tx: tx.deliveries.counts())
    return {outcome.value: count for outcome, count in counts.items() if count}


async def test_a_customers_mail_opens_a_ticket_and_is_acknowledged_once(office: Office) -> None:
    replies = await office.receive(mail())
    assert [reply.code for reply in replies] == [250]
    (ticket,) = await office.tickets()
    assert (ticket.state, ticket.subject, ticket.customer) == (
        State.NEW,
        "Printer on fire",
        "carla@customer.example",
    )
    (item,) = await office.outgoing()
    answer = read(item.content)
    assert item.mail_from == ""
    assert item.recipients[0].address == "carla@customer.example"
    assert office.site.keyring.tag(ticket.number) in answer.subject
    assert answer.in_reply_to == ("<one@customer.example>",)
    assert answer.header("Auto-Submitted") == "auto-replied"
    assert [event.what for event in await office.events(ticket)] == ["opened", "acknowledged"]


async def test_an_answer_to_the_acknowledgement_joins_and_is_not_acknowledged(office: Office) -> None:
    await office.receive(mail())
    (item,) = await office.outgoing()
    answer = read(item.content)
    extra = f"In-Reply-To: {answer.message_id}"
    await office.receive(
        mail(subject=f"Re: {answer.subject}", message_id="<two@customer.example>", extra=extra)
    )
    (ticket,) = await office.tickets()
    messages = await office.messages(ticket)
    assert [message.joined_by for message in messages] == ["", "message_id"]
    assert len(await office.outgoing()) == 1


async def test_a_mail_to_two_addresses_of_one_desk_is_one_message(make_office: MakeOffice) -> None:
    both = replace(desk(), addresses=(desk().address, desk("help").address))
    office = await make_office(both)
    await office.receive(mail(), to=["support@example.org", "help@example.org"])
    (ticket,) = await office.tickets()
    assert len(await office.messages(ticket)) == 1
    assert await outcomes(office) == {"new": 1, "duplicate": 1}


async def test_a_mail_to_two_desks_opens_linked_twins_with_one_acknowledgement(
    make_office: MakeOffice,
) -> None:
    office = await make_office(desk("support"), desk("sales"))
    await office.receive(mail(), to=["support@example.org", "sales@example.org"])
    one, two = await office.tickets()
    assert {one.desk, two.desk} == {"support", "sales"}
    links = await office.store.read(lambda tx: tx.history.links(one.id))
    assert [number for number, _ in links] == [two.number]
    assert len(await office.outgoing()) == 1


async def test_a_lists_copy_of_the_same_mail_is_a_duplicate_that_can_be_seen(office: Office) -> None:
    await office.receive(mail())
    await office.receive(mail(extra="X-Copy: by another way"))
    (ticket,) = await office.tickets()
    assert len(await office.messages(ticket)) == 2
    assert await outcomes(office) == {"new": 1, "duplicate": 1}
    assert len(await office.outgoing()) == 1


async def test_another_mail_with_the_same_message_id_is_not_swallowed(office: Office) -> None:
    await office.receive(mail())
    await office.receive(mail(text="Something else entirely."))
    (ticket,) = await office.tickets()
    assert len(await office.messages(ticket)) == 2


async def test_automatic_mail_joins_but_never_reopens(office: Office) -> None:
    await office.receive(mail())
    (ticket,) = await office.tickets()
    await office.store.write(lambda tx: close(tx, tx.tickets.get(ticket.id), who="alice", now=office.clock()))
    extra = "In-Reply-To: <one@customer.example>\nAuto-Submitted: auto-replied"
    await office.receive(
        mail(subject="Out of office", message_id="<auto@customer.example>", extra=extra), sender=""
    )
    (ticket,) = await office.tickets()
    assert ticket.state is State.CLOSED
    assert len(await office.messages(ticket)) == 2
    assert len(await office.outgoing()) == 1


async def test_a_customers_answer_reopens_for_the_owner(office: Office) -> None:
    await office.receive(mail())
    (ticket,) = await office.tickets()

    await office.store.write(
        lambda tx: claim(tx, desk(), tx.tickets.get(ticket.id), agent="alice", now=office.clock())
    )
    await office.store.write(lambda tx: close(tx, tx.tickets.get(ticket.id), who="alice", now=office.clock()))
    extra = "In-Reply-To: <one@customer.example>"
    await office.receive(
        mail(subject="Re: Printer on fire", message_id="<two@customer.example>", extra=extra)
    )
    (ticket,) = await office.tickets()
    assert (ticket.state, ticket.owner) == (State.CLAIMED, "alice")


async def test_a_reply_to_a_closed_ticket_that_the_desk_rejects_is_kept_and_answered_once(
    make_office: MakeOffice,
) -> None:
    strict = desk(follow_up=FollowUpPolicy(closed=ClosedReply.REJECT))
    office = await make_office(strict, options={"acknowledge": {"unvouched_per_sender": 5}})
    await office.receive(mail())
    (ticket,) = await office.tickets()
    await office.store.write(lambda tx: close(tx, tx.tickets.get(ticket.id), who="alice", now=office.clock()))
    for number in ("two", "three"):
        extra = "In-Reply-To: <one@customer.example>"
        await office.receive(mail(subject="Re: it", message_id=f"<{number}@customer.example>", extra=extra))
    (ticket,) = await office.tickets()
    assert ticket.state is State.CLOSED
    assert len(await office.messages(ticket)) == 3
    kinds = [item.kind.value for item in await office.outgoing()]
    assert sorted(kinds) == ["acknowledgement", "rejection"]


async def test_mail_without_a_number_is_ignored_but_kept(make_office: MakeOffice) -> None:
    office = await make_office(options={"ticket": {"when": "automatic.class == 'none'"}})
    await office.receive(mail(extra="Precedence: bulk"))
    assert await outcomes(office) == {"ignored": 1}
    (kept,) = await office.store.read(lambda tx: tx.deliveries.in_state(Outcome.IGNORED))
    assert await office.store.read(lambda tx: tx.deliveries.raw(kept.sha256)) == mail(
        extra="Precedence: bulk"
    )


async def test_what_fails_again_and_again_becomes_a_visible_problem_ticket(
    make_office: MakeOffice, tmp_path: object
) -> None:
    office = await make_office(attempts=2)
    broken = office.filing.site.desks

    class Refusing:
        async def run(self, delivery: Delivery, between: object) -> Verdict:
            raise RuntimeError("this mail breaks the chain")

    office.processor._chains = dict.fromkeys(broken, Refusing())  # type: ignore[arg-type]
    await office.receive(mail())
    assert await outcomes(office) == {"waiting": 1}
    for _ in range(5):
        office.clock.now += 4000
        await office.processor.drain()
    (ticket,) = await office.tickets()
    assert ticket.state is State.PROBLEM
    assert await outcomes(office) == {"quarantined": 1}
    assert [event.what for event in await office.events(ticket)] == ["opened", "quarantined"]


async def test_a_released_delivery_turns_its_problem_ticket_into_a_usual_one(make_office: MakeOffice) -> None:
    office = await make_office()
    good = office.processor._chains

    class Quarantining:
        async def run(self, delivery: Delivery, between: object) -> Verdict:
            return Verdict(Course.QUARANTINE, "looks odd")

    office.processor._chains = dict.fromkeys(good, Quarantining())  # type: ignore[arg-type]
    await office.receive(mail())
    (kept,) = await office.store.read(lambda tx: tx.deliveries.in_state(Outcome.QUARANTINED))
    office.processor._chains = good
    assert await office.store.write(lambda tx: tx.deliveries.requeue(kept.id, office.clock()))
    await office.processor.drain()
    (ticket,) = await office.tickets()
    assert ticket.state is State.NEW
    assert await outcomes(office) == {"new": 1}
    assert len(await office.outgoing()) == 1


async def test_a_deferred_mail_waits_and_is_tried_again(make_office: MakeOffice) -> None:
    office = await make_office()
    good = office.processor._chains

    class Deferring:
        async def run(self, delivery: Delivery, between: object) -> Verdict:
            return Verdict(Course.DEFER, "directory away")

    office.processor._chains = dict.fromkeys(good, Deferring())  # type: ignore[arg-type]
    await office.receive(mail())
    assert await outcomes(office) == {"waiting": 1}
    office.processor._chains = good
    office.clock.now += 60
    await office.processor.drain()
    assert await outcomes(office) == {"new": 1}


async def test_a_mail_past_the_backlog_is_deferred(office: Office) -> None:
    office.intake._most_waiting = 0
    (reply,) = await office.receive(mail())
    assert reply.code == 451
    assert await outcomes(office) == {}


@pytest.mark.parametrize(("sender", "turn"), [("alice@example.org", 0), ("carla@customer.example", 1)])
async def test_a_follow_up_begins_a_turn_unless_an_agent_wrote_it_from_another_server(
    office: Office, sender: str, turn: int
) -> None:
    await office.receive(mail())
    answers = "In-Reply-To: <one@customer.example>"
    await office.receive(mail(sender=sender, message_id="<two@elsewhere.example>", extra=answers))
    assert await outcomes(office) == {"new": 1, "follow_up": 1}
    assert (await office.store.read(lambda tx: tx.answers.standing(1))).turn == turn

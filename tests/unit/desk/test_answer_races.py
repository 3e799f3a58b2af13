"""However answers and mails of customers cross, one answer of a turn leaves."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailproc.failpoint import NO_FAILPOINTS
from mailproc.model.ticket import MessageStatus
from mailproc.store.answers import Standing
from mailproc.store.migrate import migrate
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteConnection, connect
from tests.unit.desk.agents_desk import (
    FIRST,
    answer,
    ask,
    hand_in,
    notices,
    reply_address,
    statuses,
)
from tests.unit.desk.office import Office


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_of_500_pairs_of_simultaneous_answers_exactly_one_of_each_leaves(office: Office) -> None:
    for number in range(500):
        raw = ask(message_id=f"<q{number}@customer.example>", subject=f"Question {number}")
        await office.intake.accept(None, [office.site.desks["support"].address], raw)
    await office.processor.drain()
    tickets = await office.tickets()
    assert len(tickets) == 500

    def written(agent: str, number: int) -> bytes:
        return answer(
            to=reply_address(office, tickets[number]),
            sender=f"{agent}@example.org",
            message_id=f"<{agent}{number}@x>",
            answers=f"<q{number}@customer.example>",
            text=f"{agent} says water.",
        )

    pairs = [(agent, written(agent, number)) for number in range(500) for agent in ("alice", "bob")]
    random.Random(7).shuffle(pairs)
    got = await asyncio.gather(*(hand_in(office, agent, raw) for agent, raw in pairs))
    assert {reply.code for reply in got} == {250}
    for ticket in tickets:
        assert sorted(await statuses(office, ticket)) == [MessageStatus.HELD, MessageStatus.WAITING]
    counts = await office.store.read(lambda tx: tx.outbox.counts())
    assert (counts["held"], counts["waiting"]) == (500, 1000)  # each loser gets a notice


async def test_one_mail_that_its_client_hands_in_many_times_at_once_leaves_once(office: Office) -> None:
    await office.receive(ask())
    (ticket,) = await office.tickets()
    raw = answer(to=reply_address(office, ticket))
    got = await asyncio.gather(*(hand_in(office, "alice", raw) for _ in range(20)))
    assert {reply.code for reply in got} == {250}
    assert await statuses(office, ticket) == [MessageStatus.WAITING]
    assert await notices(office) == []


# Two processes on one store


@dataclass
class Rival:
    """A process with its own connection to the store, and what it believes it has sent."""

    raw: sqlite3.Connection
    agent: str
    sent: list[int] = field(default_factory=list)

    @property
    def tx(self) -> Transaction:
        return Transaction(SqliteConnection(self.raw))


STEPS = st.lists(st.sampled_from(["alice", "bob", "customer", "read alice", "read bob"]), max_size=14)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_two_processes_that_answer_by_what_they_read_never_send_two_answers_to_one_turn(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    path = tmp_path_factory.mktemp("race") / "store.db"
    with closing(connect(path)) as first, closing(connect(path)) as second:
        migrate(first, NO_FAILPOINTS)
        with first:
            first.execute(
                "INSERT INTO ticket (number, desk, subject, subject_key, state, opened, updated)"
                " VALUES ('1', 'support', '', '', 'new', 0, 0)"
            )
        rivals = {"alice": Rival(first, "alice"), "bob": Rival(second, "bob")}
        seen = dict.fromkeys(rivals, 0)  # the turn that each agent has read
        turn, answered = 0, dict[int, str]()
        for step in steps:
            if step == "customer":
                with first:
                    rivals["alice"].tx.tickets.begin_turn(1, 0)
                turn += 1
            elif step.startswith("read "):
                seen[step.removeprefix("read ")] = turn
            else:
                rival = rivals[step]
                with rival.raw:
                    goes = rival.tx.answers.take_turn(1, seen[step], step)
                assert goes == (seen[step] == turn and answered.get(turn, step) == step)
                if goes:
                    answered[turn] = step


def standing_of(ticket: int, tx: Transaction) -> Standing:
    return tx.answers.standing(ticket)


async def test_an_answer_and_a_mail_of_the_customer_at_once_end_in_one_of_two_orders(office: Office) -> None:
    for number in range(40):
        first = f"<q{number}@customer.example>"
        await office.receive(ask(message_id=first, subject=f"Question {number}"))
        ticket = (await office.tickets())[-1]
        raw = answer(to=reply_address(office, ticket), answers=first, message_id=f"<a{number}@x>")
        more = ask("More.", message_id=f"<m{number}@customer.example>", extra=f"In-Reply-To: {first}")
        await asyncio.gather(hand_in(office, "alice", raw), office.receive(more))
        ticket = (await office.tickets())[-1]
        (status,) = await statuses(office, ticket)
        standing = await office.store.read(partial(standing_of, ticket.id))
        assert standing.turn == 1
        assert standing.turn_answered == (0 if status is MessageStatus.WAITING else -1)
        assert ticket.state.value == ("claimed" if status is MessageStatus.WAITING else "new")
    assert FIRST not in {message.message_id for message in await office.messages(ticket)}

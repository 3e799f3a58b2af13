"""What the desk's work teaches the spam classifier."""

from __future__ import annotations

from mailproc.desk.clock import tick
from mailproc.desk.train import GRACE, learn_due, untrain_agent, upstream_of
from mailproc.store.tokens import Learnt
from tests.unit.desk.agents_desk import answer, hand_in, open_ticket, reply_address
from tests.unit.desk.office import Office


async def everything_learnt(office: Office) -> list[Learnt]:
    return await office.store.read(lambda tx: tx.tokens.all_learnt())


async def test_a_mail_that_an_agent_answers_is_learnt_as_ham(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert await learn_due(office.store, office.clock.now + GRACE - 2) == 0
    assert await learn_due(office.store, office.clock.now + GRACE) == 1
    assert [(each.label, each.agent) for each in await everything_learnt(office)] == [("ham", "alice")]


async def test_what_an_agent_taught_is_taken_back_with_all_its_tokens(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    await learn_due(office.store, office.clock.now + GRACE)
    assert await office.store.read(lambda tx: tx.tokens.distinct_words()) > 10
    assert await office.store.write(lambda tx: untrain_agent(tx, "alice")) == 1
    assert await office.store.read(lambda tx: tx.tokens.distinct_words()) == 0


async def test_a_mail_that_nobody_judged_teaches_nothing(office: Office) -> None:
    """Whatever the score: the classifier never learns from itself."""
    await open_ticket(office)
    await tick(office.store, office.site, office.clock.now + 9 * GRACE)
    assert await everything_learnt(office) == []


async def test_a_mail_in_a_bucket_that_is_away_is_learnt_later_and_hinders_nothing(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    (first, *_) = await office.store.read(lambda tx: tx.tickets.messages(ticket.id))
    raw = await office.store.read(lambda tx: tx.deliveries.raw(first.sha256))
    assert raw is not None
    await office.store.write(lambda tx: tx.originals.let_go(first.sha256))
    due = office.clock.now + GRACE
    assert await tick(office.store, office.site, due) == 0
    await office.store.write(lambda tx: tx.originals.take_back(first.sha256, raw))
    assert await learn_due(office.store, due) == 1


def test_the_hosts_of_another_filter_count_only_where_their_tokens_are_wanted() -> None:
    assert upstream_of({"upstream": "tokens", "upstream_hosts": ["MX.example.org"]}) == {"mx.example.org"}
    assert upstream_of({"upstream": "verdict", "upstream_hosts": ["mx.example.org"]}) == frozenset()
    assert upstream_of({}) == frozenset()

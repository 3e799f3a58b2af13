"""What rules of the route stage make of tickets: desks, owners, times, mail sent on, other chains."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from mailproc.desk.change import change_state
from mailproc.mime.reader import read
from mailproc.model.assignment import Profile, parse_absence
from mailproc.model.outbox import OutboxKind
from mailproc.model.ticket import Move, Outcome, State, Ticket
from tests.unit.desk.office import MakeOffice, Office, desk, mail

CHAIN = ("automatic", "auth", "spam", "ticket", "route", "acknowledge")
Rules = Sequence[dict[str, Any]]


@pytest.fixture
def routed(make_office: MakeOffice) -> Any:
    """An office with these rules, and options of the route stage; ``agents`` are their profiles."""

    async def make(*rules: dict[str, Any], agents: dict[str, Profile] | None = None, **more: Any) -> Office:
        desks = more.pop("desks", (desk(),))
        chains = more.pop("chains", {})
        return await make_office(
            *desks,
            chain=CHAIN,
            chains=chains,
            options={"route": {"rule": list(rules), **more}},
            agents={name: {"profile": profile} for name, profile in (agents or {}).items()},
        )

    return make


async def one(office: Office, raw: bytes = b"", **options: Any) -> Ticket:
    await office.receive(raw or mail(**options))
    return (await office.tickets())[-1]


async def owners(office: Office, mails: int, **options: Any) -> list[str]:
    for number in range(mails):
        await office.receive(
            mail(message_id=f"<{number}@customer.example>", subject=f"No {number}", **options)
        )
    return [ticket.owner for ticket in await office.tickets()]


async def events(office: Office, ticket: Ticket) -> list[tuple[str, str]]:
    return [(event.what, event.detail) for event in await office.events(ticket)]


# Rules and their traces


async def test_the_history_names_the_rules_that_fired(routed: Any) -> None:
    office = await routed(
        {"name": "fire", "when": "'fire' in subject", "tag": "hot"}, {"when": "false"}, {"tag": "x"}
    )
    ticket = await one(office)
    assert ("routed", "rules: fire, 3") in await events(office, ticket)


async def test_what_is_discarded_gets_no_ticket_and_is_kept_with_its_reason(routed: Any) -> None:
    office = await routed({"discard": "good news"})
    await office.receive(mail())
    assert await office.tickets() == []
    (kept,) = await office.store.read(lambda tx: tx.deliveries.in_state(Outcome.IGNORED))
    assert kept.problem == "good news"
    assert await office.outgoing() == []


async def test_a_follow_up_keeps_what_its_agents_made_of_the_ticket(routed: Any) -> None:
    everything = {"owner": "bob", "snooze": "3d", "desk": "sales", "tag": "again"}
    office = await routed({"when": "ticket.follow_up", **everything}, desks=(desk(), desk("sales")))
    await office.receive(mail())
    ticket = await one(
        office, message_id="<two@customer.example>", extra="In-Reply-To: <one@customer.example>"
    )
    assert (ticket.desk, ticket.owner, ticket.state) == ("support", "", State.NEW)
    assert await office.store.read(lambda tx: tx.history.tags(ticket.id)) == ["again"]


# Times


async def test_a_snoozed_ticket_sleeps_until_then_and_wakes_to_its_owner(routed: Any) -> None:
    office = await routed({"snooze": "3d", "owner": "bob"})
    ticket = await one(office)
    assert (ticket.state, ticket.owner) == (State.SNOOZED, "bob")
    early = await office.store.read(lambda tx: tx.tickets.snoozed_until(office.clock.now + 2 * 86_400, 9))
    late = await office.store.read(lambda tx: tx.tickets.snoozed_until(office.clock.now + 3 * 86_400, 9))
    assert (early, [each.id for each in late]) == ([], [ticket.id])


async def test_rules_know_the_time_at_which_the_mail_came(routed: Any) -> None:
    office = await routed(
        {"when": "now.weekday == 1 and now.hour == 14 and now.time < '14:14'", "tag": "monday"},
        {"when": "now.date == '2026-09-21' and now.open", "tag": "date"},
    )
    office.clock.now = datetime(2026, 9, 21, 14, 13, tzinfo=UTC).timestamp()
    ticket = await one(office)
    assert await office.store.read(lambda tx: tx.history.tags(ticket.id)) == ["date", "monday"]


# Other desks and chains


async def test_a_ticket_is_opened_at_the_desk_of_the_rule_and_acknowledged_by_it(routed: Any) -> None:
    office = await routed(
        {"when": "desk == 'support'", "desk": "sales", "owner": "alice"}, desks=(desk(), desk("sales"))
    )
    ticket = await one(office)
    assert (ticket.desk, ticket.owner) == ("sales", "alice")
    assert ("moved", "from desk support") in await events(office, ticket)
    (acknowledgement,) = await office.outgoing()
    assert read(acknowledgement.content).author is not None
    assert read(acknowledgement.content).author.address.local == "sales"  # type: ignore[union-attr]


async def test_a_mail_to_both_desks_that_is_routed_to_one_is_one_ticket(routed: Any) -> None:
    office = await routed({"desk": "sales"}, desks=(desk(), desk("sales")))
    await office.receive(mail(), to=("support@example.org", "sales@example.org"))
    assert [ticket.desk for ticket in await office.tickets()] == ["sales"]
    counts = await office.store.read(lambda tx: tx.deliveries.counts())
    assert (counts[Outcome.NEW], counts[Outcome.DUPLICATE]) == (1, 1)


async def test_another_chain_goes_on_past_the_stages_that_the_mail_has_seen(routed: Any) -> None:
    office = await routed({"chain": "quiet", "tag": "x"}, chains={"quiet": ("route", "ticket")})
    ticket = await one(office)
    assert await office.outgoing() == []  # the chain without acknowledge
    assert await office.store.read(lambda tx: tx.history.tags(ticket.id)) == ["x"]


# Owners


async def test_round_robin_gives_each_agent_a_ticket_in_turn(routed: Any) -> None:
    office = await routed(assign="round_robin")
    assert await owners(office, 5) == ["alice", "bob", "alice", "bob", "alice"]


async def test_mails_filed_in_one_transaction_go_to_different_agents(routed: Any) -> None:
    office = await routed(assign="round_robin")
    for number in range(4):
        await office.intake.accept(
            None, [desk().address], mail(message_id=f"<{number}@c.example>", subject=f"{number}")
        )
    await office.processor.drain()
    assert sorted(ticket.owner for ticket in await office.tickets()) == ["alice", "alice", "bob", "bob"]


async def test_the_least_loaded_agent_gets_the_next_ticket(routed: Any) -> None:
    office = await routed(assign="least_loaded")
    assert await owners(office, 3) == ["alice", "bob", "alice"]
    for ticket in await office.tickets():
        if ticket.owner == "alice":
            await office.store.write(
                lambda tx, ticket=ticket: change_state(
                    tx, ticket, Move.CLOSE, who="alice", now=office.clock.now
                )
            )
    await office.receive(mail(message_id="<next@customer.example>", subject="Next"))
    assert (await office.tickets())[-1].owner == "alice"


async def test_who_holds_the_most_gets_no_more(routed: Any) -> None:
    office = await routed(assign="round_robin", most=1)
    assert await owners(office, 3) == ["alice", "bob", ""]


async def test_a_customer_comes_back_to_the_agent_of_the_last_ticket(routed: Any) -> None:
    office = await routed({"when": "'first' in subject", "owner": "bob"}, sticky=True)
    await office.receive(mail(subject="first"))
    await office.receive(mail(subject="second", message_id="<2@customer.example>"))
    await office.receive(
        mail(subject="other", message_id="<3@customer.example>", sender="dora@customer.example")
    )
    assert [ticket.owner for ticket in await office.tickets()] == ["bob", "bob", ""]


async def test_absent_agents_are_passed_over(routed: Any) -> None:
    away = Profile(absences=(parse_absence("2026-09-20/2026-09-22"),))
    office = await routed(
        {"when": "'boss' in subject", "owner": "alice"}, assign="round_robin", agents={"alice": away}
    )
    office.clock.now = datetime(2026, 9, 22, 23, 59, tzinfo=UTC).timestamp()
    assert await owners(office, 2) == ["bob", "bob"]
    ticket = await one(office, subject="boss", message_id="<boss@customer.example>")
    assert ticket.owner == "bob"
    assert ("noted", "route: alice is absent") in await events(office, ticket)
    office.clock.now += 120
    ticket = await one(office, subject="boss again", message_id="<boss2@customer.example>")
    assert ticket.owner == "alice"


async def test_an_agent_is_chosen_by_skill_and_language(routed: Any) -> None:
    agents = {
        "alice": Profile(skills=frozenset({"billing"}), languages=frozenset({"de"})),
        "bob": Profile(skills=frozenset({"billing", "tax"})),
    }
    office = await routed(
        {"when": "'tax' in subject", "skill": ["billing", "tax"]},
        {"when": "'pilot' in subject", "skill": "pilot"},
        assign="round_robin",
        agents=agents,
    )
    assert (await one(office, subject="tax")).owner == "bob"
    nobody = await one(office, subject="pilot", message_id="<2@customer.example>")
    assert nobody.owner == ""
    assert ("noted", "route: nobody of desk support is free with pilot") in await events(office, nobody)
    assert Profile(languages=frozenset({"pt-br"})).reads("pt")
    assert not Profile(languages=frozenset({"de"})).reads("en")


@pytest.mark.parametrize("text", ["2026-13-01", "2026-12-31/2026-12-24", "tomorrow", "2026-12-24/", ""])
def test_an_absence_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"absence|ends before|month"):
        parse_absence(text)


def test_an_absence_includes_both_its_days() -> None:
    assert parse_absence("2026-12-24/2026-12-31") == (date(2026, 12, 24), date(2026, 12, 31))


# Sent on


async def test_a_mail_is_sent_on_as_it_came_with_reports_to_its_ticket(routed: Any) -> None:
    office = await routed({"forward": "desk@carrier.example"})
    raw = mail(extra="X-Mailproc-Ticket: 1\nReturn-Path: <carla@customer.example>")
    ticket = await one(office, raw)
    (sent,) = [item for item in await office.outgoing() if item.kind is OutboxKind.FORWARD]
    assert [each.address for each in sent.recipients] == ["desk@carrier.example"]
    assert sent.mail_from.startswith(f"support+bounce.{ticket.number}.0.")
    assert sent.content.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]
    copy = read(sent.content)
    assert (copy.header("Resent-To"), copy.header("X-Old-X-Mailproc-Ticket")) == ("desk@carrier.example", "1")
    assert not copy.has("Return-Path")
    assert ("forwarded", "to desk@carrier.example") in await events(office, ticket)


async def test_what_comes_back_is_not_sent_on_again(routed: Any) -> None:
    office = await routed({"forward": "desk@carrier.example"})
    await office.receive(mail())
    (sent,) = [item for item in await office.outgoing() if item.kind is OutboxKind.FORWARD]
    back = b"Delivered-To: desk@carrier.example\r\n" + sent.content.replace(b"<one@", b"<new@")
    await office.receive(back.replace(b"Help.", b"Other."))
    assert len([item for item in await office.outgoing() if item.kind is OutboxKind.FORWARD]) == 1
    ticket = (await office.tickets())[-1]
    assert ("not_forwarded", "it was sent on before and came back") in await events(office, ticket)


async def test_a_mail_can_be_sent_on_without_a_ticket(routed: Any) -> None:
    office = await routed({"forward": "desk@carrier.example", "discard": "theirs"})
    await office.receive(mail())
    assert await office.tickets() == []
    (sent,) = await office.outgoing()
    assert (sent.kind, sent.ticket, sent.mail_from) == (OutboxKind.FORWARD, None, "")

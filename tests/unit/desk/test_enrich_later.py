"""Mail whose sources were away when it came: enriched later, once, and nothing is decided anew."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mailproc.desk.context import context_of_ticket
from mailproc.desk.enrich_later import GIVE_UP, LateNotes
from mailproc.desk.known import notes_of
from mailproc.model.ticket import State, Ticket
from mailproc.pipeline.template import compile_template
from mailproc.store.postponed import FIRST_WAIT, LAST_WAIT
from tests.unit.desk.office import MakeOffice, Office, mail


@pytest.fixture
async def office(make_office: MakeOffice, tmp_path: Path) -> Office:
    """A desk whose customers stand in a database that is not there yet."""
    crm = {
        "url": f"sqlite:///{tmp_path}/crm.db",
        "query": "SELECT name, tier FROM customer WHERE mail = :sender",
        "values": ["name", "tier"],
        "note": "{{ name }}\n{{ tier }} customer",
        "tags": ["tier-{{ tier }}"],
        "unknown": "stranger",
    }
    return await make_office(chain=("ticket", "enrich"), options={"enrich": {"source": {"crm": crm}}})


@pytest.fixture
def late(office: Office) -> LateNotes:
    return LateNotes(office.store, office.site, office.opened)


def come_back(folder: Path, customer: str = "carla@customer.example") -> None:
    with closing(sqlite3.connect(folder / "crm.db")) as made:
        made.executescript("CREATE TABLE customer (mail TEXT, name TEXT, tier TEXT)")
        made.execute("INSERT INTO customer VALUES (?, 'Carla', 'gold')", (customer,))
        made.commit()


async def tags(office: Office, ticket: Ticket) -> list[str]:
    return await office.store.read(lambda tx: tx.history.tags(ticket.id))


async def waiting(office: Office) -> int:
    far = office.clock.now + 10 * LAST_WAIT
    return len(await office.store.read(lambda tx: tx.postponed.due(far, 1000)))


async def test_a_mail_goes_on_without_its_source_and_is_enriched_when_that_is_back(
    office: Office, late: LateNotes, tmp_path: Path
) -> None:
    await office.receive(mail())
    (ticket,) = await office.tickets()
    assert (ticket.state, await tags(office, ticket)) == (State.NEW, ["crm-away"])
    come_back(tmp_path)
    assert await late.enrich_due(office.clock.now) == 0  # not due yet
    office.clock.now += FIRST_WAIT
    assert await late.enrich_due(office.clock.now) == 1
    assert await tags(office, ticket) == ["tier-gold"]
    events = [(event.what, event.who, event.detail) for event in await office.events(ticket)]
    assert ("noted", "enrich", "crm: Carla") in events
    assert ("enriched", "mailproc", "crm: Carla\ncrm 2: gold customer") in events
    (message,) = await office.messages(ticket)
    headers = await office.store.read(lambda tx: tx.folders.headers(message.id))
    assert headers[-2:] == (("X-Mailproc-Note", "crm: Carla"), ("X-Mailproc-Note", "crm 2: gold customer"))
    notes = notes_of(await office.events(ticket))
    assert (notes["crm_tier"], notes["crm_found"]) == ("gold", True)
    assert await waiting(office) == 0
    assert await late.enrich_due(office.clock.now + LAST_WAIT) == 0


async def test_templates_of_answers_have_what_a_source_said(office: Office, tmp_path: Path) -> None:
    come_back(tmp_path)
    await office.receive(mail())
    (ticket,) = await office.tickets()
    notes = (await office.store.read(lambda tx: context_of_ticket(tx, office.site, ticket))).notes
    letter = compile_template("Dear {{ notes.crm_tier }} customer {{ notes.crm }}").render({"notes": notes})
    assert letter == "Dear gold customer Carla"


async def test_who_turns_out_to_be_unknown_loses_the_tag_too(
    office: Office, late: LateNotes, tmp_path: Path
) -> None:
    await office.receive(mail())
    (ticket,) = await office.tickets()
    come_back(tmp_path, customer="somebody@else.example")
    assert await late.enrich_due(office.clock.now + FIRST_WAIT) == 1
    assert await tags(office, ticket) == ["stranger"]
    assert "enriched" not in [event.what for event in await office.events(ticket)]


async def test_while_the_source_stays_away_the_waits_grow(office: Office, late: LateNotes) -> None:
    await office.receive(mail())
    (ticket,) = await office.tickets()
    waits = []
    now = office.clock.now + FIRST_WAIT
    for _ in range(8):
        assert await late.enrich_due(now) == 0
        (row,) = await office.store.read(lambda tx: tx.postponed.due(1e12, 10))
        before = now
        while not await office.store.read(lambda tx, now=now: tx.postponed.due(now, 10)):  # type: ignore[misc]
            now += FIRST_WAIT
        waits.append(now - before)
    assert row.attempts == 8
    assert waits == [20, 40, 80, 160, 300, 300, 300, 300]
    assert await tags(office, ticket) == ["crm-away"]


async def test_one_mail_is_asked_about_while_the_source_is_away_and_all_when_it_is_back(
    office: Office, late: LateNotes, tmp_path: Path
) -> None:
    for number in range(3):
        await office.receive(mail(subject=f"Question {number}", message_id=f"<{number}@customer.example>"))
    now = office.clock.now + FIRST_WAIT
    assert await late.enrich_due(now) == 0
    rows = await office.store.read(lambda tx: tx.postponed.due(1e12, 10))
    assert sorted(row.attempts for row in rows) == [0, 0, 1]
    come_back(tmp_path)
    assert await late.enrich_due(now) == 2  # and what was asked about in vain is due at once
    assert await late.enrich_due(now) == 1
    assert await waiting(office) == 0


async def test_a_ticket_that_was_merged_meanwhile_passes_it_on(
    office: Office, late: LateNotes, tmp_path: Path
) -> None:
    await office.receive(mail())
    await office.receive(
        mail(subject="Other", sender="bob@customer.example", message_id="<2@x>"),
        sender="bob@customer.example",
    )
    first, second = await office.tickets()
    await office.store.write(lambda tx: tx.tickets.set_merged_into(first.id, second.id, office.clock.now))
    come_back(tmp_path)
    await late.enrich_due(office.clock.now + FIRST_WAIT)
    assert "tier-gold" in await tags(office, second)


async def test_after_a_week_nobody_asks_any_more(office: Office, late: LateNotes) -> None:
    await office.receive(mail())
    (ticket,) = await office.tickets()
    await late.enrich_due(office.clock.now + GIVE_UP + 1)
    assert await waiting(office) == 0
    events = [event.what for event in await office.events(ticket)]
    assert events.count("not_enriched") == 1
    assert await tags(office, ticket) == ["crm-away"]


async def test_a_stage_that_is_configured_no_more_is_not_waited_for(office: Office) -> None:
    await office.receive(mail())
    late = LateNotes(office.store, office.site, {})
    await late.enrich_due(office.clock.now + FIRST_WAIT)
    assert await waiting(office) == 0


async def test_two_workers_enrich_a_mail_once(office: Office, late: LateNotes, tmp_path: Path) -> None:
    await office.receive(mail())
    (ticket,) = await office.tickets()
    come_back(tmp_path)
    (row,) = await office.store.read(lambda tx: tx.postponed.due(1e12, 10))
    await late.enrich_due(office.clock.now + FIRST_WAIT)
    assert not await office.store.write(lambda tx: tx.postponed.remove(row))
    assert not await office.store.write(lambda tx: tx.postponed.wait_on(row, ["crm-away"], 0.0))
    assert [event.what for event in await office.events(ticket)].count("enriched") == 1


async def test_a_mail_without_a_ticket_waits_for_nothing(make_office: MakeOffice, tmp_path: Path) -> None:
    crm = {
        "url": f"sqlite:///{tmp_path}/crm.db",
        "query": "SELECT name FROM customer WHERE mail = :sender",
        "values": ["name"],
    }
    office = await make_office(chain=("enrich",), options={"enrich": {"source": {"crm": crm}}})
    await office.receive(mail())
    assert await office.tickets() == []
    assert await waiting(office) == 0

"""Steps of escalation, by a clock that the test moves: each once, none lost, and no storm of mails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailproc.desk.claim import claim
from mailproc.desk.close import close
from mailproc.desk.escalate import escalate_due
from mailproc.desk.snooze import snooze
from mailproc.desk.target import dues
from mailproc.desk.view import ticket_in_full, ticket_views
from mailproc.model.calendar import Calendar
from mailproc.model.desk import Desk
from mailproc.model.escalation import Addressee, At, Escalation, Rule, Step, key_steps
from mailproc.model.hours import make_week, parse_hours
from mailproc.model.target import Kind, Target
from mailproc.model.ticket import State, Ticket
from mailproc.pipeline.escalation_letters import read_escalation_letters
from tests.unit.desk.agents_desk import again, answer, ask, hand_in, notices, reply_address, the_ticket
from tests.unit.desk.office import ROOT, START, MakeOffice, Office, desk

HOUR, DAY, WEEK = 3600.0, 86400.0, 7 * 86400.0
TEMPLATES = str(ROOT / "config" / "templates")
LETTERS = read_escalation_letters(["escalation"], [TEMPLATES])
FOUR_HOURS = Target("quick", first=4 * HOUR, next=4 * HOUR, solution=5 * DAY)
LATE = Step("", tags=("late",))
SOON = Step("", at=At.WARN, tags=("soon",))
TELL_LEAD = Step("", mail=(Addressee.LEAD,), template="escalation")


def late_desk(*steps: Step, target: Target = FOUR_HOURS, name: str = "support", **more: object) -> Desk:
    escalation = Escalation((Rule(target),), tuple(key_steps(steps)), lead="bob")
    return replace(desk(name), escalation=escalation, **more)  # type: ignore[arg-type]


async def look(office: Office, at: float) -> int:
    return await escalate_due(office.store, office.site, LETTERS, at)


async def tags(office: Office, ticket: Ticket) -> list[str]:
    return await office.store.read(lambda tx: tx.history.tags(ticket.id))


async def escalations(office: Office, ticket: Ticket) -> list[str]:
    return [event.detail for event in await office.events(ticket) if event.what == "escalated"]


async def waiting(office: Office) -> Ticket:
    """A ticket of START, after the clock's first look."""
    await look(office, START)
    await office.receive(ask())
    return await the_ticket(office)


# When


async def test_a_step_is_taken_at_its_moment_and_never_again(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(LATE, SOON))
    ticket = await waiting(office)
    assert await look(office, START + 3 * HOUR - 1) == 0
    assert await look(office, START + 3 * HOUR) == 1
    assert await tags(office, ticket) == ["soon"]
    assert await look(office, START + 4 * HOUR) == 1
    assert await tags(office, ticket) == ["late", "soon"]
    assert await look(office, START + 4 * HOUR) == 0
    assert await look(office, START + 4 * DAY - HOUR) == 1  # three quarters of the solution's five days
    assert await look(office, START + 900 * DAY) == 1
    assert await look(office, START + 10_000 * DAY) == 0


async def test_a_clock_that_is_put_back_repeats_nothing(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(LATE, TELL_LEAD))
    ticket = await waiting(office)
    await look(office, START + 5 * HOUR)
    for moment in (START + 2 * HOUR, START - 10 * 365 * DAY, START + 5 * HOUR, START + 6 * HOUR):
        assert await look(office, moment) == 0
    assert len(await escalations(office, ticket)) == 2
    assert len(await notices(office, "bob")) == 1


async def test_an_answer_in_time_stops_it(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(LATE))
    ticket = await waiting(office)
    office.clock.now = START + HOUR
    assert (await hand_in(office, "alice", answer(to=reply_address(office, ticket)))).code == 250
    assert await look(office, START + DAY) == 0


async def test_the_next_mail_of_the_customer_is_a_clock_of_its_own(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(LATE))
    ticket = await waiting(office)
    assert await look(office, START + 5 * HOUR) == 1
    office.clock.now = START + 6 * HOUR
    assert (await hand_in(office, "alice", answer(to=reply_address(office, ticket)))).code == 250
    office.clock.now = START + 7 * HOUR
    await office.receive(again(office, ticket, "<two@customer.example>"))
    assert await look(office, START + 11 * HOUR - 1) == 0
    assert await look(office, START + 11 * HOUR) == 1
    assert "next answer" in (await escalations(office, ticket))[-1]


async def test_a_snoozed_ticket_is_left_alone_until_it_wakes(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(LATE))
    ticket = await waiting(office)
    until = START + 3 * DAY
    await office.store.write(lambda tx: snooze(tx, ticket, until=until, who="alice", now=START + HOUR))
    assert await look(office, START + 2 * DAY) == 0
    office.clock.now = START + 2 * DAY
    await office.receive(again(office, ticket, "<two@customer.example>"))
    assert await look(office, START + 2 * DAY + 3 * HOUR - 1) == 0
    assert await look(office, START + 2 * DAY + 3 * HOUR) == 1


async def test_a_closed_ticket_is_done_with(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(LATE))
    ticket = await waiting(office)
    await office.store.write(lambda tx: close(tx, ticket, who="alice", now=START + HOUR))
    assert await look(office, START + DAY) == 0
    assert await office.store.read(lambda tx: tx.targets.dues([ticket.id])) == {}


async def test_only_business_time_counts(make_office: MakeOffice) -> None:
    office_hours = Calendar(make_week([parse_hours("09:00-17:00")] * 5 + [()] * 2), UTC, name="office")
    office = await make_office(late_desk(LATE, calendar=office_hours))
    friday = datetime(2026, 11, 20, 15, tzinfo=UTC).timestamp()
    await look(office, friday)
    office.clock.now = friday
    await office.receive(ask())
    monday = datetime(2026, 11, 23, 11, tzinfo=UTC).timestamp()
    assert await look(office, monday - 1) == 0
    assert await look(office, monday) == 1


# What


async def test_the_event_says_what_was_done_and_why(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(replace(LATE, priority="high", after=HOUR)))
    ticket = await waiting(office)
    await look(office, START + 5 * HOUR)
    assert await escalations(office, ticket) == [
        "due: first answer, 2026-09-21 18:13 UTC (4h allowed); due and 1h: tagged late, priority high"
    ]
    assert await tags(office, ticket) == ["late", "priority-high"]


async def test_a_step_gives_a_ticket_back(make_office: MakeOffice) -> None:
    office = await make_office(
        late_desk(Step("", release=True, mail=(Addressee.OWNER,), template="escalation"))
    )
    ticket = await waiting(office)
    await office.store.write(lambda tx: claim(tx, office.desks[0], ticket, agent="alice", now=START + HOUR))
    await look(office, START + 5 * HOUR)
    after = await the_ticket(office)
    assert (after.state, after.owner) == (State.NEW, "")
    (told,) = await notices(office, "alice")
    assert told.subject == f"{ticket.number} is overdue: Printer on fire"
    assert told.header("Auto-Submitted") == "auto-generated"


async def test_a_step_hands_a_ticket_to_another_desk_whose_targets_count_from_then(
    make_office: MakeOffice,
) -> None:
    second = late_desk(LATE, target=Target(first=12 * HOUR), name="second")
    office = await make_office(late_desk(Step("", desk="second", tags=("passed",))), second)
    ticket = await waiting(office)
    await look(office, START + 4 * HOUR)
    assert (await the_ticket(office)).desk == "second"
    await look(office, START + 11 * HOUR)
    assert await tags(office, ticket) == ["passed"]
    await look(office, START + 12 * HOUR)
    assert await tags(office, ticket) == ["late", "passed"]


async def test_the_mail_that_waits_is_laid_on_top_with_a_note(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(Step("", lay=True, priority="high")))
    ticket = await waiting(office)
    await look(office, START + 4 * HOUR)
    shown = await office.store.read(lambda tx: tx.folders.shown("support", ticket.id))
    assert shown is not None
    assert [(copy.name, copy.older) for copy in shown.copies] == [("l1", ("m1",))]
    laid = await office.store.read(lambda tx: tx.folders.laid_again(1))
    assert laid is not None
    assert laid.at == START + 4 * HOUR
    assert laid.headers == (
        ("X-Mailproc-Note", "due: first answer, 2026-09-21 18:13 UTC"),
        ("X-Priority", "1 (Highest)"),
    )


# Mails


async def test_few_tickets_are_a_mail_each(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(TELL_LEAD))
    await look(office, START)
    for number in range(5):
        await office.receive(ask(message_id=f"<{number}@customer.example>", subject=f"Fire {number}"))
    await look(office, START + 5 * HOUR)
    assert len(await notices(office, "bob")) == 5


@pytest.mark.parametrize("count", [6, 250])
async def test_after_a_week_without_a_daemon_each_is_told_of_once_in_one_mail(
    make_office: MakeOffice, count: int
) -> None:
    office = await make_office(late_desk(LATE, TELL_LEAD))
    await look(office, START)
    for number in range(count):
        office.clock.now = START
        await office.receive(ask(message_id=f"<{number}@customer.example>", subject=f"Fire {number}"))
    await look(office, START + WEEK)
    (told,) = await notices(office, "bob")
    assert told.subject == f"{count} tickets are due or overdue"
    assert all(f"Fire {number}\n" in told.text for number in range(count))
    assert await look(office, START + 2 * WEEK) == 0
    for ticket in await office.tickets():
        assert len(await escalations(office, ticket)) == 4  # two steps, for the first answer and the solution


async def test_a_mail_that_was_called_for_before_a_crash_is_written_after_it(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(TELL_LEAD))
    await waiting(office)
    from mailproc.desk.escalate import _look

    await office.store.write(lambda tx: _look(tx, office.site, START + 5 * HOUR))
    assert await notices(office, "bob") == []
    await look(office, START + 5 * HOUR)
    await look(office, START + 6 * HOUR)
    assert len(await notices(office, "bob")) == 1


async def test_a_later_mail_about_the_same_ticket_leaves_too(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(TELL_LEAD, replace(TELL_LEAD, after=HOUR)))
    await waiting(office)
    await look(office, START + 4 * HOUR)
    await look(office, START + 5 * HOUR)
    assert len(await notices(office, "bob")) == 2


# Which


async def test_what_was_due_before_a_desk_had_targets_does_nothing(make_office: MakeOffice) -> None:
    office = await make_office(desk())
    await office.receive(ask())
    office.site.desks["support"] = late_desk(LATE)  # type: ignore[index]
    assert await look(office, START + WEEK) == 0
    (ticket,) = await office.tickets()
    due = await office.store.read(lambda tx: dues(tx, office.site.desks, [ticket], START + WEEK))
    assert due[ticket.id].at == START + 4 * HOUR


async def test_a_target_that_was_made_shorter_holds_for_tickets_that_there_are(
    make_office: MakeOffice,
) -> None:
    office = await make_office(late_desk(LATE))
    ticket = await waiting(office)
    await look(office, START + HOUR)
    office.site.desks["support"] = late_desk(LATE, target=Target(first=2 * HOUR))  # type: ignore[index]
    assert await look(office, START + 2 * HOUR) == 1
    assert await tags(office, ticket) == ["late"]


async def test_a_desk_that_lost_its_targets_forgets_them(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(LATE))
    ticket = await waiting(office)
    await look(office, START + HOUR)
    office.site.desks["support"] = desk()  # type: ignore[index]
    assert await look(office, START + WEEK) == 0
    assert await office.store.read(lambda tx: (tx.targets.dues([ticket.id]), tx.targets.marks())) == ({}, {})


def test_the_first_rule_that_fits_decides() -> None:
    gold, urgent, rest = (Target(name) for name in ("gold", "urgent", "rest"))
    escalation = Escalation(
        (Rule(gold, notes=(("group", "gold"),)), Rule(urgent, frozenset({"a", "b"}), "high"), Rule(rest))
    )
    assert escalation.target(["priority-high", "b"], {"group": "gold"}) is gold
    assert escalation.target(["priority-high", "b"], {"group": "silver"}) is urgent
    assert escalation.target(["b"], {}) is rest
    assert escalation.target(["priority-high"], {}) is rest
    assert Escalation((Rule(gold, priority="normal"),)).target(["priority-low"], {}) is None


def test_keys_of_steps_do_not_change_with_what_they_do() -> None:
    steps = key_steps([LATE, SOON, replace(LATE, tags=("x",)), replace(LATE, after=60.0)])
    assert [step.key for step in steps] == ["due+0", "warn+0", "due+0#2", "due+60"]


# Shown


async def test_a_list_shows_what_is_due_before_the_clock_looked(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(LATE))
    ticket = await waiting(office)
    for _ in range(2):
        (view,) = await office.store.read(
            lambda tx: ticket_views(tx, office.site.desks, [ticket], START + 60)
        )
        assert view["due"] == {"kind": "first", "at": "2026-09-21T18:13:20Z"}
        await look(office, START + 60)
    taken = await office.store.write(
        lambda tx: snooze(tx, ticket, until=START + DAY, who="alice", now=START + HOUR)
    )
    (view,) = await office.store.read(lambda tx: ticket_views(tx, office.site.desks, [taken], START + HOUR))
    assert view["due"] is None


async def test_a_ticket_shows_the_whole_computation(make_office: MakeOffice) -> None:
    office = await make_office(late_desk(LATE))
    ticket = await waiting(office)
    await office.store.write(lambda tx: snooze(tx, ticket, until=START + DAY, who="alice", now=START + HOUR))
    now = START + 2 * HOUR
    view = await office.store.read(
        lambda tx: ticket_in_full(tx, tx.tickets.get(ticket.id), office.site.desks, now)
    )
    assert view["target"] == "quick"
    clocks = view["clocks"]
    assert isinstance(clocks, list)
    assert clocks[0] == {
        "kind": "first",
        "started": "2026-09-21T14:13:20Z",
        "pauses": [{"from": "2026-09-21T15:13:20Z", "to": None, "why": "snoozed"}],
        "ended": None,
        "end": None,
        "minutes": 60.0,
        "target": 240.0,
        "warn": None,
        "due": None,
        "met": None,
    }
    assert [clock["kind"] for clock in clocks] == [Kind.FIRST, Kind.SOLUTION]


# Letters


def test_every_language_of_the_acknowledgement_has_a_letter() -> None:
    languages = {path.name.split(".")[1] for path in Path(TEMPLATES).glob("acknowledge.*.j2")}
    assert {name.split(".")[1] for name in LETTERS.templates} == languages


def test_a_letter_that_is_wrong_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.en.j2").write_text("Subject: x\n\n{{ tickts }}\n")
    (tmp_path / "mine.de.j2").write_text("No subject\n")
    with pytest.raises(
        ValueError, match=r'mine\.de\.j2: the first line .*; mine\.en\.j2: unknown name "tickts"'
    ):
        read_escalation_letters(["mine"], [str(tmp_path)])
    with pytest.raises(ValueError, match=r"other\.en\.j2: not found"):
        read_escalation_letters(["other"], [str(tmp_path)])


@pytest.mark.parametrize("first", ["Subject : x", " Subject: x", "Subjects: x", "", "\nSubject: x"])
def test_a_letter_begins_with_its_subject(tmp_path: Path, first: str) -> None:
    (tmp_path / "mine.en.j2").write_text(f"{first}\n\nText\n")
    with pytest.raises(ValueError, match=r"mine\.en\.j2: the first line must be"):
        read_escalation_letters(["mine"], [str(tmp_path)])


def test_a_letter_that_is_wrong_is_refused_where_another_stands_before_it(tmp_path: Path) -> None:
    for folder, source in (("site", "Subject: x\n\nText\n"), ("shipped", "No subject\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.en.j2").write_text(source)
    with pytest.raises(ValueError, match=r"mine\.en\.j2: the first line must be"):
        read_escalation_letters(["mine"], [str(tmp_path / "site"), str(tmp_path / "shipped")])

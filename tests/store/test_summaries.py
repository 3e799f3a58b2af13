"""What the store keeps of tickets for reports, and up to where."""

from __future__ import annotations

import math

import pytest

from mailproc.desk.claim import claim
from mailproc.desk.close import close
from mailproc.desk.snooze import snooze
from mailproc.model.ticket import Ticket
from mailproc.store.connection import Connection
from mailproc.store.summaries import Kept, Mark
from tests.unit.imap.world import NOW, World, make_world

DESKS = ("support",)
BEGIN = Mark(0, 0, "all")


@pytest.fixture
def world(connection: Connection) -> World:
    return make_world(connection)


def kept(ticket: Ticket, first: float = NOW, last: float = NOW + 10, content: str = "[]") -> Kept:
    return Kept(ticket.id, "office", first, last, content)


def test_tickets_are_told_with_what_is_kept_of_them(world: World) -> None:
    one, other = world.open_ticket(), world.open_ticket()
    summaries = world.tx.summaries
    assert summaries.mark() is None
    assert summaries.put(None, BEGIN, [kept(one), kept(other, content="[1]")], [])
    assert summaries.put(BEGIN, BEGIN, [kept(one, content="[2]")], [other.id])
    (row,) = summaries.told([one.id, other.id])
    assert (row[0], row[1], row[-3:]) == (one.id, one.desk, ("office", NOW, "[2]"))


def test_who_read_another_mark_writes_nothing(world: World) -> None:
    ticket, summaries = world.open_ticket(), world.tx.summaries
    after = Mark(5, 6, "other")
    assert summaries.put(None, after, [], [])
    assert not summaries.put(None, BEGIN, [kept(ticket)], [])
    assert summaries.mark() == after
    assert summaries.told([ticket.id]) == []


def test_tickets_of_a_period_are_those_that_end_in_it_and_open_ones_at_rest(world: World) -> None:
    before, within, across, asleep = (world.open_ticket() for _ in range(4))
    close(world.tx, world.ticket(before), who="alice", now=NOW)
    snooze(world.tx, world.ticket(asleep), until=NOW + 9, who="alice", now=NOW)
    rows = [kept(before, last=NOW + 1), kept(within), kept(across, last=NOW + 30), kept(asleep, last=NOW + 1)]
    world.tx.summaries.put(None, BEGIN, rows, [])
    known, beyond = world.tx.summaries.tickets(DESKS, NOW + 5, NOW + 20)
    assert (known, beyond) == ([within.id, asleep.id], [across.id])
    assert world.tx.summaries.tickets(DESKS, NOW + 40, math.inf) == ([asleep.id], [])


def test_a_ticket_is_next_when_its_newest_event_is(world: World) -> None:
    one, other = world.open_ticket(), world.open_ticket()
    close(world.tx, world.ticket(one), who="alice", now=NOW)
    close(world.tx, world.ticket(other), who="alice", now=NOW)
    claim(world.tx, world.site.desks["support"], world.ticket(one), agent="alice", now=NOW)
    summaries = world.tx.summaries
    mark = Mark(0, summaries.newest_message(), "all")
    assert summaries.changed(mark, 99) == {one.id, other.id}
    assert summaries.changed(mark, 1) is None
    tickets, after = summaries.next(mark, 2)
    assert tickets == {other.id}
    tickets, after = summaries.next(after, 2)
    assert tickets == {one.id}
    assert summaries.changed(after, 0) == set()
    assert summaries.next(after, 2) == (set(), after)


def test_tickets_at_work_are_those_that_somebody_is_to_do_something_about(world: World) -> None:
    new, closed = world.open_ticket(), world.open_ticket()
    close(world.tx, world.ticket(closed), who="alice", now=NOW)
    assert world.tx.summaries.at_work(DESKS) == [new.id]
    assert world.tx.summaries.at_work(["billing"]) == []

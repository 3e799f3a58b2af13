"""What the store keeps of tickets' targets."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from importlib.resources import files

import pytest

from mailproc.desk.close import close
from mailproc.desk.merge import merge, unmerge
from mailproc.model.target import Kind
from mailproc.model.ticket import Direction, State
from mailproc.store.connection import Connection
from mailproc.store.targets import Call, Due, Mark
from tests.unit.imap.world import NOW, World, make_world


@pytest.fixture
def world(connection: Connection) -> World:
    return make_world(connection)


def test_a_history_has_the_letters_of_merged_tickets_and_not_their_states(world: World) -> None:
    ticket, other = world.open_ticket(), world.open_ticket(mails=2)
    close(world.tx, world.ticket(other), who="alice", now=NOW + 1)
    merge(world.tx, world.ticket(other), world.ticket(ticket), who="alice", now=NOW + 2)
    kept = world.tx.targets.history(ticket.id)
    assert [letter.direction for letter in kept.letters] == [Direction.IN] * 3
    assert [event.state for event in kept.events if event.state] == []
    states = [(event.what, event.state) for event in world.tx.targets.history(other.id).events]
    assert states == [("closed", State.CLOSED), ("merged", None)]
    unmerge(world.tx, world.ticket(other), who="alice", now=NOW + 3)
    assert len(world.tx.targets.history(ticket.id).letters) == 1


def test_the_letters_of_a_merged_ticket_say_when_that_was_opened(world: World) -> None:
    ticket, other = world.open_ticket(), world.open_ticket()
    close(world.tx, world.ticket(other), who="alice", now=NOW + 1)
    merge(world.tx, world.ticket(other), world.ticket(ticket), who="alice", now=NOW + 2)
    kept = world.tx.targets.history(ticket.id)
    assert [letter.opened for letter in kept.letters] == [None, other.opened]


def test_a_history_tells_that_mails_were_split_off(world: World) -> None:
    ticket = world.open_ticket()
    world.tx.history.add_event(ticket, "split", "alice", "1 to 99", NOW + 1)
    assert [event.what for event in world.tx.targets.history(ticket.id).events] == ["split"]


def test_a_ticket_is_looked_at_when_an_event_tells_of_it(world: World) -> None:
    ticket, other = world.open_ticket(), world.open_ticket()
    assert world.tx.targets.seen() == 0
    close(world.tx, ticket, who="alice", now=NOW)
    first = world.tx.targets.newest_event()
    close(world.tx, other, who="alice", now=NOW)
    newest = world.tx.targets.newest_event()
    assert world.tx.targets.changed(0, newest) == [ticket.id, other.id]
    assert world.tx.targets.changed(first, newest) == [other.id]
    world.tx.targets.set_seen(newest)
    assert world.tx.targets.seen() == newest


def test_what_is_due_comes_up_at_its_time_and_rests_without_one(world: World) -> None:
    ticket, other = world.open_ticket(), world.open_ticket()
    world.tx.targets.put(ticket.id, "support", Due(NOW + 10, "first", NOW + 20))
    world.tx.targets.put(other.id, "support", Due(None, "solution", NOW + 5))
    assert world.tx.targets.due(NOW + 9, 10) == []
    assert world.tx.targets.due(NOW + 10, 10) == [ticket.id]
    assert world.tx.targets.dues([ticket.id, other.id, 99])[other.id] == Due(None, "solution", NOW + 5)
    world.tx.targets.look_at_all("support", NOW)
    assert world.tx.targets.due(NOW, 10) == [ticket.id, other.id]
    world.tx.targets.forget_desk("support")
    assert world.tx.targets.dues([ticket.id, other.id]) == {}


def test_a_step_is_taken_once_for_each_clock(world: World) -> None:
    ticket = world.open_ticket()
    step = ("first", NOW, "support due+0")
    assert world.tx.targets.take(ticket.id, step, NOW)
    assert not world.tx.targets.take(ticket.id, step, NOW + 1)
    assert world.tx.targets.take(ticket.id, ("next", NOW, "support due+0"), NOW)
    assert step in world.tx.targets.taken(ticket.id)


def test_calls_wait_in_their_order_until_they_were_made(world: World) -> None:
    for number in range(3):
        world.tx.targets.call(Call(str(number), "alice", "support", 1, Kind.NEXT, None, "escalation"))
    calls = world.tx.targets.calls()
    assert [(call.key, call.kind) for call in calls] == [(str(number), Kind.NEXT) for number in range(3)]
    world.tx.targets.called(calls[1].id)
    assert [call.key for call in world.tx.targets.calls()] == ["2"]


def test_marks_are_kept_by_desk(world: World) -> None:
    world.tx.targets.set_seen(7)
    world.tx.targets.set_mark("support", Mark("abc", NOW))
    world.tx.targets.set_mark("support", Mark("def", NOW))
    assert world.tx.targets.marks() == {"support": Mark("def", NOW)}
    assert world.tx.targets.seen() == 7


@pytest.mark.parametrize(
    ("what", "detail", "state"),
    [
        ("opened", "Hello", "new"),
        ("released", "alice", "new"),
        ("released", "an answer of alice", None),
        ("answered", "to c@x", "answered"),
        ("answered", "to c@x, an older mail", None),
        ("follow_up", "by reference", "claimed"),
        ("marked_spam", "", "spam"),
        ("noted", "urgency: 3", None),
    ],
)
def test_events_from_before_get_the_state_that_followed_them(
    old_store: Callable[[int], sqlite3.Connection], what: str, detail: str, state: str | None
) -> None:
    connection = old_store(7)
    connection.execute(
        "INSERT INTO message (ticket, desk, sha256, direction, sender, recipients, subject, date, message_id,"
        " size, automatic, agent, status, joined_by, joined_reasons, at)"
        " VALUES (1, 'd', x'00', 'in', 'c@x', '[]', '', 0, '', 0, 'none', '', 'received', '', '[]', 1.0)"
    )
    connection.execute(
        "INSERT INTO event (ticket, desk, at, what, who, detail) VALUES (1, 'd', 2.0, ?, 'c@x', ?)",
        (what, detail),
    )
    connection.executescript(migration(8))
    assert connection.execute("SELECT state FROM event").fetchall() == [(state,)]


def migration(number: int) -> str:
    return (files("mailproc.store") / "migrations" / f"sqlite_{number:04}.sql").read_text()


@pytest.fixture
def old_store() -> Iterator[Callable[[int], sqlite3.Connection]]:
    """Makes a store with the schema of back then."""
    connection = sqlite3.connect(":memory:")

    def make(version: int) -> sqlite3.Connection:
        for number in range(1, version + 1):
            connection.executescript(migration(number))
        return connection

    yield make
    connection.close()

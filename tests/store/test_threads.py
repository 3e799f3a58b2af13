"""The thread index: what is stored of ids, people, numbers and failures, and how little a mail costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest

from mailproc.model.follow_up import IdKind, Role
from mailproc.model.ticket import Direction, State, Ticket
from mailproc.store.connection import NO_PARAMETERS, Connection, Dialect, Row
from mailproc.store.threads import MAX_SIGHTINGS, MAX_SUBJECTS, Threads
from mailproc.store.tickets import NewMessage, NewTicket, Tickets

ANN, BOB = "ann@example.net", "bob@elsewhere.example"


class Counting:
    """A connection that keeps the questions that it was asked."""

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect
        self.one, self.run, self.do = connection.one, connection.run, connection.do
        self.insert, self.run_many = connection.insert, connection.run_many
        self.asked: list[tuple[str, Mapping[str, object]]] = []
        self._connection = connection

    def all(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        self.asked.append((sql, parameters))
        return self._connection.all(sql, parameters)

    def plan(self, sql: str, parameters: Mapping[str, object]) -> str:
        if self.dialect is Dialect.SQLITE:
            rows = self._connection.all(f"EXPLAIN QUERY PLAN {sql}", parameters)
            return " ".join(row[3] for row in rows)
        return " ".join(row[0] for row in self._connection.all(f"EXPLAIN {sql}", parameters))


@pytest.fixture(name="connection")
def counting(connection: Connection) -> Counting:
    return Counting(connection)


@pytest.fixture
def threads(connection: Counting) -> Threads:
    return Threads(connection)


@pytest.fixture
def opened(connection: Counting) -> Callable[..., Ticket]:
    def make(
        number: str, *, subject_key: str = "printer", at: float = 100.0, desk: str = "support"
    ) -> Ticket:
        return Tickets(connection).open(
            NewTicket(number, desk, subject_key, subject_key, State.NEW, "", ANN, at, "", "", 0.5)
        )

    return make


def dated(connection: Counting, ticket: Ticket, date: float | None) -> None:
    message = NewMessage(None, b"x", Direction.IN, ANN, (), "", date, "", 0, "none", 100.0)
    Tickets(connection).add_message(ticket, message)


def seen(threads: Threads, *ids: str, desk: str = "support") -> list[tuple[str, str, str]]:
    return [(s.message_id, s.kind.value, s.ticket.number) for s in threads.sightings(desk, ids)]


def subjects(threads: Threads, keys: Iterable[str] = ("printer",), **when: float | None) -> list[str]:
    since, date = when.get("since") or 0.0, when.get("date")
    return [
        found.ticket.number
        for found in threads.same_subject("support", list(keys), ANN, since=since, date=date)
    ]


def test_ids_are_found_by_desk_with_what_we_know_before_what_was_mentioned(
    threads: Threads, opened: Callable[..., Ticket]
) -> None:
    one, two, three = opened("1"), opened("2"), opened("3", desk="sales")
    threads.add_ids("support", one.id, [("<a@x>", IdKind.KNOWN)], at=1)
    threads.add_ids("support", two.id, [("<a@x>", IdKind.MENTIONED), ("<b@x>", IdKind.OURS)], at=2)
    threads.add_ids("sales", three.id, [("<a@x>", IdKind.KNOWN)], at=3)
    assert seen(threads, "<a@x>", "<b@x>") == [
        ("<b@x>", "ours", "2"),
        ("<a@x>", "known", "1"),
        ("<a@x>", "mentioned", "2"),
    ]
    assert seen(threads, "<a@x>", desk="sales") == [("<a@x>", "known", "3")]


def test_the_newest_ticket_that_mentions_an_id_comes_first(
    threads: Threads, opened: Callable[..., Ticket]
) -> None:
    for place in range(3):
        ticket = opened(str(place))
        threads.add_ids("support", ticket.id, [("<a@x>", IdKind.MENTIONED)], at=float(place))
    assert [number for _, _, number in seen(threads, "<a@x>")] == ["2", "1", "0"]


def test_one_id_never_brings_more_than_a_bounded_number(
    threads: Threads, opened: Callable[..., Ticket]
) -> None:
    first = opened("first")
    threads.add_ids("support", first.id, [("<news@x>", IdKind.KNOWN)], at=0.0)
    for place in range(MAX_SIGHTINGS + 50):
        ticket = opened(str(place))
        threads.add_ids("support", ticket.id, [("<news@x>", IdKind.MENTIONED)], at=float(place + 1))
    found = seen(threads, "<news@x>")
    assert len(found) == MAX_SIGHTINGS
    assert found[0] == ("<news@x>", "known", "first")


def test_an_id_may_be_recorded_again(threads: Threads, opened: Callable[..., Ticket]) -> None:
    ticket = opened("1")
    for _ in range(2):
        threads.add_ids("support", ticket.id, [("<a@x>", IdKind.KNOWN)], at=1)
    assert len(seen(threads, "<a@x>")) == 1


def test_a_newcomer_is_promoted_by_others_and_nobody_is_demoted(
    threads: Threads, opened: Callable[..., Ticket]
) -> None:
    ticket = opened("1")
    threads.add_participants("support", ticket.id, [(ANN, Role.CUSTOMER), (BOB, Role.NEW)], at=1)
    threads.add_participants("support", ticket.id, [(ANN, Role.NEW), (BOB, Role.NEW)], at=2)
    assert threads.participants(ticket.id) == [(ANN, Role.CUSTOMER), (BOB, Role.NEW)]
    threads.add_participants("support", ticket.id, [(ANN, Role.PARTICIPANT), (BOB, Role.PARTICIPANT)], at=3)
    assert threads.participants(ticket.id) == [(ANN, Role.CUSTOMER), (BOB, Role.PARTICIPANT)]


def test_roles_are_asked_for_many_tickets_at_once(threads: Threads, opened: Callable[..., Ticket]) -> None:
    one, two = opened("1"), opened("2")
    threads.add_participants("support", one.id, [(ANN, Role.CUSTOMER)], at=1)
    threads.add_participants("support", two.id, [(BOB, Role.NEW)], at=1)
    assert threads.roles([one.id, two.id], [ANN, BOB]) == {
        (one.id, ANN): Role.CUSTOMER,
        (two.id, BOB): Role.NEW,
    }
    assert threads.roles([one.id], [BOB]) == {}


def test_the_same_subject_is_found_only_where_somebody_takes_part_and_lately(
    threads: Threads, opened: Callable[..., Ticket]
) -> None:
    for number, at in (("old", 10.0), ("new", 100.0), ("foreign", 100.0)):
        ticket = opened(number, at=at)
        people = [(BOB if number == "foreign" else ANN, Role.CUSTOMER)]
        threads.add_participants("support", ticket.id, people, at=at)
    other = opened("other", subject_key="invoice")
    threads.add_participants("support", other.id, [(ANN, Role.CUSTOMER)], at=100.0)
    assert subjects(threads) == ["new", "old"]
    assert subjects(threads, since=50.0) == ["new"]
    assert sorted(subjects(threads, ["printer", "invoice"], since=50.0)) == ["new", "other"]


def test_the_same_subject_says_how_far_apart_the_dates_are(
    connection: Counting, threads: Threads, opened: Callable[..., Ticket]
) -> None:
    ticket = opened("1")
    threads.add_participants("support", ticket.id, [(ANN, Role.CUSTOMER)], at=1)
    for date in (None, 500.0, 900.0):
        dated(connection, ticket, date)
    (found,) = threads.same_subject("support", ["printer"], ANN, since=0.0, date=1000.0)
    assert found.apart == 100.0
    (undated,) = threads.same_subject("support", ["printer"], ANN, since=0.0, date=None)
    assert undated.apart is None


def test_one_subject_never_brings_more_than_a_bounded_number(
    threads: Threads, opened: Callable[..., Ticket]
) -> None:
    for place in range(MAX_SUBJECTS + 5):
        ticket = opened(str(place), at=100.0 + place)
        threads.add_participants("support", ticket.id, [(ANN, Role.CUSTOMER)], at=1)
    assert subjects(threads) == [str(place) for place in range(MAX_SUBJECTS + 4, 4, -1)]


def test_questions_about_nothing_ask_nothing(connection: Counting, threads: Threads) -> None:
    assert threads.sightings("support", []) == []
    assert threads.by_numbers([]) == []
    assert threads.by_ids([]) == []
    assert threads.same_subject("support", [], ANN, since=0.0, date=None) == []
    assert threads.roles([], [ANN]) == {}
    assert connection.asked == []


def test_a_count_goes_on_by_period(threads: Threads) -> None:
    threads.hold_sequence("", "20261121")
    threads.count_to("", "20261121", 2)
    counts = [threads.hold_sequence("", period) for period in ("20261121", "20261122", "", "20261121")]
    assert counts == [2, 0, 0, 2]


def test_failures_are_counted_by_sender_and_time(threads: Threads) -> None:
    threads.add_mac_failures("support", "eve@evil.example", 3, at=100.0)
    threads.add_mac_failures("support", "mal@evil.example", 1, at=100.0)
    threads.add_mac_failures("support", "eve@evil.example", 5, at=10.0)
    assert list(threads.mac_failures(50.0)) == [
        ("support", "eve@evil.example", 3),
        ("support", "mal@evil.example", 1),
    ]


def test_a_split_takes_ids_and_people_along(threads: Threads, opened: Callable[..., Ticket]) -> None:
    one, two = opened("1"), opened("2")
    threads.add_ids(
        "support",
        one.id,
        [("<a@x>", IdKind.KNOWN), ("<b@x>", IdKind.KNOWN), ("<b@x>", IdKind.MENTIONED)],
        at=1,
    )
    threads.add_participants("support", one.id, [(ANN, Role.CUSTOMER)], at=1)
    threads.move(["<b@x>"], one, two)
    assert seen(threads, "<a@x>", "<b@x>") == [
        ("<b@x>", "known", "2"),
        ("<a@x>", "known", "1"),
        ("<b@x>", "mentioned", "1"),
    ]
    assert threads.participants(two.id) == [(ANN, Role.CUSTOMER)]


def test_every_question_is_answered_from_an_index(connection: Counting, threads: Threads) -> None:
    """No scan of a table, however large it grows; what is scanned is the bounded result of a search."""
    list(threads.sightings("support", ["<a@x>", "<b@x>"]))
    threads.by_numbers(["1", "2"])
    threads.by_ids([1, 2])
    threads.same_subject("support", ["printer"], ANN, since=1.0, date=1.0)
    threads.roles([1, 2], [ANN, BOB])
    list(threads.mac_failures(1.0))
    plans = [connection.plan(sql, parameters) for sql, parameters in connection.asked]
    searches = SEARCHES[connection.dialect]
    assert [search for search, plan in zip(searches, plans, strict=True) if search not in plan] == []
    assert [plan for plan in plans if "Seq Scan" in plan] == []


SEARCHES = {
    Dialect.SQLITE: [
        "SEARCH seen USING PRIMARY KEY (message_id=?)",
        "SEARCH ticket USING INDEX sqlite_autoindex_ticket_1 (number=?)",
        "SEARCH ticket USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH ticket USING INDEX ticket_subject (desk=? AND subject_key=? AND updated>?)",
        "SEARCH participant USING PRIMARY KEY (ticket=? AND address=?)",
        "SEARCH mac_failure USING INDEX mac_failure_at (at>?)",
    ],
    Dialect.POSTGRESQL: [
        "thread_id_pkey",
        "ticket_number_key",
        "ticket_pkey",
        "ticket_subject",
        "participant_pkey",
        "mac_failure_at",
    ],
}

"""Absences in the store: which are not over, what prolongs one, what ends them, and what has begun."""

from __future__ import annotations

from datetime import date, timedelta

from mailproc.model.absence import FOREVER, AgentAbsence, Origin
from mailproc.store.protocol import Store, Transaction

TODAY = date(2026, 11, 22)
DAY = timedelta(1)


def put(tx: Transaction, first: int, last: int | None, agent: str = "alice") -> None:
    """Days are counted from today."""
    end = FOREVER if last is None else TODAY + last * DAY
    tx.absences.put(AgentAbsence(agent, TODAY + first * DAY, end, Origin.COMMAND), 1.0)


def known(tx: Transaction) -> list[tuple[str, date, date]]:
    return [(each.agent, each.first, each.last) for each in tx.absences.until_or_after(TODAY)]


async def test_what_is_over_is_not_listed(store: Store) -> None:
    def work(tx: Transaction) -> None:
        put(tx, -9, -1)
        put(tx, -5, 0)
        put(tx, 3, None, "bob")
        assert known(tx) == [("alice", TODAY - 5 * DAY, TODAY), ("bob", TODAY + 3 * DAY, FOREVER)]

    await store.write(work)


async def test_the_same_first_day_told_again_replaces_it(store: Store) -> None:
    def work(tx: Transaction) -> None:
        put(tx, 0, None)
        put(tx, 0, 2)
        assert known(tx) == [("alice", TODAY, TODAY + 2 * DAY)]

    await store.write(work)


async def test_only_a_running_absence_of_the_same_origin_is_prolonged_and_never_shortened(
    store: Store,
) -> None:
    def work(tx: Transaction) -> None:
        put(tx, 0, 5)
        assert not tx.absences.prolong("alice", Origin.NOTICE, TODAY, TODAY + DAY)
        assert tx.absences.prolong("alice", Origin.COMMAND, TODAY, TODAY + DAY)
        assert known(tx) == [("alice", TODAY, TODAY + 5 * DAY)]
        assert tx.absences.prolong("alice", Origin.COMMAND, TODAY, TODAY + 9 * DAY)
        assert known(tx) == [("alice", TODAY, TODAY + 9 * DAY)]

    await store.write(work)


async def test_what_is_taken_back_leaves_the_days_that_were(store: Store) -> None:
    def work(tx: Transaction) -> None:
        put(tx, -3, None)
        put(tx, 4, 5)
        put(tx, 0, 1, "bob")
        assert tx.absences.end("alice", TODAY, TODAY - DAY) == 2
        assert known(tx) == [("bob", TODAY, TODAY + DAY)]
        assert tx.absences.until_or_after(TODAY - DAY)[0].last == TODAY - DAY

    await store.write(work)


async def test_an_absence_begins_once(store: Store) -> None:
    def work(tx: Transaction) -> None:
        assert [tx.absences.set_away("alice", "support", 1.0) for _ in range(2)] == [True, False]
        assert tx.absences.away() == {("alice", "support")}
        tx.absences.set_here("alice", "support")
        assert tx.absences.away() == set()

    await store.write(work)

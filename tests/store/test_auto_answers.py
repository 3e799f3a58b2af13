"""Automatic answers are counted by ticket, recipient, domain and in total, within a window."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore, open_sqlite

NOW = 1_795_000_000.0
DAY = 86_400.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_sqlite(tmp_path / "mailproc.db")
    yield opened
    await opened.close()


def fill(tx: Transaction) -> None:
    for ticket, address, vouched, at in [
        (1, "ann@example.com", True, NOW - DAY - 1),
        (2, "ann@example.com", False, NOW - DAY + 1),
        (3, "bob@example.com", True, NOW - 10),
        (3, "bob@example.net", False, NOW),
        (4, "bob@example.net", False, NOW + 365 * DAY),  # a clock that was wrong
    ]:
        tx.auto_answers.add("support", ticket, address, address.partition("@")[2], vouched, at)


async def test_an_empty_store_counts_nothing(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        answers = tx.auto_answers
        assert answers.at_most(DAY, NOW) == answers.total(DAY, NOW) == answers.of_ticket(1) == 0
        assert answers.newest(NOW) is None

    await store.read(work)


async def test_each_limit_counts_its_own_within_the_window(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        fill(tx)
        answers = tx.auto_answers
        assert answers.total(DAY, NOW) == 3
        assert answers.unvouched(DAY, NOW) == 2
        assert answers.to_recipient("ann@example.com", DAY, NOW) == 1
        assert answers.to_domain("example.com", DAY, NOW) == 2
        assert answers.of_ticket(3) == 2
        assert answers.newest(NOW) == NOW

    await store.write(work)


async def test_the_cheap_bound_is_never_below_the_count(store: SqliteStore) -> None:
    def work(tx: Transaction) -> None:
        fill(tx)
        for window in (1.0, 60.0, DAY, 2 * DAY):
            assert tx.auto_answers.at_most(window, NOW) >= tx.auto_answers.total(window, NOW)

    await store.write(work)

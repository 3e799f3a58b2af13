"""Automatic answers are counted by ticket, recipient, domain and in total, within a window."""

from __future__ import annotations

from mailproc.store.auto_answers import DAY, HOUR, SentUntilNow
from mailproc.store.protocol import Store, Transaction

NOW = 1_795_000_000.0


def fill(tx: Transaction) -> None:
    for ticket, address, vouched, at in [
        (1, "ann@example.com", True, NOW - DAY - 1),
        (2, "ann@example.com", False, NOW - DAY + 1),
        (3, "bob@example.com", True, NOW - 10),
        (3, "bob@example.net", False, NOW),
        (4, "bob@example.net", False, NOW + 365 * DAY),  # a clock that was wrong
    ]:
        tx.auto_answers.add("support", ticket, address, address.partition("@")[2], vouched, at)


async def test_an_empty_store_counts_nothing(store: Store) -> None:
    def work(tx: Transaction) -> None:
        assert tx.auto_answers.total(DAY, NOW) == 0
        assert tx.auto_answers.until_now(1, NOW) == SentUntilNow(0, None, 0, 0)

    await store.read(work)


async def test_each_limit_counts_its_own_within_the_window(store: Store) -> None:
    def work(tx: Transaction) -> None:
        fill(tx)
        answers = tx.auto_answers
        assert answers.total(DAY, NOW) == 3
        assert answers.unvouched(DAY, NOW) == 2
        assert answers.to_recipient("ann@example.com", DAY, NOW) == 1
        assert answers.to_domain("example.com", DAY, NOW) == 2
        assert answers.until_now(3, NOW).to_ticket == 2
        assert answers.until_now(3, NOW).newest == NOW

    await store.write(work)


async def test_the_cheap_bounds_are_never_below_the_counts(store: Store) -> None:
    def work(tx: Transaction) -> None:
        fill(tx)
        for now in (NOW, NOW + 1, NOW + DAY - 1, NOW + 2 * DAY):
            sent = tx.auto_answers.until_now(1, now)
            assert sent.within_hour >= tx.auto_answers.total(HOUR, now)
            assert sent.within_day >= tx.auto_answers.total(DAY, now)
            if sent.newest is not None and now - sent.newest < HOUR:
                assert sent.within_day >= tx.auto_answers.total(DAY, sent.newest)

    await store.write(work)

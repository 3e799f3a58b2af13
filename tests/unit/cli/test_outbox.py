"""mailproc outbox: list, retry, drop."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from mailproc.cli import main
from mailproc.model.outbox import RELAYED, Fate, NewItem, OutboxKind, RecipientResult
from mailproc.model.reply import Reply
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import open_sqlite

T = TypeVar("T")
NOW = 1_790_000_000.0
CONFIG = """
hostname = "mail.example.org"
data_dir = "."
store.url = "sqlite:mail.db"
[desk.support]
addresses = ["support@example.org"]
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "mailproc.toml").write_text(CONFIG)
    return tmp_path / "mail.db"


def on(database: Path, work: Callable[[Transaction], T]) -> T:
    async def run() -> T:
        store = open_sqlite(database)
        try:
            return await store.write(work)
        finally:
            await store.close()

    return asyncio.run(run())


def add(
    database: Path, key: str, *, held: bool = False, recipients: tuple[str, ...] = ("ann@example.com",)
) -> None:
    item = NewItem(key, OutboxKind.REPLY, "support", "", recipients, b"", NOW, ticket=7, message=3, held=held)
    on(database, lambda tx: tx.outbox.add(item))


def make_ticket(database: Path) -> None:
    open_sqlite(database)
    with closing(sqlite3.connect(database)) as raw:
        raw.execute(
            """
            INSERT INTO ticket (id, number, desk, subject, subject_key, state, opened, updated)
            VALUES (7, '2026112100017', 'support', 'x', 'x', 'answered', 0, 0)
            """
        )
        raw.execute(
            """
            INSERT INTO message (id, ticket, desk, sha256, direction, sender, recipients, subject, message_id,
                                 size, automatic, status, at)
            VALUES (3, 7, 'support', x'00', 'out', '', '[]', '', '', 0, 'none', 'waiting', 0)
            """
        )
        raw.commit()


def record(database: Path, *results: tuple[str, Fate]) -> None:
    def work(tx: Transaction) -> None:
        (item,) = tx.outbox.claim_due(NOW, NOW + 1, 1, RELAYED)
        replies = [RecipientResult(address, fate, Reply(550, "5.1.1", "no")) for address, fate in results]
        tx.outbox.record(item, replies, now=NOW, due=NOW + 60)

    on(database, work)


def mailproc(database: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(database.with_name("mailproc.toml")), "outbox", *words])


def listed(database: Path, *words: str) -> list[dict[str, object]]:
    result = mailproc(database, "list", "--json", *words)
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def events(database: Path) -> list[tuple[str, str]]:
    found = on(database, lambda tx: tx.history.events(7))
    return [(event.what, event.detail) for event in found]


def status_of_the_answer(database: Path) -> str:
    message = on(database, lambda tx: tx.tickets.message(3))
    assert message is not None
    return message.status.value


def test_list_shows_each_item_with_its_recipients(database: Path) -> None:
    make_ticket(database)
    add(database, "reply:1", recipients=("ann@example.com", "bob@example.com"))
    record(database, ("ann@example.com", Fate.ACCEPTED), ("bob@example.com", Fate.REFUSED))
    assert listed(database) == [
        {
            "id": 1,
            "kind": "reply",
            "state": "failed",
            "desk": "support",
            "ticket": "2026112100017",
            "recipients": [
                {"recipient": "ann@example.com", "state": "sent", "reply": "550 5.1.1 no"},
                {"recipient": "bob@example.com", "state": "failed", "reply": "550 5.1.1 no"},
            ],
            "attempts": 1,
            "created": "2026-09-21T14:13:20Z",
            "due": None,
            "problem": "550 5.1.1 no",
        }
    ]
    assert "2026112100017" in mailproc(database, "list").stdout
    assert "bob@example.com" in mailproc(database, "list").stdout


def test_list_can_be_asked_for_one_state(database: Path) -> None:
    add(database, "waits")
    add(database, "held", held=True)
    assert [item["id"] for item in listed(database)] == [1, 2]
    assert [item["id"] for item in listed(database, "--state", "held")] == [2]
    assert listed(database, "--state", "sent") == []
    assert mailproc(database, "list", "--state", "nonsense").exit_code == 2


def test_retry_makes_a_failed_item_due_and_leaves_an_event(database: Path) -> None:
    make_ticket(database)
    add(database, "reply:1", recipients=("ann@example.com", "bob@example.com"))
    record(database, ("ann@example.com", Fate.ACCEPTED), ("bob@example.com", Fate.REFUSED))
    assert mailproc(database, "retry", "1").exit_code == 0
    assert [item["state"] for item in listed(database)] == ["waiting"]
    assert events(database) == [("outbox_retried", "reply to bob@example.com")]
    assert status_of_the_answer(database) == "waiting"


def test_drop_takes_an_item_out_and_leaves_an_event(database: Path) -> None:
    make_ticket(database)
    add(database, "reply:1")
    assert mailproc(database, "drop", "1").exit_code == 0
    assert listed(database) == []
    assert events(database)[0] == ("outbox_dropped", "reply to ann@example.com")
    assert [what for what, _ in events(database)] == ["outbox_dropped", "reopened"]
    assert status_of_the_answer(database) == "failed"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("retry", "1"), "is held until an agent decides"),
        (("retry", "4711"), "no item 4711 in the outbox"),
        (("drop", "4711"), "no item 4711 in the outbox"),
    ],
)
def test_refusal_says_why_and_ends_with_status_1(database: Path, words: tuple[str, ...], why: str) -> None:
    make_ticket(database)
    add(database, "reply:1", held=True)
    result = mailproc(database, *words)
    assert result.exit_code == 1
    assert why in result.stderr
    assert events(database) == []


def test_dropped_item_is_neither_dropped_nor_tried_again(database: Path) -> None:
    make_ticket(database)
    add(database, "reply:1")
    mailproc(database, "drop", "1")
    for verb in ("drop", "retry"):
        result = mailproc(database, verb, "1")
        assert (result.exit_code, "is dropped" in result.stderr) == (1, True)

"""mailproc ticket claim: what becomes of a claim that comes too late."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailproc.cli import main
from mailproc.model.ticket import State
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import open_sqlite
from mailproc.store.tickets import NewTicket

CONFIG = """
hostname = "mail.example.org"
data_dir = "."
[desk.support]
addresses = ["support@example.org"]
agents = ["alice", "bob"]
[agent.alice]
[agent.bob]
"""
TICKET = NewTicket(
    number="7",
    desk="support",
    subject="Printer",
    subject_key="printer",
    state=State.NEW,
    owner="",
    customer="carla@customer.example",
    opened=1_792_000_000.0,
    topic="",
    language="",
    spam=0.5,
)


def open_ticket(tx: Transaction) -> None:
    ticket = tx.tickets.open(TICKET)
    tx.history.add_event(ticket, "opened", TICKET.customer, "", TICKET.opened, State.NEW)


async def prepare(database: Path) -> None:
    store = open_sqlite(database)
    try:
        await store.write(open_ticket)
    finally:
        await store.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "mailproc.toml"
    path.write_text(CONFIG)
    asyncio.run(prepare(tmp_path / "mailproc.db"))
    return path


def ticket(site: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(site), "ticket", *arguments])


def test_a_claim_that_is_lost_is_refused_and_written_down(site: Path) -> None:
    assert ticket(site, "claim", "7", "--as", "alice").exit_code == 0
    late = ticket(site, "claim", "7", "--as", "bob")
    assert (late.exit_code, late.stderr) == (1, "mailproc: ticket 7 is held by alice\n")
    shown = json.loads(ticket(site, "show", "7", "--json").stdout)
    assert shown["owner"] == "alice"
    lost = [event for event in shown["events"] if event["what"] == "claim_lost"]
    assert [(event["who"], event["detail"]) for event in lost] == [("bob", "held by alice")]

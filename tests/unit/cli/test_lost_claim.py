"""mailproc ticket claim: what becomes of a claim that comes too late."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from mailproc.model.ticket import State
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import open_sqlite
from tests.rig.tickets import new_ticket
from tests.unit.cli.command import Command, MakeCommand

CONFIG = """
hostname = "mail.example.org"
data_dir = "."
[desk.support]
addresses = ["support@example.org"]
agents = ["alice", "bob"]
[agent.alice]
[agent.bob]
"""

TICKET = new_ticket("7", 1_792_000_000.0)


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
def ticket(make_command: MakeCommand, tmp_path: Path) -> Command:
    asyncio.run(prepare(tmp_path / "mailproc.db"))
    return make_command(CONFIG, "ticket")


def test_a_claim_that_is_lost_is_refused_and_written_down(ticket: Command) -> None:
    assert ticket("claim", "7", "--as", "alice").exit_code == 0
    late = ticket("claim", "7", "--as", "bob")
    assert (late.exit_code, late.stderr) == (1, "mailproc: ticket 7 is held by alice\n")
    shown = json.loads(ticket("show", "7", "--json").stdout)
    assert shown["owner"] == "alice"
    lost = [event for event in shown["events"] if event["what"] == "claim_lost"]
    assert [(event["who"], event["detail"]) for event in lost] == [("bob", "held by alice")]

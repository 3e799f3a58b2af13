"""What sources said of a ticket's author: kept as events, for the templates of answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mailproc.model.ticket import Event, Ticket
from mailproc.store.protocol import Transaction

if TYPE_CHECKING:  # commands that read notes need not wait for Jinja2
    from mailproc.pipeline.delivery import StageResult
    from mailproc.pipeline.template import Value

KNOWN = "known"
NOTED = "noted"


def keep_known(tx: Transaction, ticket: Ticket, result: StageResult, now: float) -> None:
    """Keep the values that a stage published."""
    tx.history.add_event(ticket, KNOWN, result.stage, json.dumps(result.known, ensure_ascii=False), now)


def notes_of(events: Iterable[Event]) -> dict[str, Value]:
    """What stages noted about a ticket's mails and what sources said, the newest of each name."""
    notes: dict[str, Value] = {}
    for event in events:
        if event.what == KNOWN:
            notes |= json.loads(event.detail)
        elif event.what == NOTED:
            name, _, text = event.detail.partition(": ")
            notes[name] = text
    return notes

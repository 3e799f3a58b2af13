"""Lay a ticket's mail on top of its folder again, flagged, with a header note that says why."""

from __future__ import annotations

from collections.abc import Sequence

from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Transaction

NOTE = "X-Mailproc-Note"


def lay_again(
    tx: Transaction, ticket: Ticket, note: str, now: float, *, more: Sequence[tuple[str, str]] = ()
) -> None:
    """The newest mail that came to the ticket is its folder's newest; the copy that lay there goes.

    ``more`` are further header fields of the new copy.  Nothing where no mail ever came to it.
    """
    newest = tx.tickets.newest_received(ticket.id)
    if newest is not None:
        tx.folders.lay_again(newest.id, ((NOTE, note), *more), now)
        tx.folders.show_again(ticket.id, ticket.desk)

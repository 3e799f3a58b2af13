"""What an operator may do with an item of the outbox: try it again, or drop it.

Both leave an event on the item's ticket and let the status of the answer follow; Refused says why not.
"""

from __future__ import annotations

from mailproc.desk.change import Refused
from mailproc.model.outbox import OutboxItem, OutboxState
from mailproc.model.ticket import MessageStatus
from mailproc.store.protocol import Transaction

_WHO = "operator"


def retry(tx: Transaction, item_id: int, *, now: float) -> None:
    """Make a waiting or failed item due now, for the recipients it did not reach."""
    item = _item(tx, item_id)
    if not tx.outbox.retry(item_id, now):
        raise Refused(_why_not(item, now))
    _note(tx, item, "outbox_retried", MessageStatus.WAITING, now)


def drop(tx: Transaction, item_id: int, *, now: float) -> None:
    """Take an item out for good; a mail that is under way just now may still arrive."""
    item = _item(tx, item_id)
    if not tx.outbox.drop(item_id):
        raise Refused(_why_not(item, now))
    _note(tx, item, "outbox_dropped", MessageStatus.FAILED, now)


def _item(tx: Transaction, item_id: int) -> OutboxItem:
    item = tx.outbox.get(item_id)
    if item is None:
        raise Refused(f"no item {item_id} in the outbox")
    return item


def _why_not(item: OutboxItem, now: float) -> str:
    if item.state is OutboxState.WAITING and item.lease > now:
        return f"outbox item {item.id} is being sent just now"
    if item.state is OutboxState.HELD:
        return f"outbox item {item.id} is held until an agent decides"
    return f"outbox item {item.id} is {item.state.value}"


def _note(tx: Transaction, item: OutboxItem, what: str, status: MessageStatus, now: float) -> None:
    if item.ticket is None:
        return
    recipients = ", ".join(
        recipient.address for recipient in item.recipients if recipient.state is not OutboxState.SENT
    )
    ticket = tx.tickets.get(item.ticket)
    tx.history.add_event(ticket, what, _WHO, f"{item.kind.value} to {recipients}", now)
    if item.message is not None:
        tx.tickets.set_message_status(item.message, status)

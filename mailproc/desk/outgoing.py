"""What an operator may do with an item of the outbox: try it again, or drop it.

Both leave an event on the item's ticket and let the status of the answer follow; Refused says why not.  A
held answer is sent nevertheless, or given up, as if its author had said so.
"""

from __future__ import annotations

from mailproc.desk import held
from mailproc.desk.change import Refused, follow_merges
from mailproc.desk.departure import unanswer
from mailproc.desk.site import Site
from mailproc.model.outbox import OutboxItem, OutboxKind, OutboxState
from mailproc.model.ticket import MessageStatus
from mailproc.store.protocol import Transaction

_WHO = "operator"


def retry(tx: Transaction, site: Site, item_id: int, *, now: float) -> None:
    """Make a waiting or failed item due now, for the recipients it did not reach; send a held answer."""
    item = _item(tx, item_id)
    message = _held_answer(tx, item)
    if message is not None:
        held.release(tx, site, message, who=_WHO, now=now)
    elif tx.outbox.retry(item_id, now):
        _note_retry(tx, item, now)
    else:
        raise Refused(_why_not(item, now))


def drop(tx: Transaction, item_id: int, *, now: float) -> None:
    """Take an item out for good; a mail that is under way just now may still arrive."""
    item = _item(tx, item_id)
    message = _held_answer(tx, item)
    if message is not None:
        held.drop(tx, message, who=_WHO, now=now)
    elif tx.outbox.drop(item_id):
        _note_drop(tx, item, now)
    else:
        raise Refused(_why_not(item, now))


def _item(tx: Transaction, item_id: int) -> OutboxItem:
    item = tx.outbox.get(item_id)
    if item is None:
        raise Refused(f"no item {item_id} in the outbox")
    return item


def _held_answer(tx: Transaction, item: OutboxItem) -> int | None:
    """The message of an item that waits for somebody's decision."""
    is_held = item.state is OutboxState.HELD and item.message is not None
    return item.message if is_held and tx.holds.get(item.message or 0) else None


def _why_not(item: OutboxItem, now: float) -> str:
    if item.state is OutboxState.WAITING and item.lease > now:
        return f"outbox item {item.id} is being sent just now"
    if item.state is OutboxState.HELD:
        return f"outbox item {item.id} is held until an agent decides"
    return f"outbox item {item.id} is {item.state.value}"


def _note_retry(tx: Transaction, item: OutboxItem, now: float) -> None:
    if item.ticket is None:
        return
    tx.history.add_event(tx.tickets.get(item.ticket), "outbox_retried", _WHO, _detail(item), now)
    if item.message is not None:
        tx.tickets.set_message_status(item.message, MessageStatus.WAITING)


def _note_drop(tx: Transaction, item: OutboxItem, now: float) -> None:
    if item.ticket is None:
        return
    ticket = tx.tickets.get(item.ticket)
    tx.history.add_event(ticket, "outbox_dropped", _WHO, _detail(item), now)
    message = tx.tickets.message(item.message) if item.message is not None else None
    if message is not None and item.kind is OutboxKind.REPLY:
        unanswer(tx, follow_merges(tx, ticket), message, who=_WHO, now=now)


def _detail(item: OutboxItem) -> str:
    missed = (each.address for each in item.recipients if each.state is not OutboxState.SENT)
    return f"{item.kind.value} to {', '.join(missed)}"

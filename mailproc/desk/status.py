"""The accounting identity: what was accepted is the sum of what became of it."""

from __future__ import annotations

from mailproc.model.ticket import Outcome
from mailproc.store.originals import MovingRule
from mailproc.store.protocol import Transaction


def bucket_counts(tx: Transaction, rule: MovingRule | None, now: float) -> dict[str, int]:
    """How many originals lie in the bucket, and how many are to be moved there."""
    moved, _ = tx.originals.in_bucket()
    return {"waiting": tx.originals.waiting(rule, now) if rule else 0, "moved": moved}


def status(tx: Transaction) -> dict[str, object]:
    """Counts over the whole store, read in one transaction."""
    outcomes = {outcome.value: count for outcome, count in tx.deliveries.counts().items()}
    ordered = (
        Outcome.NEW,
        Outcome.FOLLOW_UP,
        Outcome.DUPLICATE,
        Outcome.IGNORED,
        Outcome.QUARANTINED,
        Outcome.WAITING,
    )
    return {
        "accepted": sum(outcomes.values()),
        **{outcome.value: outcomes[outcome.value] for outcome in ordered},
        "outbox": tx.outbox.counts(),
        "tickets": {state.value: count for state, count in tx.tickets.counts().items()},
    }

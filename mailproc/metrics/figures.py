"""The figures of a daemon: from the store, which counts over all time, and from the board of its workers.

What comes from the board begins at zero at each start and reload, as counters of Prometheus may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailproc.board import Board
from mailproc.desk.status import bucket_counts, status
from mailproc.metrics.exposition import Family, Histogram, by, single
from mailproc.metrics.measured import BOUNDS, BUCKETS, LEVELS, REPLIES
from mailproc.model.ticket import Outcome
from mailproc.store.originals import MovingRule
from mailproc.store.protocol import Transaction

_OUTCOMES = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.WAITING)


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store says at one moment: counts as ``mailproc status`` has them; ages in seconds."""

    counts: Mapping[str, Any]
    oldest_delivery: float
    oldest_outbox: float
    leases: Mapping[str, float]  # by name: seconds until it expires
    bucket: Mapping[str, int] = field(default_factory=dict)  # originals, where they are moved


def look(tx: Transaction, now: float, moving: MovingRule | None = None) -> Stored:
    """Read it all in one transaction; ``moving`` says what is moved into the bucket."""
    return Stored(
        status(tx),
        _age(tx.deliveries.oldest_waiting(), now),
        _age(tx.outbox.oldest_waiting(), now),
        {name: expires - now for name, expires in tx.leases.held(now)},
        bucket_counts(tx, moving, now) if moving else {},
    )


def _age(moment: float | None, now: float) -> float:
    return 0.0 if moment is None else max(0.0, now - moment)


def families_of_store(stored: Stored) -> list[Family]:
    """What a look at the store gives."""
    counts = stored.counts
    accepted, waiting = counts["accepted"], counts["waiting"]
    outcomes = {name: counts[name] for name in _OUTCOMES}
    return [
        single("mailproc_deliveries_accepted_total", "counter", "Deliveries answered 250.", accepted),
        Family(
            "mailproc_deliveries_done", "gauge", "Deliveries by what became of them.", by("outcome", outcomes)
        ),
        single("mailproc_deliveries_waiting", "gauge", "Deliveries that wait for the chain.", waiting),
        single(
            "mailproc_deliveries_oldest_seconds",
            "gauge",
            "Age of the oldest delivery that waits for the chain.",
            stored.oldest_delivery,
        ),
        Family("mailproc_outbox", "gauge", "Outgoing mails by state.", by("state", counts["outbox"])),
        single(
            "mailproc_outbox_oldest_seconds",
            "gauge",
            "Age of the oldest outgoing mail that waits.",
            stored.oldest_outbox,
        ),
        Family("mailproc_tickets", "gauge", "Tickets by state.", by("state", counts["tickets"])),
        Family(
            "mailproc_lease_seconds",
            "gauge",
            "Seconds until a lease expires that is not renewed: what one of all workers does.",
            by("lease", stored.leases),
        ),
        *_families_of_bucket(stored.bucket),
    ]


def _families_of_bucket(counts: Mapping[str, int]) -> list[Family]:
    meaning = "Originals in the bucket, and those that wait to be moved there."
    return [Family("mailproc_bucket", "gauge", meaning, by("state", counts))] if counts else []


def families_of_board(board: Board, workers: int) -> list[Family | Histogram]:
    """What the workers counted."""
    total = board.total
    return [
        Histogram(
            "mailproc_intake_seconds",
            "Time from the end of a mail until the reply to it.",
            BOUNDS,
            [total(bucket) for bucket in BUCKETS],
            total("intake_count"),
            total("intake_seconds"),
        ),
        single("mailproc_intake_octets_total", "counter", "Octets of mails.", total("intake_octets")),
        Family(
            "mailproc_intake_replies_total",
            "counter",
            "Replies to mails, one for each recipient.",
            by("code", {kind: total(f"replies_{kind}") for kind in REPLIES}),
        ),
        single("mailproc_connections", "gauge", "Open connections of clients.", total("connections")),
        single("mailproc_store_errors_total", "counter", "Times the store failed.", total("store_errors")),
        Family(
            "mailproc_log_lines_total",
            "counter",
            "Lines of the log.",
            by("level", {level: total(f"log_{level}") for level in LEVELS}),
        ),
        Family(
            "mailproc_imap_watchers",
            "gauge",
            "Watchers of folders and drafts.",
            by("state", {state: total(f"imap_{state}") for state in ("working", "failing")}),
        ),
        single("mailproc_workers", "gauge", "Worker processes.", workers),
        single(
            "mailproc_worker_pulse_seconds",
            "gauge",
            "Since the event loop turned of the worker that was not heard of for the longest time.",
            board.oldest_pulse(),
        ),
    ]


def page(stored: Stored, board: Board, workers: int) -> Sequence[Family | Histogram]:
    """All of it."""
    return [*families_of_store(stored), *families_of_board(board, workers)]

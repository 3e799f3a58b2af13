"""Give a new ticket its number, unique over all desks."""

from __future__ import annotations

import random

from mailproc.model import number
from mailproc.model.desk import Desk, NumberScheme
from mailproc.store.protocol import Transaction


def new_number(tx: Transaction, desk: Desk, now: float, rng: random.Random) -> str:
    """The next number by the desk's scheme; desks with the same scheme share its count.

    A number that another scheme has already given is passed over.
    """
    while True:
        candidate = _next(tx, desk.number, now, rng)
        if not tx.threads.by_numbers([candidate]):
            return candidate


def _next(tx: Transaction, scheme: NumberScheme, now: float, rng: random.Random) -> str:
    if scheme is NumberScheme.RANDOM:
        return number.random_number(rng.random())
    period = number.period(scheme, now)
    return number.numbered(period, tx.threads.next_in_sequence("", period))

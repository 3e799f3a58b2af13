"""A store comes out of a backup that is older than what the customers, the relay and the folder have seen.

Numbers of tickets and rows that were given since are passed over, so that no new mail is taken for one that
was lost; what waited to leave is kept back, because it has left since; what waited for the chain is not
acknowledged again.  A note in the newest ticket tells the agents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailproc.desk.note import add_note
from mailproc.model.desk import NumberScheme
from mailproc.model.moment import shown_moment
from mailproc.model.number import period
from mailproc.store.protocol import Transaction

WHO = "mailproc"
_DAY = 86_400.0
_TOLD = """\
The store was restored from a backup of {moment}.

What came after that is not known here any more.  Its mails lie in Problem, without a ticket; answers that
were sent since lie there, too.  Look there before you answer.
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """How many mails were kept from leaving, and how many from being acknowledged."""

    back: int
    silent: int


def begin_anew(tx: Transaction, now: float) -> Kept:
    """Part of the one transaction after a restore."""
    kept = Kept(tx.restored.keep_back(), tx.restored.acknowledge_nothing())
    newest = tx.restored.newest()
    since = min(newest[1], now) if newest else now
    tx.restored.pass_over_numbers(_days(since, now))
    if newest is not None:
        add_note(tx, tx.tickets.get(newest[0]), _TOLD.format(moment=shown_moment(since)), who=WHO, now=now)
        tx.restored.pass_over_rows()
        tx.restored.count_on()
    return kept


def _days(since: float, now: float) -> Iterator[str]:
    """Every day on which numbers may have been given that nobody here knows of."""
    moment = since
    while moment < now + _DAY:
        yield period(NumberScheme.DATE, moment)
        moment += _DAY

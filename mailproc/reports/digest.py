"""The mail that tells an agent in the morning what is to be done: theirs, due, new, and back today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from mailproc.desk.notice import Notice, give_notice
from mailproc.desk.site import Site
from mailproc.model.desk import Desk
from mailproc.reports.shown import printable
from mailproc.store.figures import AtHand
from mailproc.store.protocol import Transaction

MOST = 20  # tickets of a list
_SUBJECT = 60  # characters
DAY = 86_400.0


def give_digest(
    tx: Transaction, site: Site, agent: str, desks: Sequence[Desk], moment: float, now: float
) -> int:
    """Put an agent's digest of these desks into the outbox; 0 where there is nothing to tell."""
    lists = _lists(tx, agent, desks, now)
    told = {title: tickets for title, tickets in lists.items() if tickets}
    if not told:
        return 0
    today = datetime.fromtimestamp(moment, desks[0].calendar.zone)
    counts = (f"{len(tickets)} {title.partition(',')[0].lower()}" for title, tickets in told.items())
    text = "\n".join(line for title, tickets in told.items() for line in _list(title, tickets, today))
    notice = Notice(
        f"digest:{agent}:{today:%Y-%m-%d}", f"{today:%A}: {', '.join(counts)}", text.strip("\n") + "\n"
    )
    give_notice(tx, site, agent, desks[0], notice, now)
    return 1


def _lists(
    tx: Transaction, agent: str, desks: Sequence[Desk], now: float
) -> dict[str, list[tuple[AtHand, float | None]]]:
    """By title: tickets, and since or until when."""
    names = [desk.name for desk in desks]
    evening = _end_of_day(desks[0], now)
    at_hand = {ticket.id: ticket for ticket in tx.figures.at_hand(names)}
    ours = [ticket for ticket in at_hand.values() if ticket.owner in ("", agent)]
    mine = {ticket.id for ticket in ours}
    due = {each.id: each.due for each in tx.figures.due(names) if each.due < evening and each.id in mine}
    asleep = [
        ticket for ticket in ours if ticket.state == "snoozed" and (ticket.snoozed or evening) < evening
    ]
    return {
        "Due, today or before": [(at_hand[which], moment) for which, moment in due.items()],
        "Yours": [(ticket, ticket.opened) for ticket in ours if ticket.owner and ticket.state == "claimed"],
        "New, nobody has them": [(ticket, ticket.opened) for ticket in ours if ticket.state == "new"],
        "Back today": [(ticket, ticket.snoozed) for ticket in asleep],
    }


def _end_of_day(desk: Desk, now: float) -> float:
    today = datetime.fromtimestamp(now, desk.calendar.zone)
    return now + DAY - (today.hour * 3600 + today.minute * 60 + today.second)


def _list(title: str, tickets: Sequence[tuple[AtHand, float | None]], today: datetime) -> Iterator[str]:
    yield ""
    yield f"{title} ({len(tickets)})"
    for ticket, moment in tickets[:MOST]:
        yield f"  {_when(moment, today):<12}  {ticket.number}  {printable(ticket.subject)[:_SUBJECT]}"
    if len(tickets) > MOST:
        yield f"  and {len(tickets) - MOST} more"


def _when(moment: float | None, today: datetime) -> str:
    if moment is None:
        return ""
    on = datetime.fromtimestamp(moment, today.tzinfo)
    return f"{on:%H:%M}" if on.date() == today.date() else f"{on:%d %b %H:%M}"

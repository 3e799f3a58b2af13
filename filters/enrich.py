"""Add what is known of the author.

No outside source is configured, so the only one is this desk's own store: how often the author wrote and how
many of the author's tickets are open, as the note ``author``, by one look-up.  A first mail adds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mailproc.stage import CONTINUE, AuthorHistory, Delivery, History, LookUps, Stage, Verdict


@dataclass
class Filter(Stage):
    history: bool = True  # note how often the author wrote to this desk before
    _history: History = field(init=False, repr=False)

    async def open(self, look_ups: LookUps) -> None:
        self._history = look_ups.history

    async def process(self, delivery: Delivery) -> Verdict:
        author = delivery.mail.author
        if self.history and author is not None:
            before = await self._history.of(delivery.desk, author.address.key)
            delivery.score("mails", before.mails)
            delivery.score("open_tickets", before.open_tickets)
            if before.mails:
                delivery.note("author", describe(before))
        return CONTINUE


def describe(history: AuthorHistory) -> str:
    """The author in one line: ``12 mails before, 2 tickets open``."""
    mails = "1 mail" if history.mails == 1 else f"{history.mails} mails"
    tickets = {0: "no ticket", 1: "1 ticket"}.get(history.open_tickets, f"{history.open_tickets} tickets")
    return f"{mails} before, {tickets} open"

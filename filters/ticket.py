"""Give the mail a ticket number, or find the ticket that it belongs to.

A mail for which this stage does not run gets no number: it is kept and counted as ``ignored``.  The number
itself is given, and the decision made for good, when the mail is stored; here it is a preview for the stages
that follow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mailproc.stage import (
    CONTINUE,
    Delivery,
    Desk,
    FollowUp,
    LookUps,
    OnError,
    Signals,
    Stage,
    Tickets,
    Verdict,
    read_signals,
)


@dataclass
class Filter(Stage):
    on_error: ClassVar[OnError] = OnError.DEFER  # without it the mail would be filed wrongly
    _tickets: Tickets = field(init=False, repr=False)

    async def open(self, look_ups: LookUps) -> None:
        self._tickets = look_ups.tickets

    async def process(self, delivery: Delivery) -> Verdict:
        delivery.signals = signals = read_signals(
            delivery.mail,
            delivery.envelope,
            delivery.desk,
            authentication=delivery.authentication,
            automatic=delivery.automatic.kind,
            received=delivery.received,
            bounce=delivery.bounce,
        )
        delivery.follow_up = found = await self._preview(delivery.desk, signals)
        delivery.score("follow_up", found.ticket is not None)
        delivery.score("by", found.by)
        return CONTINUE

    async def _preview(self, desk: Desk, signals: Signals) -> FollowUp:
        if not signals.names_something:
            return FollowUp(None)  # an earlier mail may have named this one: that is seen when it is stored
        return await self._tickets.follow_up(desk, signals)

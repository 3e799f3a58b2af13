"""Tickets as tests open them: what is not said is of no interest."""

from __future__ import annotations

from mailproc.model.ticket import State
from mailproc.store.tickets import NewTicket


def new_ticket(
    number: str,
    opened: float,
    *,
    desk: str = "support",
    subject: str = "Printer on fire",
    state: State = State.NEW,
    owner: str = "",
    customer: str = "carla@customer.example",
) -> NewTicket:
    return NewTicket(
        number=number,
        desk=desk,
        subject=subject,
        subject_key=subject.lower(),
        state=state,
        owner=owner,
        customer=customer,
        opened=opened,
        topic="",
        language="en",
        spam=0.1,
    )

"""Which folder shows a ticket: folders are states."""

from __future__ import annotations

from mailproc.model.desk import Desk
from mailproc.model.ticket import State

_NAMES = {
    State.NEW: "New",
    State.ANSWERED: "Answered",
    State.SNOOZED: "Snoozed",
    State.CLOSED: "Closed",
    State.SPAM: "Spam",
    State.PROBLEM: "Problem",
}


def folder_of(desk: Desk, state: State, owner: str) -> str:
    """The folder below the desk's own, ``Support/New`` or ``Support/@alice``."""
    name = f"@{owner}" if state is State.CLAIMED else _NAMES[state]
    return f"{desk.folder or desk.name}/{name}"

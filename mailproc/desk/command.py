"""What the commands of an agent's mail do, and the transcript that tells of it.

Commands run inside the transaction of the mail that brought them, some before the answer is judged
(``run_first``: ``#take``, ``#split``), the others after it (``run_last``).  What cannot be done raises
``CommandRefused`` with the transcript so far; the caller lets it end the transaction, so that nothing of the
mail is done and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mailproc.desk.change import Refused
from mailproc.desk.claim import assign
from mailproc.desk.site import Site
from mailproc.mime.commands import Command, Commands, Verb
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.ticket import Message, Ticket
from mailproc.store.protocol import Transaction

FIRST = frozenset({Verb.TAKE, Verb.SPLIT})


class CommandRefused(Refused):
    """A command cannot be done; ``transcript`` says which, and why."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript.text)
        self.transcript = transcript


@dataclass(slots=True)
class Transcript:
    """What was asked and what became of it, one line each."""

    lines: list[str] = field(default_factory=list)

    def add(self, command: Command, result: str) -> None:
        self.lines.append(f"{command}: {result}")

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Order:
    """Who asks for what, about which mail of a ticket."""

    site: Site
    desk: Desk
    agent: str
    commands: Commands
    new_number: Callable[[Transaction], str]  # for a ticket that is split off
    answered: Message | None = None  # the customer's mail that the agent replies to
    undo: Callable[[Transaction, Ticket], str] | None = (
        None  # stops the agent's last answer; says what it did
    )


def run_first(tx: Transaction, order: Order, ticket: Ticket, transcript: Transcript, now: float) -> Ticket:
    """The commands that decide where an answer belongs; the ticket that it belongs to."""
    return _run(tx, order, ticket, transcript, now, first=True)


def run_last(tx: Transaction, order: Order, ticket: Ticket, transcript: Transcript, now: float) -> Ticket:
    """All other commands, after the answer was put into the outbox; the ticket as it is then."""
    return _run(tx, order, ticket, transcript, now, first=False)


def sends_nothing(commands: Commands) -> bool:
    """Is there nothing for the customer: a note, a question for help, or commands alone?"""
    asks = any(command.verb in (Verb.HELP, Verb.NOTE) for command in commands.lines)
    return bool(commands.lines) and (asks or commands.says_nothing_else)


def command_of(desk: Desk, recipient: Address) -> Command | None:
    """The command in an address ``desk+close@…`` or ``desk+snooze-3d@…``; None where it is none."""
    from mailproc.mime.commands import read_command

    verb, _, argument = (desk.extension_of(recipient) or "").partition("-")
    return read_command(f"#{verb} {argument}") if verb else None


def _run(
    tx: Transaction, order: Order, ticket: Ticket, transcript: Transcript, now: float, *, first: bool
) -> Ticket:
    for command in order.commands.lines:
        if (command.verb in FIRST) is first and command.verb is Verb.TAKE:
            ticket = assign(tx, order.desk, ticket, agent=order.agent, who=order.agent, now=now)
            transcript.add(command, "done")
    return ticket

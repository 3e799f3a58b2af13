"""What the commands of an agent's mail do, and the transcript that tells of it.

Commands run inside the transaction of the mail that brought them: those that say where an answer belongs
before it is judged (``run_first``: take, split, undo), the others when it is in the outbox (``run_last``).
What cannot be done raises ``CommandRefused`` with the transcript so far; the caller lets it end the
transaction, so that nothing of the mail is done and nothing of it is sent.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mailproc.desk.absence import tell_absence
from mailproc.desk.change import Refused
from mailproc.desk.claim import assign
from mailproc.desk.close import close, mark_spam
from mailproc.desk.departure import take_back
from mailproc.desk.merge import merge, split
from mailproc.desk.note import keep_note
from mailproc.desk.number import new_number
from mailproc.desk.site import Site
from mailproc.desk.snooze import snooze
from mailproc.desk.topics import forget_tags, learn_tags
from mailproc.desk.wanted import want_draft
from mailproc.mime.commands import Command, Commands, Verb, read_command
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.mistake import did_you_mean
from mailproc.model.snooze import parse_snooze, shown_end
from mailproc.model.ticket import IllegalMove, Message, Ticket
from mailproc.store.protocol import Transaction

FIRST = frozenset({Verb.TAKE, Verb.SPLIT, Verb.UNDO})

_NUMBER = re.compile(r"\[?(?:t\s?)?#?([0-9]{1,20})(?:-[0-9a-z]{1,16})?\]?", re.IGNORECASE)
_TAG = re.compile(r"-?\w[\w.:/-]{0,63}")
_HELP = """\
#close             the ticket is done
#snooze 3d         it comes back then: 4h, 3d, 2w, tomorrow, monday, 2026-12-01, or: answer
#assign bob        bob works on it from now on
#take              you do, whoever did before
#note              this mail is kept with the ticket and sent to nobody
#tag a b -c        puts tags on it, or takes them off
#spam              it is spam
#merge 17          it becomes part of ticket 17
#split             the mail that you reply to becomes a ticket of its own
#undo              your last answer is stopped, if it has not left
#absent 2026-12-24/2026-12-31   you are away then; alone: from now on, until #absent off
#help              this list

Commands stand at the very top, one a line.  A mail with nothing but commands is sent to nobody."""


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
        shown = f"#{command.verb}" if command.verb is Verb.NOTE else str(command)
        self.lines.append(f"{shown}: {result}")

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
    rng: random.Random  # for the number of a ticket that is split off
    answered: Message | None = None  # the customer's mail that the agent replies to


def run_first(tx: Transaction, order: Order, ticket: Ticket, transcript: Transcript, now: float) -> Ticket:
    """The commands that decide where an answer belongs; the ticket that it belongs to then."""
    return _run(tx, order, ticket, transcript, now, first=True)


def run_last(tx: Transaction, order: Order, ticket: Ticket, transcript: Transcript, now: float) -> Ticket:
    """All other commands, after the answer was put into the outbox; the ticket as it is then."""
    return _run(tx, order, ticket, transcript, now, first=False)


def sends_nothing(commands: Commands) -> bool:
    """Is there nothing for the customer: a note, a question for help, or commands alone?"""
    asks = any(command.verb in (Verb.HELP, Verb.NOTE) for command in commands.lines)
    return bool(commands.lines) and (asks or commands.says_nothing_else)


def command_of(desk: Desk, recipient: Address) -> Command | None:
    """The command in an address ``desk+close@…`` or ``desk+snooze-3d@…``; None where there is none."""
    verb, _, argument = (desk.extension_of(recipient) or "").partition("-")
    return read_command(f"#{verb} {argument}") if verb else None


def with_addressed(commands: Commands, desk: Desk, recipients: Sequence[Address]) -> Commands:
    """The same with the commands that stand in the recipients' addresses."""
    addressed = (command_of(desk, recipient) for recipient in recipients)
    lines = dict.fromkeys((*commands.lines, *filter(None, addressed)))
    return replace(commands, lines=tuple(lines))


def transcript_text(
    ticket: Ticket, transcript: Transcript, *, sent: bool, problems: Sequence[str] = ()
) -> str:
    """What comes back to the agent; ``problems`` are why nothing of the mail was done."""
    lines = [f"Ticket {ticket.number}: {ticket.subject}", ""]
    lines += [*transcript.lines, *problems, ""]
    if problems:
        lines.append(
            "Nothing was done, and nothing was sent.  Mend the first lines and send it again; where they"
        )
        lines.append("are text for the customer, write any other line above them, such as a greeting.")
    else:
        lines.append("Your answer is on its way." if sent else "Nothing was sent to the customer.")
    return "\n".join(lines)


def _run(
    tx: Transaction, order: Order, ticket: Ticket, transcript: Transcript, now: float, *, first: bool
) -> Ticket:
    for command in order.commands.lines:
        if (command.verb in FIRST) is not first:
            continue
        try:
            ticket, result = _DOES[command.verb](tx, order, ticket, command.argument, now)
        except (Refused, IllegalMove, ValueError) as error:
            transcript.add(command, str(error))
            raise CommandRefused(transcript) from None
        transcript.add(command, result)
    return ticket


_Done = tuple[Ticket, str]


def _take(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    if ticket.owner == order.agent:
        return ticket, "it was yours already"
    before = ticket.owner
    ticket = assign(tx, order.desk, ticket, agent=order.agent, who=order.agent, now=now)
    want_draft(tx, order.site, ticket, order.agent, now)
    return ticket, f"yours, no longer {before}'s" if before else "yours"


def _split(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    chosen = order.answered or tx.tickets.newest_received(ticket.id)
    if chosen is None:
        raise Refused("there is no mail of a customer to split off")
    number = new_number(tx, order.desk, now, order.rng)
    new = split(tx, ticket, [chosen.sha256], number, who=order.agent, now=now)
    return new, f"now ticket {new.number}"


def _undo(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    waiting = (tx.tickets.message(row) for row in tx.answers.waiting(ticket.id))
    last = next((one for one in waiting if one is not None and one.agent == order.agent), None)
    if last is None:
        raise Refused("no answer of yours waits to be sent: it has left, or there is none")
    return take_back(tx, ticket, last, who=order.agent, now=now), "your answer was stopped"


def _close(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    return close(tx, ticket, who=order.agent, now=now), "closed"


def _snooze(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    until = parse_snooze(argument, now, order.desk.calendar)
    ticket = snooze(tx, ticket, until=until, who=order.agent, now=now)
    return ticket, shown_end(until, order.desk.calendar)


def _assign(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    agent = _agent(order, argument)
    return assign(tx, order.desk, ticket, agent=agent, who=order.agent, now=now), f"to {agent}"


def _agent(order: Order, text: str) -> str:
    """The login of an agent of the desk by login, name or address; "me" is who asks."""
    wanted = text.casefold().lstrip("@")
    if wanted == "me":
        return order.agent
    for login in order.desk.agents:
        person = order.site.agents.get(login)
        called = {login.casefold(), *({person.title.casefold(), person.address.key} if person else ())}
        if wanted in called:
            return login
    known = ", ".join(order.desk.agents)
    raise Refused(f"no such agent{did_you_mean(wanted, order.desk.agents)}; this desk has {known}")


def _spam(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    if not sends_nothing(order.commands):
        raise Refused("spam gets no answer: leave the text out")
    return mark_spam(tx, ticket, who=order.agent, now=now), "marked as spam"


def _merge(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    match = _NUMBER.fullmatch(argument)
    target = tx.tickets.by_number(match[1]) if match else None
    if target is None or target.desk != order.desk.name:
        raise Refused(f"desk {order.desk.name} has no ticket {argument}")
    merged = merge(tx, ticket, target, who=order.agent, now=now)
    return merged, f"part of ticket {merged.number}"


def _tag(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    words = argument.replace(",", " ").split()
    if wrong := [word for word in words if not _TAG.fullmatch(word)]:
        raise Refused(f"{wrong[0]} is no tag: use letters and digits")
    there = {tag.casefold(): tag for tag in tx.history.tags(ticket.id)}
    said = {word.casefold() for word in words if not word.startswith("-")}
    added = said - there.keys()
    removed = [there[name] for word in words if word[0] == "-" and (name := word[1:].casefold()) in there]
    forget_tags(tx, ticket, removed, who=order.agent, now=now)
    learn_tags(tx, ticket, sorted(said), who=order.agent, now=now)
    tx.history.add_tags(ticket, sorted(added))
    tx.history.remove_tags(ticket, removed)
    tx.tickets.touch(ticket.id, now)
    tx.history.add_event(ticket, "tagged", order.agent, argument, now)
    return ticket, "tags are now: " + (", ".join(tx.history.tags(ticket.id)) or "none")


def _note(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    keep_note(tx, order.site, order.desk, ticket, order.commands.raw_without, who=order.agent, now=now)
    return ticket, "kept with the ticket"


def _absent(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    done = tell_absence(tx, order.site, order.agent, argument, now=now)
    return tx.tickets.get(ticket.id), done


def _help(tx: Transaction, order: Order, ticket: Ticket, argument: str, now: float) -> _Done:
    return ticket, f"\n\n{_HELP}\n"


_DOES: dict[Verb, Callable[[Transaction, Order, Ticket, str, float], _Done]] = {
    Verb.TAKE: _take,
    Verb.SPLIT: _split,
    Verb.UNDO: _undo,
    Verb.CLOSE: _close,
    Verb.SNOOZE: _snooze,
    Verb.ASSIGN: _assign,
    Verb.SPAM: _spam,
    Verb.MERGE: _merge,
    Verb.TAG: _tag,
    Verb.NOTE: _note,
    Verb.ABSENT: _absent,
    Verb.HELP: _help,
}

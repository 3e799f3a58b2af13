"""What the recipients of an agent's mail say: a ticket, a held answer, a command, a desk, or other people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.desk.command import command_of
from mailproc.desk.site import Site
from mailproc.mime.commands import Command
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.follow_up import Carrier
from mailproc.model.mac import read_address
from mailproc.model.reply import MailError, Reply

NOT_YOUR_DESK = Reply(550, "5.7.1", "You are no agent of that desk")
NO_SUCH_COMMAND = Reply(550, "5.1.1", "No such address of this desk: neither a ticket's nor a command")
BAD_MAC = Reply(550, "5.7.1", "That is not the address of a ticket, or it was changed")


@dataclass(frozen=True, slots=True)
class Addressee:
    """One recipient.  ``desk`` is None for somebody who is no desk; at most one of the others is set."""

    address: Address
    desk: Desk | None = None
    number: str = ""  # of the ticket whose reply address this is, its MAC ours
    held: int | None = None  # the message of a held answer
    command: Command | None = None

    @property
    def is_plain_desk(self) -> bool:
        return self.desk is not None and not (self.number or self.held or self.command)


@dataclass(frozen=True, slots=True)
class Addressing:
    """All recipients of a mail."""

    all: tuple[Addressee, ...]

    @property
    def others(self) -> tuple[Address, ...]:
        """The people among them, each once."""
        people = {each.address.key: each.address for each in self.all if each.desk is None}
        return tuple(people.values())

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.number for each in self.all if each.number))

    @property
    def commands(self) -> tuple[Command, ...]:
        return tuple(each.command for each in self.all if each.command)

    @property
    def held(self) -> int | None:
        return next((each.held for each in self.all if each.held is not None), None)

    @property
    def plain_desk(self) -> Desk | None:
        """The desk whose own address is among them."""
        return next((each.desk for each in self.all if each.is_plain_desk), None)

    @property
    def asks_the_desk(self) -> bool:
        """Is it to a ticket's or a desk's address, so that the ticket's customer is meant?"""
        return bool(self.numbers) or self.plain_desk is not None


def read_addressing(site: Site, agent: str, recipients: Sequence[Address]) -> Addressing:
    """What the recipients say; MailError where one of them is of no use to the agent."""
    return Addressing(tuple(read_addressee(site, agent, each) for each in recipients))


def read_addressee(site: Site, agent: str, recipient: Address) -> Addressee:
    """What one recipient says; MailError with the refusal where it is of no use to the agent."""
    desk = site.desk_of(recipient)
    if desk is None:
        return Addressee(recipient)
    if agent not in desk.agents:
        raise MailError(NOT_YOUR_DESK)
    extension = desk.extension_of(recipient)
    if not extension:
        return Addressee(recipient, desk)
    return _read_extension(site, desk, recipient, extension)


def _read_extension(site: Site, desk: Desk, recipient: Address, extension: str) -> Addressee:
    token = read_address(desk, recipient)
    if token is not None:
        if token.carrier is not Carrier.REPLY_ADDRESS or not site.keyring.verifies(token):
            raise MailError(BAD_MAC)
        return Addressee(recipient, desk, number=token.number)
    held = site.keyring.read_held(extension)
    if held is not None:
        return Addressee(recipient, desk, held=held)
    command = command_of(desk, recipient)
    if command is None:
        raise MailError(NO_SUCH_COMMAND)
    return Addressee(recipient, desk, command=command)

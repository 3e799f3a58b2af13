"""To whom an agent's mail goes: the desk's own addresses stand for the customer, and no stranger gets it."""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.desk.addressing import Addressing
from mailproc.desk.site import Agent, Site
from mailproc.mime.reader import Mail
from mailproc.model.address import Address, Mailbox
from mailproc.model.reply import MailError, Reply

NO_CUSTOMER = Reply(550, "5.1.3", "The ticket has no customer with an address: write whom it is to")
NOBODY = Reply(550, "5.1.3", "The mail is to nobody but us")


@dataclass(frozen=True, slots=True)
class Route:
    """Whom the header names and whom the envelope serves; who is in the latter alone is in Bcc."""

    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    recipients: tuple[Address, ...]
    is_answer: bool  # the customer is among them


def route(site: Site, agent: Agent, addressing: Addressing, mail: Mail, customer: Mailbox | None) -> Route:
    """Where a mail about a ticket goes; MailError where that is nobody."""
    if addressing.asks_the_desk and customer is None:
        raise MailError(NO_CUSTOMER)
    replaced = (customer,) if addressing.asks_the_desk and customer else ()
    to = _each_once((*replaced, *_people(site, agent, mail.to)))
    cc = _each_once(_people(site, agent, mail.cc))
    named = {each.address.key: each.address for each in replaced}
    named |= {each.key: each for each in addressing.others if not _is_ours(site, agent, each)}
    if not named:
        raise MailError(NOBODY)
    is_answer = customer is not None and customer.address.key in named
    return Route(to or cc, cc if to else (), tuple(named.values()), is_answer)


def strangers(site: Site, people: frozenset[str], recipients: tuple[Address, ...]) -> tuple[Address, ...]:
    """The recipients who are neither among these people nor agents."""
    return tuple(each for each in recipients if each.key not in people | site.agent_addresses)


def refuse_strangers(unknown: tuple[Address, ...]) -> MailError:
    """The refusal of a mail to people who take no part."""
    listed = ", ".join(str(each) for each in unknown[:3] if str(each).isascii()) or "somebody"
    return MailError(Reply(550, "5.7.1", f"You may not write to {listed[:300]}, who takes no part"))


def _people(site: Site, agent: Agent, mailboxes: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
    return tuple(each for each in mailboxes if not _is_ours(site, agent, each.address))


def _is_ours(site: Site, agent: Agent, address: Address) -> bool:
    """A desk's, in any form, or the author's own: the customer is to see neither, the team has its copy."""
    return site.desk_of(address) is not None or address in agent.addresses


def _each_once(mailboxes: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
    return tuple({each.address.key: each for each in reversed(mailboxes)}.values())[::-1]

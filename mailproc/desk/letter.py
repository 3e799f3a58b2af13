"""What a desk puts around an agent's text: From, salutation, signature, and the values of its templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailproc.desk.site import Agent, Site
from mailproc.mime.rewrite import from_header
from mailproc.model.address import Address, Mailbox
from mailproc.model.desk import Desk
from mailproc.model.ticket import Ticket
from mailproc.pipeline.canned import NotExpanded
from mailproc.pipeline.template import Value, compile_template

MAX_NAME = 200  # characters of a name in From


@dataclass(frozen=True, slots=True)
class Letter:
    """What surrounds an answer; "" for nothing."""

    sender: str  # the whole value of From
    salutation: str
    signature: str


def letter_values(
    site: Site,
    desk: Desk,
    agent: Agent,
    ticket: Ticket,
    customer: Mailbox,
    notes: Mapping[str, Value],
) -> dict[str, Value]:
    """What a desk's templates and its standard answers may say.  ``notes`` are those of the enrichment."""
    return {
        "address": str(desk.address),
        "agent": agent.title,
        "customer": {"name": customer.name, "address": str(customer.address)},
        "desk": desk.title,
        "language": ticket.language or desk.language,
        "login": agent.name,
        "notes": dict(notes),
        "number": ticket.number,
        "subject": ticket.subject,
        "tag": site.keyring.tag(ticket.number),
        "topic": ticket.topic,
    }


def letter(desk: Desk, values: Mapping[str, Value], address: Address | None = None) -> Letter:
    """The letter of a desk for one answer, from its first address or another one.

    NotExpanded where a template asks for what there is not.
    """
    try:
        name = compile_template(desk.sender).render(values)
        sender = from_header(name[:MAX_NAME], address or desk.address)
        texts = (compile_template(source).render(values) for source in (desk.salutation, desk.signature))
        salutation, signature = (text.strip("\n") for text in texts)
    except ValueError as error:
        raise NotExpanded(f"a template of desk {desk.name} cannot be filled in: {error}") from None
    return Letter(sender, salutation if salutation.strip() else "", signature if signature.strip() else "")

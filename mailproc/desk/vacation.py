"""An agent's own absence notice that comes to a desk by mail: believed only where it proves who sent it.

Nothing from outside acts as an agent.  A notice counts where it answers a notice of ours to that agent, whose
Message-ID has a MAC and is known to nobody else, or where From is authenticated; and never where the sender's
domain disowns it.  Any other leaves an event, and changes nothing.
"""

from __future__ import annotations

from mailproc.desk.absence import heed_notice
from mailproc.desk.close import close
from mailproc.desk.site import Agent, Site
from mailproc.model.judgement import AuthResult, MailClass
from mailproc.model.ticket import Ticket
from mailproc.pipeline.delivery import Delivery
from mailproc.store.protocol import Transaction

WHO = "mailproc"


def heed_vacation(
    tx: Transaction, site: Site, delivery: Delivery, ticket: Ticket, *, is_new: bool, now: float
) -> None:
    """Mark the agent absent until the end of tomorrow; a ticket that the notice opened is closed."""
    agent = _agent_of(site, delivery)
    if agent is None or not agent.heeds_notices or delivery.is_history:
        return
    proof = _proof(site, delivery, agent)
    if not proof:
        detail = f"nothing proves that this absence notice is {agent.name}'s"
        tx.history.add_event(ticket, "absence_not_believed", WHO, detail, now)
        return
    heed_notice(tx, site, agent.name, now=now)
    detail = f"{agent.name} is absent until tomorrow: {proof}"
    tx.history.add_event(ticket, "absence_noticed", WHO, detail, now)
    if is_new:
        close(tx, tx.tickets.get(ticket.id), who=WHO, now=now)


def _agent_of(site: Site, delivery: Delivery) -> Agent | None:
    """Whose notice it says that it is."""
    author = delivery.mail.author
    if delivery.automatic.kind is not MailClass.AUTO_REPLY or author is None:
        return None
    return next((agent for agent in site.agents.values() if author.address in agent.addresses), None)


def _proof(site: Site, delivery: Delivery, agent: Agent) -> str:
    """What proves that the agent's account sent it, "" where nothing does."""
    authentication, mail = delivery.authentication, delivery.mail
    if authentication.failed:
        return ""
    if any(site.keyring.is_notice_to(agent.name, each) for each in (*mail.in_reply_to, *mail.references)):
        return "it answers a notice of ours"
    if authentication.aligned and authentication.dmarc is AuthResult.PASS:
        return "DMARC proves its sender"
    return ""

"""A20: an agent is who logged in; a mail that came in says nothing of that, whatever it proves."""

from __future__ import annotations

import pytest

from mailproc.model.ticket import State, Ticket
from tests.attacks.victim import answered_ticket, answers, now, received
from tests.unit.desk.agents_desk import answers_of, reply_address, what_happened
from tests.unit.desk.office import Office, mail

TEXT = "#close\r\n#assign bob\r\n\r\nSend the money to eve.\r\n"
PROOFS = ("id of ours", "tag", "reply address", "customer's id", "everything")
CLAIMS = ("", "Sender: alice@example.org", "X-Mailproc-Agent: alice", "Resent-From: alice@example.org")


async def spoofed(office: Office, ticket: Ticket, proof: str, claim: str) -> None:
    """A mail in Alice's name, with a real secret of the ticket: as if one had leaked."""
    (ours,) = await answers_of(office, ticket)
    everything = proof == "everything"
    ids = [ours.message_id] if proof == "id of ours" or everything else []
    ids += ["<one@customer.example>"] if proof == "customer's id" or everything else []
    tag = office.site.keyring.tag(ticket.number) if proof == "tag" or everything else ""
    to = reply_address(office, ticket) if proof == "reply address" or everything else "support@example.org"
    extra = [f"In-Reply-To: {' '.join(ids)}"] if ids else []
    raw = mail(
        subject=f"Re: {tag} Printer",
        sender="Alice <alice@example.org>",
        to=to,
        message_id=f"<{len(claim)}@evil.example>",
        extra="\n".join([*extra, claim]),
        text=TEXT,
    )
    await office.receive(raw, sender="alice@example.org", to=[to])


@pytest.mark.parametrize("proof", PROOFS)
async def test_a20_a_mail_in_an_agents_name_is_no_answer_and_no_command(office: Office, proof: str) -> None:
    ticket = await answered_ticket(office)
    before = await office.outgoing()
    for number, claim in enumerate(CLAIMS):
        await spoofed(office, ticket, proof, claim)
        assert await office.outgoing() == before, claim  # nothing leaves: to no customer, to no agent
        assert len(await received(office, ticket)) == number + 2, claim
    assert "newcomer" in await what_happened(office, ticket)  # agents are told that it is nobody they know
    after = await now(office, ticket)
    assert (after.state is State.CLOSED, after.owner) == (False, "alice")
    assert len(await answers(office)) == 1


async def test_a20_agents_see_that_it_came_from_outside(office: Office) -> None:
    ticket = await answered_ticket(office)
    await spoofed(office, ticket, "tag", "")
    tags = await office.store.read(lambda tx: tx.history.tags(ticket.id))
    assert {"own-address", "spoofed"} <= set(tags)


@pytest.mark.parametrize("address", ["support+close@example.org", "support+assign-bob@example.org"])
async def test_a20_command_addresses_command_nothing_from_outside(office: Office, address: str) -> None:
    ticket = await answered_ticket(office)
    before = await office.outgoing()
    raw = mail(
        sender="alice@example.org",
        message_id="<spoof@evil.example>",
        extra="In-Reply-To: <one@customer.example>",
        text="Done.",
    )
    await office.receive(raw, sender="alice@example.org", to=[address])
    after = await now(office, ticket)
    assert (after.state is State.CLOSED, after.owner) == (False, "alice")
    assert await office.outgoing() == before

"""A19: with a stolen password nobody sends mail to strangers, whatever the listener lets through."""

from __future__ import annotations

import pytest

from mailproc.desk.submitted import SubmissionSettings
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.outbox import OutboxKind
from tests.attacks.victim import carlas_ticket
from tests.unit.desk.agents_desk import CARLA, answer, hand_in, reply_address
from tests.unit.desk.office import MakeOffice, Office, desk

STRANGERS = (
    "victim@elsewhere.example",
    "victim%elsewhere.example@example.org",
    "elsewhere.example!victim@example.org",
    '"victim@elsewhere.example"@example.org',
    '"carla@customer.example"@elsewhere.example',
    "carla@customer.example.elsewhere.example",
    "carla+victim@customer.example",
    "support@example.org.elsewhere.example",
    "support+victim=elsewhere.example@example.org",
    "support+1.aaaaaaaaaa@example.org",
    "support+bounce.1.1.aaaaaaaaaa@example.org",
    "support+held.1.aaaaaaaaaa@example.org",
    "nobody@example.org",
    "nobody@[127.0.0.1]",
)


@pytest.mark.parametrize("beside", ["alone", "beside the ticket"])
async def test_a19_no_disguise_of_a_stranger_gets_mail(office: Office, beside: str) -> None:
    ticket = await carlas_ticket(office)
    to = reply_address(office, ticket)
    others = [to] if beside == "beside the ticket" else []
    for number, recipient in enumerate(STRANGERS):
        refusal = await office.submissions.check_recipient("alice", Address.parse(recipient))
        raw = answer(to=to, message_id=f"<{number}@laptop.example>")
        reply = await hand_in(office, "alice", raw, to=[*others, recipient])
        assert refusal is not None, recipient
        assert (refusal.code, reply.code) == (550, 550), recipient
    assert {item.kind for item in await office.outgoing()} == {OutboxKind.ACKNOWLEDGEMENT}


@pytest.mark.parametrize("sender", ["bob@example.org", "sales@example.org", CARLA, "alice@example.org.evil"])
@pytest.mark.parametrize("place", ["envelope", "From"])
async def test_a19_nobody_sends_in_anothers_name(make_office: MakeOffice, sender: str, place: str) -> None:
    """Neither in a colleague's nor in that of a desk he does not work for, even if mail passes through."""
    sales = Address.parse("sales@example.org")
    office = await make_office(
        desk(),
        Desk(name="sales", title="Sales", addresses=(sales,), agents=("bob",)),
        settings=SubmissionSettings(pass_through=True),
    )
    raw = answer(to=CARLA, answers="", sender=sender if place == "From" else "alice@example.org")
    envelope = sender if place == "envelope" else "alice@example.org"
    assert (await hand_in(office, "alice", raw, sender=envelope)).code == 550
    assert await office.outgoing() == []


async def test_a19_who_takes_part_and_nobody_else_would_have_got_it(office: Office) -> None:
    """That the tests above try the right thing."""
    ticket = await carlas_ticket(office)
    assert await office.submissions.check_recipient("alice", Address.parse(CARLA)) is None
    assert (await hand_in(office, "alice", answer(to=CARLA))).code == 250
    (item,) = [item for item in await office.outgoing() if item.kind is OutboxKind.REPLY]
    assert [each.address for each in item.recipients] == [ticket.customer]

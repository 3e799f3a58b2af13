"""A5: whatever answers our automatic answers, their number stays within the caps (RFC 3834)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from mailproc.mime.reader import read
from mailproc.model.address import Address
from mailproc.model.auto_answer import AcknowledgementLimits
from mailproc.model.desk import ClosedReply, Desk, FollowUpPolicy
from tests.unit.desk.agents_desk import answer, hand_in, reply_address
from tests.unit.desk.office import MakeOffice, Office, desk, mail

LIMITS = AcknowledgementLimits(per_domain=5, unvouched=8)
OPTIONS = {"acknowledge": {"per_domain": LIMITS.per_domain, "unvouched": LIMITS.unvouched}}
ROUNDS = 20


def another(name: str, domain: str) -> Desk:
    return Desk(name=name, title=name.title(), addresses=(Address(name, domain),), agents=("alice",))


async def carry(source: Office, target: Office, taken: int, *, as_sender: str = "") -> int:
    """Bring what ``source`` sent since to ``target``; ``as_sender`` fills in for a null envelope sender."""
    outgoing = await source.outgoing()
    for item in outgoing[taken:]:
        content = strip(item.content) if as_sender else item.content
        to = [str(target.desks[0].address)]
        await target.receive(content, sender=item.mail_from or as_sender, to=to)
    return len(outgoing)


def strip(raw: bytes) -> bytes:
    """Nothing left that could tell a machine's mail: another From line, subject and text alone."""
    read_mail = read(raw)
    sender = read_mail.author.address if read_mail.author else ""
    text = read_mail.text.replace("\n", "\r\n")
    return f"From: {sender}\r\nSubject: {read_mail.subject}\r\n\r\n{text}".encode()


@pytest.mark.parametrize("gateway", ["passes it on", "strips it"])
async def test_a05_two_instances_pointed_at_each_other_come_to_rest(
    make_office: MakeOffice, gateway: str
) -> None:
    """A forwards mail of B's to itself and the other way round."""
    ours = await make_office()
    theirs = await make_office(another("service", "other.example"), hostname="mail.other.example")
    strips = gateway == "strips it"
    await ours.receive(mail(sender="service@other.example"), sender="service@other.example")
    counts = [0, 0]
    for _ in range(ROUNDS):
        counts[0] = await carry(ours, theirs, counts[0], as_sender="support@example.org" if strips else "")
        counts[1] = await carry(theirs, ours, counts[1], as_sender="service@other.example" if strips else "")
    assert len(await ours.outgoing()) == 1
    assert len(await theirs.outgoing()) == (LIMITS.unvouched_per_sender if strips else 0)


Names = Callable[[int], str]


@pytest.mark.parametrize(
    ("names", "cap"),
    [
        (lambda number: "robot@bots.example", LIMITS.unvouched_per_sender),
        (lambda number: f"robot{number}@bots.example", LIMITS.per_domain),
        (lambda number: f"robot@bot{number}.example", LIMITS.unvouched),
    ],
    ids=["one address", "one domain", "many domains"],
)
@pytest.mark.parametrize("is_new", [True, False], ids=["new tickets", "the same ticket"])
async def test_a05_a_responder_that_strips_all_headers_gets_no_more_than_the_cap(
    make_office: MakeOffice, names: Names, cap: int, *, is_new: bool
) -> None:
    """It answers each mail of ours, and without being asked, at once and always."""
    office = await make_office(options=OPTIONS)
    for number in range(ROUNDS):
        subject = f"I am out {number}" if is_new else "I am out"
        raw = mail(subject=subject, sender=names(number), message_id=f"<{number}@bots.example>")
        await office.receive(raw, sender=names(number))
    assert len(await office.outgoing()) == cap


@pytest.mark.parametrize("closed", list(ClosedReply))
async def test_a05_a_responder_to_an_agents_answer_gets_nothing_more(
    make_office: MakeOffice, closed: ClosedReply
) -> None:
    """It answers to the ticket's own address, into a ticket that is closed or not."""
    office = await make_office(desk(follow_up=FollowUpPolicy(closed=closed)))
    robot = "robot@bots.example"
    await office.receive(mail(sender=robot), sender=robot)
    (ticket,) = await office.tickets()
    to = reply_address(office, ticket)
    raw = answer(to=to, text="#close\r\n\r\nDone.")
    assert (await hand_in(office, "alice", raw)).code == 250
    before = await customers_mail(office, robot)
    for number in range(ROUNDS):
        raw = mail(subject="I am out", sender=robot, message_id=f"<{number}@bots.example>")
        await office.receive(raw, sender=robot, to=[to])
    assert len(await customers_mail(office, robot)) - len(before) <= 1


async def customers_mail(office: Office, address: str) -> Sequence[object]:
    return [one for one in await office.outgoing() if address in {each.address for each in one.recipients}]

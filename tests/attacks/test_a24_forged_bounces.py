"""A24: a delivery report is believed only about a mail of ours, with its MAC; any other is a mail."""

from __future__ import annotations

import pytest

from mailproc.mime.reader import read
from mailproc.model.ticket import MessageStatus, State, Ticket
from tests.attacks.victim import answered_ticket, now
from tests.unit.desk.agents_desk import answers_of, reply_address, statuses
from tests.unit.desk.office import Office

REPORT = """\
From: MAILER-DAEMON@evil.example\r
To: {to}\r
Subject: Undelivered Mail Returned to Sender\r
Message-ID: <dsn@evil.example>\r
Date: Mon, 21 Sep 2026 15:00:00 +0000\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
Your answer to Carla was refused.  Call +1 555 4711 at once.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; evil.example\r
\r
Final-Recipient: rfc822; carla@customer.example\r
Action: failed\r
Status: 5.1.1\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
From: support@example.org\r
To: carla@customer.example\r
Subject: {subject}\r
Message-ID: {id}\r
\r
--b--\r
"""


async def report(office: Office, *, to: str, message_id: str, subject: str = "Re: Printer on fire") -> None:
    raw = REPORT.format(to=to, id=message_id, subject=subject).encode()
    await office.receive(raw, sender="", to=[to])


def addresses(office: Office, ticket: Ticket, row: int) -> dict[str, str]:
    keyring, desk = office.site.keyring, office.desks[0]
    right = str(keyring.bounce_address(desk, ticket.number, row))
    of_reply = str(keyring.reply_address(desk, ticket.number)).partition("@")[0].rpartition(".")[2]
    return {
        "right": right,
        "plain": "support@example.org",
        "wrong MAC": f"support+bounce.{ticket.number}.{row}.aaaaaaaaaa@example.org",
        "no MAC": f"support+bounce.{ticket.number}.{row}@example.org",
        "MAC of the reply address": f"support+bounce.{ticket.number}.{row}.{of_reply}@example.org",
        "MAC of another mail": str(keyring.bounce_address(desk, ticket.number, row + 1)).replace(
            f".{row + 1}.", f".{row}."
        ),
        "another mail of the ticket": str(keyring.bounce_address(desk, ticket.number, row + 1)),
    }


FORGED_TO = ("plain", "wrong MAC", "no MAC", "MAC of the reply address", "MAC of another mail")


@pytest.mark.parametrize("number", ["in the subject", ""])
@pytest.mark.parametrize("to", [*FORGED_TO, "another mail of the ticket"])
async def test_a24_a_forged_report_changes_nothing_and_is_answered_by_nothing(
    office: Office, to: str, number: str
) -> None:
    ticket = await answered_ticket(office)
    (ours,) = await answers_of(office, ticket)
    before = await office.outgoing()
    forged = f"<{ticket.number}.{ours.id}.aaaaaaaaaa@mail.example.org>"
    subject = f"Re: [T#{ticket.number}] Printer on fire" if number else "x"
    to_address = addresses(office, ticket, ours.id)[to]
    await report(office, to=to_address, message_id=forged, subject=subject)

    assert await statuses(office, ticket) == [MessageStatus.WAITING]
    assert (await now(office, ticket)).state is State.ANSWERED
    assert await office.outgoing() == before


async def test_a24_a_report_of_the_customers_own_mail_changes_nothing(office: Office) -> None:
    ticket = await answered_ticket(office)
    await report(office, to="support@example.org", message_id="<one@customer.example>")
    assert await statuses(office, ticket) == [MessageStatus.WAITING]
    assert (await now(office, ticket)).state is State.ANSWERED


@pytest.mark.parametrize("proof", ["address", "id"])
async def test_a24_the_true_report_would_have_counted(office: Office, proof: str) -> None:
    """That the tests above try the right thing."""
    ticket = await answered_ticket(office)
    (ours,) = await answers_of(office, ticket)
    (content,) = [item.content for item in await office.outgoing() if item.message]
    assert read(content).message_id == ours.message_id
    to = addresses(office, ticket, ours.id)["right" if proof == "address" else "plain"]
    await report(office, to=to, message_id=ours.message_id if proof == "id" else "<x@evil.example>")
    assert await statuses(office, ticket) == [MessageStatus.FAILED]
    assert (await now(office, ticket)).state is State.PROBLEM


async def test_a24_a_report_does_not_reach_the_tickets_address_either(office: Office) -> None:
    """The address is known to the customer, so its MAC proves no mail of ours."""
    ticket = await answered_ticket(office)
    await report(office, to=reply_address(office, ticket), message_id="<x@evil.example>")
    assert await statuses(office, ticket) == [MessageStatus.WAITING]
    assert (await now(office, ticket)).state is State.ANSWERED

"""A21: what Received and its like say about who logged in somewhere makes nobody an agent."""

from __future__ import annotations

import pytest

from mailproc.model.ticket import State
from tests.attacks.victim import answered_ticket, answers, now, received
from tests.unit.desk.office import Office, mail

TRACES = (
    "Received: from laptop (laptop [192.0.2.7])\n (Authenticated sender: alice)\n"
    " by mail.example.org (Postfix) with ESMTPSA id 4711; Mon, 21 Sep 2026 13:33:20 +0000",
    "Received: from laptop by mail.example.org (mailproc) with LMTP id 1; Mon, 21 Sep 2026 13:33:20 +0000",
    "X-Authenticated-Sender: alice@example.org",
    "X-Authenticated-User: alice",
    "X-Sender: alice@example.org",
    "X-Originating-IP: [127.0.0.1]",
    "X-Original-Authentication-Results: mail.example.org; auth=pass smtp.auth=alice",
    "Authentication-Results: mail.example.org; auth=pass smtp.auth=alice; dmarc=pass header.from=example.org",
    "Received-SPF: pass (mail.example.org: alice) receiver=mail.example.org; envelope-from=alice@example.org",
    "Return-Path: <alice@example.org>",
    "Delivered-To: alice@example.org",
)


@pytest.mark.parametrize("place", ["top", "second"])
async def test_a21_a_forged_trace_makes_no_agent(office: Office, place: str) -> None:
    """At the top, and below the line that our own mail server wrote."""
    ticket = await answered_ticket(office)
    before = await office.outgoing()
    own = b"Received: by mail.example.org (Postfix) id 1; Mon, 21 Sep 2026 13:33:21 +0000\r\n"
    for number, trace in enumerate(TRACES):
        forged = trace.replace("\n", "\r\n").encode() + b"\r\n"
        raw = mail(
            sender="alice@example.org",
            message_id=f"<{number}@evil.example>",
            extra="In-Reply-To: <one@customer.example>",
            text="#close\r\n\r\nSend money.",
        )
        top = forged if place == "top" else own + forged
        await office.receive(top + raw, sender="alice@example.org")
        assert len(await received(office, ticket)) == number + 2, trace
        assert await office.outgoing() == before, trace
    assert len(await answers(office)) == 1
    assert (await now(office, ticket)).state is not State.CLOSED

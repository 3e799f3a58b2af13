"""Whatever an agent's client hands in, the answer is a reply, and what leaves is fit to be sent."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mailproc.mime.reader import read
from mailproc.mime.surgery import has_bare_newline, prepend, remove
from mailproc.model.outbox import OutboxKind
from mailproc.store.protocol import Transaction
from tests.unit.desk.agents_desk import FIRST, answer, hand_in, items, notices, open_ticket, reply_address
from tests.unit.desk.office import ROOT, Office

MAILS = sorted((ROOT / "tests" / "mail").glob("*.eml"))
HEADERS = [
    "Subject: =?utf-8?q?a=0D=0ABcc:_eve@elsewhere.example?=",
    "Subject: " + "x" * 5000,
    "Subject: \x00\x0b\x85",
    "Cc: =?utf-8?q?Eve=0D=0ABcc:_eve?= <carla@customer.example>",
    "Cc: " + ", ".join(f"p{n}@customer.example" for n in range(2000)),
    "In-Reply-To: " + " ".join(f"<{n}@x>" for n in range(5000)),
    "References: <" + "a." * 50_000 + "@x>",
    "Date: " + "9" * 5000,
    "Content-Type: multipart/mixed; boundary=" + "b" * 3000,
    "Content-Type: text/plain; charset=nonsense",
    "Message-ID: <same@x>",
    "X-Mailproc-Id: m1.aaaaaaaaaa",
    "X-Mailproc-Agent: bob",
    "Bcc: eve@elsewhere.example",
    "Resent-From: eve@elsewhere.example",
    "Auto-Submitted: no",
]


def as_answer(raw: bytes, to: str) -> bytes:
    """A mail as if Alice's client had written it as an answer."""
    for name in ("From", "To", "Cc", "Sender", "In-Reply-To", "Auto-Submitted", "Precedence", "Message-ID"):
        raw = remove(raw, name)
    return prepend(
        raw, [("From", "alice@example.org"), ("To", to), ("In-Reply-To", FIRST), ("Message-ID", "<h@x>")]
    )


async def check_what_left(office: Office) -> None:
    for item in await items(office, OutboxKind.REPLY):
        assert not has_bare_newline(item.content)
        sent = read(item.content)
        for name in ("from", "to", "subject", "message-id", "date", "reply-to"):
            assert sent.header_names.count(name) == 1
        assert not any(name.startswith(("x-mailproc-", "bcc", "resent-")) for name in sent.header_names)


def read_mail(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
async def test_any_mail_as_an_answer_gets_a_reply(office: Office, path: Path) -> None:
    ticket = await open_ticket(office)
    reply = await hand_in(office, "alice", as_answer(read_mail(path), reply_address(office, ticket)))
    assert reply.code in (250, 550)
    await check_what_left(office)


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header[:20])
async def test_no_header_of_an_agent_breaks_the_answer(office: Office, header: str) -> None:
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    reply = await hand_in(office, "alice", answer(to=to, extra=header), to=[to])
    assert reply.code in (250, 550)
    await check_what_left(office)
    for item in await items(office, OutboxKind.REPLY):
        assert [each.address for each in item.recipients] == ["carla@customer.example"]


async def test_two_agents_mails_with_every_word_of_a_notice_change_nothing(office: Office) -> None:
    """What a notice quotes comes back as text, never as a decision about another answer."""
    ticket = await open_ticket(office)
    to = reply_address(office, ticket)
    await hand_in(office, "alice", answer(to=to))
    await hand_in(office, "bob", answer(to=to, sender="bob@example.org", message_id="<b@x>", text="Sand."))
    (notice,) = await notices(office, "bob")
    raw = answer(to=to, text=notice.text, message_id="<a2@x>")
    assert (await hand_in(office, "alice", raw)).code == 250

    def held(tx: Transaction) -> int:
        return len(tx.holds.told_before(math.inf, 9))

    assert await office.store.read(held) == 1

"""The header of an answer: what it says whatever the agent's client and the customer wrote."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import compat32
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.dropped_fields import ANSWERED_ELSEWHERE, PREFIXES, PROGRAMS, SPOILT, TRACES
from mailproc.mime.reader import read
from mailproc.mime.rewrite import MAX_REFERENCES, RewritePlan, from_header, rewrite
from mailproc.model.address import Address, Mailbox
from mailproc.model.mac import read_tags
from mailproc.model.subject import with_tag

CARLA = Mailbox("Carla", Address.parse("carla@customer.example"))
TAG = "[T#17-abcdef]"
PLAN = RewritePlan(
    sender=from_header("Alice (Support)", Address.parse("support@example.org")),
    to=(CARLA,),
    message_id="<17.1.abcdefghij@example.org>",
    date=1_790_000_000.0,
    tag=TAG,
    reply_to="support+17.abcdefghij@example.org",
)
HOSTILE = st.text(
    st.sampled_from('Re: [T#1-x]\r\n\0\x85\u2028\u202eBcc:ä=?utf-8?q?=0D=0A?=\t"<>@,'), max_size=80
)
IDS = st.lists(
    st.sampled_from(["<a@b>", "<c@d>", "<broken", "<e f@g>", "<é@x>", "<" + "l" * 995 + "@x>", "g@h"]),
    max_size=6,
)
EVERY_FIELD = sorted(TRACES | PROGRAMS | ANSWERED_ELSEWHERE | SPOILT | {"bcc", "sender"}) + [
    f"{prefix}x" for prefix in PREFIXES
]


def names(raw: bytes) -> list[str]:
    """The fields as Python's own parser sees them."""
    return [name.lower() for name in message_from_bytes(raw, policy=compat32)]


def answered(header: str, body: str = "Hello\r\n", plan: RewritePlan = PLAN) -> bytes:
    return rewrite(f"{header}\r\n\r\n{body}".encode("utf-8", "surrogatepass"), plan)


@settings(max_examples=200, deadline=None)
@given(subject=HOSTILE, name=HOSTILE, of_ticket=HOSTILE, ids=IDS, earlier=IDS)
def test_nobodys_words_make_a_header_of_their_own(
    subject: str, name: str, of_ticket: str, ids: list[str], earlier: list[str]
) -> None:
    agents = subject.replace("\r", "").replace("\n", " ")
    plan = replace(
        PLAN,
        to=(Mailbox(name, CARLA.address),),
        subject=of_ticket,
        references=tuple(earlier),
        sender=from_header(name, Address.parse("support@example.org")),
    )
    raw = answered(f"Subject: {agents}\r\nReferences: {' '.join(ids)}", plan=plan)
    expected = ["from", "to", "subject", "date", "message-id", "reply-to"]
    assert [each for each in names(raw) if each not in ("references", "in-reply-to")] == expected
    assert raw.partition(b"\r\n\r\n")[2] == b"Hello\r\n"
    head = raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert len(read_tags(read(raw).subject)) == 1


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200))
def test_below_the_header_every_octet_stays(body: bytes) -> None:
    body = body.replace(b"\r", b"").replace(b"\n", b"\r\n")
    for kind in ("text/plain", "multipart/signed; boundary=x", "application/pkcs7-mime", "multipart/mixed"):
        raw = f"From: a@example.org\r\nContent-Type: {kind}\r\n\r\n".encode() + body
        assert rewrite(raw, PLAN).endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("name", EVERY_FIELD)
def test_what_tells_of_the_agent_does_not_leave(name: str) -> None:
    raw = answered(f"{name}: secret\r\n and more\r\nX-Priority: 1\r\n{name.upper()}: secret")
    assert b"secret" not in raw
    assert "x-priority" in names(raw)


@pytest.mark.parametrize("name", EVERY_FIELD)
def test_the_manual_names_what_does_not_leave(name: str) -> None:
    manual = (Path(__file__).parents[3] / "docs/reference/commands.md").read_text().lower()
    assert re.search(
        rf"[ |]{re.escape(name.removesuffix('x') if name.removesuffix('x') in PREFIXES else name)}", manual
    )


def test_of_several_froms_one_is_left_and_it_is_ours() -> None:
    raw = answered("From: alice@example.org\r\nFrom: mallory@example.net")
    assert names(raw).count("from") == 1
    assert b"mallory" not in raw


def test_nobody_stands_in_the_recipient_fields_twice() -> None:
    dora = Mailbox("Dora", Address.parse("dora@partner.example"))
    plan = replace(PLAN, cc=(dora, CARLA, dora))
    mail = read(answered("Cc: x@example.net", plan=plan))
    assert (mail.to, mail.cc) == ((CARLA,), (dora,))


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: Parcel", f"Re: {TAG} Parcel"),
        ("AW: [T#1-zzzzzz] Parcel", f"AW: {TAG} Parcel"),
        ("Parcel [T#17-abcdef]", f"{TAG} Parcel"),
        ("Re: Fwd: [list] Parcel", f"Re: Fwd: {TAG} [list] Parcel"),
        ("[T#1[T#2-abc]-def] x", f"{TAG} [ -def] x"),
        ("Re[2]: a", f"Re[2]: {TAG} a"),
        ("Note: a", f"{TAG} Note: a"),
        ("", TAG),
    ],
)
def test_the_tag_stands_once_behind_the_prefixes(subject: str, expected: str) -> None:
    assert with_tag(subject, TAG) == expected


def test_a_subject_keeps_its_tag_readable_beside_encoded_words() -> None:
    assert b"Subject: Re: [T#17-abcdef] =?utf-8?" in answered("Subject: Re: Ärger")


def test_references_lead_to_the_answered_mail_and_keep_the_first() -> None:
    earlier = tuple(f"<{number}@x>" for number in range(100))
    plan = replace(PLAN, references=earlier, in_reply_to=("<last@x>",))
    mail = read(answered("Subject: x", plan=plan))
    assert len(mail.references) == MAX_REFERENCES
    assert (mail.references[0], mail.references[-1]) == ("<0@x>", "<last@x>")
    assert mail.in_reply_to == ("<last@x>",)


def test_the_agents_own_in_reply_to_counts_before_what_we_know() -> None:
    plan = replace(PLAN, in_reply_to=("<newest@x>",), references=("<first@x>",))
    mail = read(answered("In-Reply-To: <older@x>\r\nReferences: <first@x> <older@x>", plan=plan))
    assert mail.in_reply_to == ("<older@x>",)
    assert mail.references == ("<first@x>", "<newest@x>", "<older@x>")


@pytest.mark.parametrize("date", ["", "Date: yesterday", "Date: Mon, 21 Sep 2026 15:02:11"])
def test_a_date_that_is_missing_or_none_is_written(date: str) -> None:
    assert read(answered(f"Subject: x\r\n{date}".strip())).date == PLAN.date


def test_a_receipt_is_asked_for_only_to_an_address_of_ours() -> None:
    header = "Disposition-Notification-To: alice@example.org"
    assert "disposition-notification-to" not in names(answered(header))
    raw = answered(header, plan=replace(PLAN, receipt_to="support@example.org"))
    assert read(raw).header("disposition-notification-to") == "support@example.org"


def test_kept_fields_are_folded_and_encoded_where_a_relay_could_not_take_them() -> None:
    long = "X-Long: " + " ".join(["word"] * 400)
    raw = answered(f"{long}\r\nOrganization: Grüße GmbH")
    head = raw.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert head.isascii()
    mail = read(raw)
    assert mail.header("organization") == "Grüße GmbH"
    assert mail.header("x-long") == " ".join(["word"] * 400)


def test_text_behind_a_header_without_an_empty_line_stays_text() -> None:
    raw = rewrite(b"Subject: x\r\nHello world\r\nBcc: in the text\r\n", PLAN)
    assert raw.partition(b"\r\n\r\n")[2] == b"Hello world\r\nBcc: in the text\r\n"


def test_a_value_that_is_not_fit_for_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="U\\+000D"):
        answered("Subject: x", plan=replace(PLAN, reply_to="a@b\r\nBcc: c@d"))

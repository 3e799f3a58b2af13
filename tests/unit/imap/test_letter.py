"""The mails of the folder: the original below our header, nothing in it that could be believed or obeyed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.imap.letter import Letterhead, event_letter, large_letter, message_letter
from mailproc.mime.reader import read
from mailproc.model.address import Address, Mailbox
from mailproc.model.desk import Desk
from mailproc.model.mac import Keyring
from mailproc.model.ticket import Direction, Message, MessageStatus, State, Ticket
from mailproc.store.folders import SHOWN_EVENTS, ShownEvent

KEYRING = Keyring.generate(bytes(range(32)))
DESK = Desk("support", "Example Support", (Address("support", "example.org"),), agents=("alice",))
TICKET = Ticket(
    id=7,
    number="2026112100017",
    desk="support",
    subject="Printer on fire",
    subject_key="printer on fire",
    state=State.NEW,
    owner="",
    customer="carla@customer.example",
    opened=0.0,
    updated=0.0,
    closed=None,
    topic="",
    language="en",
    spam=0.1,
    merged_into=None,
)
HEAD = Letterhead(
    "mail.example.org",
    KEYRING,
    DESK,
    TICKET,
    tags=("vip", "printer"),
    opening="<one@customer.example>",
    authors=(("alice", Mailbox("Alice Ang", Address("alice", "example.org"))),),
)
MESSAGE = Message(
    id=17,
    ticket=7,
    desk="support",
    sha256=b"\1" * 32,
    direction=Direction.IN,
    sender="carla@customer.example",
    recipients=("support@example.org",),
    subject="Printer on fire",
    date=0.0,
    message_id="<one@customer.example>",
    size=100,
    automatic="none",
    agent="",
    status=MessageStatus.RECEIVED,
    joined_by="",
    joined_reasons=(),
    at=1_795_262_400.0,
)
ORIGINAL = (
    b"From: Carla Cat <carla@customer.example>\r\nTo: support@example.org\r\nSubject: Printer on fire\r\n"
    b"Message-ID: <one@customer.example>\r\n\r\nIt is.\r\n"
)


def letter(raw: bytes = ORIGINAL, extra: tuple[tuple[str, str], ...] = (), **changes: object) -> bytes:
    return message_letter(HEAD, "m17", replace(MESSAGE, **changes), raw, extra)  # type: ignore[arg-type]


def test_the_original_stands_octet_for_octet_below_our_header() -> None:
    content = letter()
    assert content.endswith(ORIGINAL)
    assert content.startswith(b"X-Mailproc-Id: m17.")
    mail = read(content)
    assert KEYRING.read_folder_id(mail.header("X-Mailproc-Id")) == "m17"
    assert mail.header("X-Mailproc-Ticket") == "2026112100017"
    assert mail.header("X-Mailproc-Desk") == "support"
    assert mail.header("X-Mailproc-Tags") == "vip, printer"


def test_an_answer_goes_to_the_ticket_and_says_whom_it_will_reach() -> None:
    mail = read(letter(b"Reply-To: Boss <boss@customer.example>\r\n" + ORIGINAL))
    assert mail.reply_to is not None
    assert mail.reply_to.address == KEYRING.reply_address(DESK, TICKET.number)
    assert mail.reply_to.name == "Boss via Example Support"
    assert mail.header("X-Old-Reply-To") == "Boss <boss@customer.example>"


def test_without_addresses_for_tickets_an_answer_goes_to_the_desk() -> None:
    head = replace(HEAD, desk=replace(DESK, reply_address=False))
    mail = read(message_letter(head, "m17", MESSAGE, ORIGINAL, ()))
    assert mail.reply_to is not None
    assert mail.reply_to.address == DESK.address


def test_what_pretends_to_be_ours_is_not_believed() -> None:
    forged = (
        b"X-Mailproc-Id: m1.abcdefghij\r\nx-mailproc-note: trust me\r\n"
        b"Authentication-Results: mail.example.org; dmarc=pass\r\n"
        b"Authentication-Results: other.example; dmarc=pass\r\n"
    )
    extra = (("Authentication-Results", "mail.example.org; dmarc=fail"), ("X-Mailproc-Note", "auth: forged"))
    mail = read(letter(forged + ORIGINAL, extra))
    assert KEYRING.read_folder_id(mail.header("X-Mailproc-Id")) == "m17"
    assert mail.headers("X-Mailproc-Note") == ("auth: forged",)
    assert mail.headers("Authentication-Results") == (
        "mail.example.org; dmarc=fail",
        "other.example; dmarc=pass",
    )


def test_results_in_the_name_of_a_trusted_server_are_not_shown_as_its_own() -> None:
    """They may be forged; what was believed of them stands in our own."""
    lies = b"Authentication-Results: MX.example.org; dmarc=pass\r\n"
    head = replace(HEAD, authserv_ids=("mx.example.org",))
    shown = read(message_letter(head, "m17", MESSAGE, lies + ORIGINAL, ()))
    assert shown.headers("Authentication-Results") == ()
    assert shown.header("X-Old-Authentication-Results") == "MX.example.org; dmarc=pass"


def test_no_agents_client_is_asked_for_a_receipt() -> None:
    raw = b"Disposition-Notification-To: spy@x.example\r\nReturn-Receipt-To: spy@x.example\r\n" + ORIGINAL
    mail = read(letter(raw))
    assert not mail.has("Disposition-Notification-To")
    assert not mail.has("Return-Receipt-To")
    assert mail.header("X-Old-Disposition-Notification-To") == "spy@x.example"


@pytest.mark.parametrize(
    "value", ["a\r\nBcc: evil@x.example", "x\0y", "\u2028Bcc: x", "\ud800", "ü" * 2000, "w" * 3000]
)
def test_what_a_stage_noted_cannot_break_the_header(value: str) -> None:
    content = letter(extra=(("X-Mailproc-Note", f"enrich: {value}"), ("X-Bad\nName", "x")))
    mail = read(content)
    assert not mail.has("Bcc")
    assert not mail.has("X-Bad")
    assert content.endswith(ORIGINAL)
    assert max(map(len, content.split(b"\r\n"))) <= 998


@given(st.binary(max_size=300))
def test_any_octets_become_a_mail_that_imap_can_carry(raw: bytes) -> None:
    content = letter(raw)
    assert b"\0" not in content
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert KEYRING.read_folder_id(read(content).header("X-Mailproc-Id")) == "m17"


def test_a_note_is_shown_as_its_authors_mail_in_the_thread() -> None:
    raw = b"Subject: Note on 2026112100017\r\n\r\nCall her back.\r\n"
    mail = read(letter(raw, direction=Direction.NOTE, agent="alice"))
    assert mail.author == Mailbox("Alice Ang", Address("alice", "example.org"))
    assert mail.in_reply_to == ("<one@customer.example>",)
    assert mail.date == MESSAGE.at


@pytest.mark.parametrize("what", SHOWN_EVENTS)
def test_every_shown_event_has_words(what: str) -> None:
    event = ShownEvent(7, MESSAGE.at, what, "folder", "new to problem: why\r\nBcc: x")
    mail = read(event_letter(HEAD, "e5", event))
    assert mail.subject.endswith(": Printer on fire")
    assert "new to problem: why" in mail.text
    assert mail.in_reply_to == ("<one@customer.example>",)
    assert KEYRING.read_folder_id(mail.header("X-Mailproc-Id")) == "e5"
    assert mail.header("Auto-Submitted") == "auto-generated"
    assert not mail.has("Bcc")


def test_a_mail_too_large_for_the_folder_is_told_of() -> None:
    mail = read(large_letter(HEAD, "m17", replace(MESSAGE, size=60_000_000)))
    assert f"mailproc ticket raw 2026112100017 {MESSAGE.sha256.hex()}" in mail.text
    assert mail.subject == "Printer on fire"
    assert mail.message_id == "<one@customer.example>"

"""Whose mail a forward holds, in the words of several clients."""

from __future__ import annotations

import pytest

from mailproc.mime.forward import Resender, is_forward, read_forwarded
from mailproc.mime.reader import read
from mailproc.model.address import Address, Mailbox

RESENDER = Resender(Mailbox("Alice", Address("alice", "example.org")), Address("support", "example.org"), 1.0)
HEAD = "From: alice@example.org\r\nTo: support@example.org\r\nMessage-ID: <f@x>\r\nSubject: {subject}\r\n\r\n"

GMAIL = """See below.

---------- Forwarded message ---------
From: Jane Doe <jane@customer.example>
Date: Mon, Sep 21, 2026 at 1:00 PM
Subject: Broken lamp
To: <alice@example.org>


It is broken."""

APPLE = """Begin forwarded message:

From: Jane Doe <jane@customer.example>
Subject: Broken lamp
Date: 21 September 2026 at 13:00:00 CEST
To: alice@example.org

It is broken."""

OUTLOOK = """Bitte ansehen.

Von: Jane Doe [mailto:jane@customer.example]
Gesendet: Montag, 21. September 2026 13:00
An: Alice Ang
Betreff: Broken lamp

It is broken."""

OUTLOOK_RULE = """________________________________
De : Jane Doe <jane@customer.example>
Envoyé : lundi 21 septembre 2026 13:00
À : Alice Ang <alice@example.org>
Objet : Broken lamp

It is broken."""

WRAPPED = """-----Original Message-----
From: Jane Doe, of a company with a long name
 <jane@customer.example>
Sent: Monday
To: Alice
Subject: Broken lamp

It is broken."""


def forward(text: str, subject: str = "Fwd: Broken lamp") -> bytes:
    return (HEAD.format(subject=subject) + text.replace("\n", "\r\n")).encode()


@pytest.mark.parametrize("text", [GMAIL, APPLE, OUTLOOK, OUTLOOK_RULE, WRAPPED])
def test_the_author_and_the_subject_stand_in_the_block_above_the_forwarded_text(text: str) -> None:
    found = read_forwarded(read(forward(text)), RESENDER)
    assert found is not None
    assert str(found.author.address) == "jane@customer.example"
    made = read(found.raw)
    assert made.author is not None and made.author.address == found.author.address
    assert (made.subject, made.header("Resent-From")) == ("Broken lamp", "Alice <alice@example.org>")
    assert "It is broken." in made.text
    assert made.message_id == "<f@x>"


@pytest.mark.parametrize(
    "text",
    [
        "Please look.",
        "Jane <jane@customer.example> says it is broken.",
        "From: the roof\nit fell.",
        "From: jane@customer.example",
        "---------- Forwarded message ---------\nFrom: Jane Doe\nDate: Monday\nSubject: Lamp\n\nIt is.",
        "> From: Jane\n> Date: Monday",
    ],
)
def test_free_text_never_says_who_wrote_a_mail(text: str) -> None:
    assert read_forwarded(read(forward(text)), RESENDER) is None


@pytest.mark.parametrize(
    ("subject", "expected"),
    [("Fwd: x", True), ("WG: x", True), ("TR: x", True), ("x (fwd)", True), ("Re: x", False), ("x", False)],
)
def test_a_forward_is_known_by_its_subject(subject: str, expected: bool) -> None:
    assert is_forward(read(forward("x", subject))) is expected


def test_an_attached_mail_is_handed_on_byte_by_byte_below_who_resent_it() -> None:
    inner = b"From: jane@customer.example\r\nSubject: Broken\r\nX-Odd:   kept  \r\n\r\nIt is.\r\n"
    head = HEAD.format(subject="look").removesuffix("\r\n") + "Content-Type: message/rfc822\r\n\r\n"
    mail = read(head.encode() + inner)
    assert is_forward(mail)
    found = read_forwarded(mail, RESENDER)
    assert found is not None
    assert found.raw.endswith(inner)
    assert found.raw.startswith(b"Resent-From: Alice <alice@example.org>\r\n")


def test_what_the_agent_wrote_above_it_is_kept_word_by_word() -> None:
    inner = b"From: jane@customer.example\r\nSubject: Lamp\r\n\r\nBroken.\r\n"
    raw = (
        HEAD.format(subject="Fwd: Lamp").encode().replace(b"\r\n\r\n", b"\r\nMIME-Version: 1.0\r\n")
        + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
        + "Content-Type: text/plain; charset=utf-8\r\n\r\nPlease look, an Ersatz\u00adlampe\r\n".encode()
        + b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
        + inner
        + b"\r\n--b--\r\n"
    )
    found = read_forwarded(read(raw), RESENDER)
    assert found is not None
    assert read(found.raw).header("Comments") == "Please look, an Ersatz lampe"


@pytest.mark.parametrize("name", ["\x00Jane", "Jane\u2028Doe", '"Jane \\" Doe"'])
def test_an_odd_name_in_the_block_does_no_harm(name: str) -> None:
    text = GMAIL.replace("Jane Doe", name)
    found = read_forwarded(read(forward(text)), RESENDER)
    assert found is None or read(found.raw).header_names.count("from") == 1

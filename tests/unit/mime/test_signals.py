"""What a mail says about where it belongs, read leniently and kept within bounds."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.reader import read
from mailproc.mime.signals import MAX_ID, MAX_IDS, MAX_PEOPLE, read_signals
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.follow_up import Carrier, Signals, Token
from mailproc.model.judgement import NOT_AUTHENTICATED, Authentication, AuthResult, Bounce, MailClass

DESK = Desk("support", "Support", (Address("support", "example.org"), Address("help", "example.org")))
ROOT = base64.b64encode(bytes(range(22))).decode()
REPLY = base64.b64encode(bytes(range(27))).decode()

HEADERS = (
    *(b"Subject", b"From", b"To", b"Cc", b"Reply-To", b"References", b"In-Reply-To", b"Message-ID"),
    *(b"Thread-Index", b"Thread-Topic", b"Date"),
)


def signals_of(
    headers: str | bytes,
    *,
    rcpt: str = "support@example.org",
    auth: Authentication = NOT_AUTHENTICATED,
    bounce: Bounce | None = None,
) -> Signals:
    raw = headers if isinstance(headers, bytes) else headers.encode()
    return read_signals(
        read(raw + b"\r\n\r\nHello\r\n"),
        Envelope(None, Address.parse(rcpt)),
        DESK,
        authentication=auth,
        automatic=MailClass.NONE,
        received=5.0,
        bounce=bounce,
    )


def test_people_are_to_and_cc_without_the_desks_addresses() -> None:
    signals = signals_of(
        "From: Ann <Ann@Example.NET>\r\nTo: Help@example.org, bob@example.net\r\n"
        "Cc: support+17@example.org, <CID@example.net>"
    )
    assert signals.sender == "ann@example.net"
    assert signals.people == {"bob@example.net", "cid@example.net"}


def test_the_customer_is_reply_to_only_where_it_is_another() -> None:
    assert signals_of("From: a@b.example\r\nReply-To: A@b.example").customer == ""
    assert signals_of("From: a@b.example\r\nReply-To: c@d.example").customer == "c@d.example"
    assert signals_of("From: a@b.example").customer == ""


def test_tokens_come_from_envelope_then_to_then_cc() -> None:
    signals = signals_of(
        "To: support+2.bbbbbbbbbb@example.org\r\nCc: support+bounce.3.9.cccccccccc@example.org",
        rcpt="help+1.aaaaaaaaaa@example.org",
    )
    assert signals.reply_tokens == (
        Token("1", "aaaaaaaaaa", Carrier.REPLY_ADDRESS),
        Token("2", "bbbbbbbbbb", Carrier.REPLY_ADDRESS),
        Token("3", "cccccccccc", Carrier.BOUNCE_ADDRESS, "9"),
    )


def test_a_tag_in_an_encoded_subject_is_read() -> None:
    signals = signals_of("Subject: =?utf-8?b?UmU6IFtUIzE3LWs3cTJteF0gw7Zs?=")
    assert signals.subject_tokens == (Token("17", "k7q2mx"),)
    assert (signals.subject_key, signals.is_reply) == ("öl", True)


def test_ids_are_ordered_nearest_first() -> None:
    signals = signals_of("In-Reply-To: <3@x>\r\nReferences: <1@x> <2@x> <3@x>")
    assert signals.ids == ("<3@x>", "<2@x>", "<1@x>")


def test_the_original_of_a_bounce_counts_as_answered() -> None:
    signals = signals_of("Subject: Undelivered", bounce=Bounce((), "<17.1.aaaaaaaaaa@mail.example.org>"))
    assert signals.in_reply_to == ("<17.1.aaaaaaaaaa@mail.example.org>",)
    assert signals.id_tokens[signals.in_reply_to[0]] == Token("17", "aaaaaaaaaa", Carrier.MESSAGE_ID, "1")


def test_of_many_references_the_oldest_and_the_newest_are_kept() -> None:
    references = " ".join(f"<{place}@x>" for place in range(300))
    signals = signals_of(f"In-Reply-To: <299@x>\r\nReferences: {references}")
    assert len({*signals.in_reply_to, *signals.references}) <= MAX_IDS
    assert signals.references[0] == "<0@x>"
    assert signals.references[-1] == "<299@x>"
    assert signals.ids[1] == "<298@x>"


def test_many_answered_ids_are_bounded_too() -> None:
    answered = " ".join(f"<{place}@x>" for place in range(300))
    signals = signals_of(f"In-Reply-To: {answered}\r\nReferences: <a@x>")
    assert len(signals.in_reply_to) + len(signals.references) <= MAX_IDS


def test_a_long_id_is_kept_as_the_same_digest_wherever_it_stands() -> None:
    long = f"<{'x' * 400}@example.net>"
    own = signals_of(f"Message-ID: {long}").message_id
    answered = signals_of(f"In-Reply-To: {long}").in_reply_to
    assert answered == (own,)
    assert len(own) <= MAX_ID


def test_many_people_are_bounded() -> None:
    crowd = ", ".join(f"p{place}@example.net" for place in range(500))
    assert len(signals_of(f"To: {crowd}").people) <= MAX_PEOPLE


@pytest.mark.parametrize(
    ("index", "is_reply"), [(ROOT, False), (REPLY, True), (ROOT[:10], False), ("%%%", False), ("", False)]
)
def test_outlook_says_whether_a_mail_is_a_reply(index: str, is_reply: bool) -> None:
    signals = signals_of(f"Subject: x\r\nThread-Index: {index}")
    assert signals.is_reply is is_reply
    assert signals.thread_index in ("", bytes(range(22)).hex())


def test_root_and_reply_are_of_one_conversation() -> None:
    assert (
        signals_of(f"Thread-Index: {ROOT}").thread_index == signals_of(f"Thread-Index: {REPLY}").thread_index
    )


def test_the_topic_is_kept_only_where_it_differs_from_the_subject() -> None:
    assert signals_of("Subject: Re: Printer\r\nThread-Topic: Printer").topic_key == ""
    assert signals_of("Subject: Re: Case 9\r\nThread-Topic: Printer").topic_key == "printer"


@pytest.mark.parametrize(
    ("auth", "dmarc_policy", "forged"),
    [
        (Authentication(), False, False),
        (Authentication(dmarc=AuthResult.PASS, aligned=True), True, False),
        (Authentication(dmarc=AuthResult.FAIL), True, True),
        (Authentication(dmarc=AuthResult.TEMPERROR), True, False),
        (Authentication(spf=AuthResult.FAIL), False, True),
    ],
)
def test_authentication_is_folded_to_what_joining_needs(
    auth: Authentication, dmarc_policy: bool, forged: bool
) -> None:
    signals = signals_of("From: a@b.example", auth=auth)
    assert (signals.dmarc_policy, signals.forged) == (dmarc_policy, forged)


def test_two_authors_count_as_forged() -> None:
    assert signals_of("From: a@b.example\r\nFrom: c@d.example").forged


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ("Subject: Printer\r\nMessage-ID: <1@x>", False),
        ("Subject: Re: Printer", True),
        ("Subject: [T#17]", True),
        ("Subject: Printer\r\nIn-Reply-To: <1@x>", True),
        (f"Subject: Printer\r\nThread-Index: {ROOT}", True),
    ],
)
def test_a_mail_that_names_nothing_is_told_apart(headers: str, names: bool) -> None:
    assert signals_of(headers).names_something is names


@settings(deadline=None)
@given(st.lists(st.sampled_from(HEADERS), max_size=12), st.binary(max_size=300))
def test_reading_never_raises_and_all_of_it_can_be_stored(names: list[bytes], noise: bytes) -> None:
    value = noise.replace(b"\r\n\r\n", b"").replace(b"\n\n", b"")
    signals = signals_of(b"".join(name + b": <" + value + b"@x.example>\r\n" for name in names))
    texts = [signals.sender, signals.customer, signals.message_id, signals.subject_key, signals.topic_key]
    for text in (*texts, *signals.people, *signals.ids):
        assert "\0" not in text
        assert text.encode("utf-8").decode("utf-8") == text

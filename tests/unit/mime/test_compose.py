"""Mails of our own: nothing gets into a header that was not put there, and all of it comes out again."""

from __future__ import annotations

import email
import email.policy
import email.utils
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.mime.compose import compose, encode_field, mailbox_header
from mailproc.mime.surgery import fields, has_bare_newline, header_end
from mailproc.model.address import Address

FORBIDDEN = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029", "\ud800"]
ANN = Address("ann", "example.com")

printable = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=120)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
names = st.sampled_from(["Subject", "X-Note", "X-Mailproc-Note", "Comments"])


def parse(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def decoded(value: str) -> str:
    return str(make_header(decode_header(value.replace("\r\n", ""))))


@given(st.lists(st.tuples(names, printable), max_size=5), any_text)
def test_parsed_mail_has_the_headers_that_were_given_and_no_others(
    headers: list[tuple[str, str]], text: str
) -> None:
    raw = compose(headers, text)
    assert raw.isascii()
    assert not has_bare_newline(raw)
    assert all(len(line) <= 78 for line in raw[: header_end(raw)].split(b"\r\n"))
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    legacy = email.message_from_bytes(raw)
    assert [(name, decoded(value)) for name, value in legacy.items()][: len(headers)] == [
        (name, value.strip(" ")) for name, value in headers
    ]
    assert len(legacy.items()) == len(headers) + 3 == len(list(fields(raw)))


@given(any_text)
def test_text_comes_out_as_it_went_in(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    content = parse(compose([("Subject", "x")], text)).get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.replace(b"\r\n", b"\n").decode() == (lines if lines.endswith("\n") else lines + "\n")


@pytest.mark.parametrize("character", FORBIDDEN, ids=lambda character: f"U+{ord(character):04X}")
def test_control_character_is_refused_in_values_names_and_display_names(character: str) -> None:
    with pytest.raises(ValueError, match=r"U\+"):
        compose([("Subject", f"a{character}Bcc: b@example.com")], "")
    with pytest.raises(ValueError, match="bad header name"):
        compose([(f"Subject{character}", "a")], "")
    with pytest.raises(ValueError, match=r"U\+"):
        mailbox_header(f"Ann{character}", ANN)


@pytest.mark.parametrize("name", ["", "Sub ject", "Subject:", "Sübject", "a" * 77])
def test_bad_header_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="bad header name"):
        encode_field(name, "x")


@pytest.mark.parametrize("name", ["MIME-Version", "content-type", "Content-Transfer-Encoding"])
def test_fields_of_mime_are_not_for_the_caller(name: str) -> None:
    with pytest.raises(ValueError, match="not for the caller"):
        compose([(name, "x")], "")


def test_text_that_looks_like_an_encoded_word_is_shown_as_it_is() -> None:
    subject = "=?utf-8?q?a=0D=0ABcc:_e?="
    assert decoded(email.message_from_bytes(compose([("Subject", subject)], ""))["Subject"]) == subject


def test_long_word_in_free_text_is_encoded_and_in_other_fields_refused() -> None:
    assert all(len(line) <= 78 for line in encode_field("Subject", "x" * 5000).split(b"\r\n"))
    assert encode_field("References", f"<{'x' * 500}@a>").count(b"\r\n") == 1
    with pytest.raises(ValueError, match="too long"):
        encode_field("References", f"<{'x' * 1000}@a>")


def test_references_are_folded_between_ids() -> None:
    ids = " ".join(f"<{number:030}@example.org>" for number in range(9))
    folded = encode_field("References", ids)
    assert all(len(line) <= 78 for line in folded.split(b"\r\n"))
    assert folded.decode().removeprefix("References: ").replace("\r\n", "") == ids


@given(printable)
def test_display_name_comes_out_as_it_went_in_without_bidi_controls(name: str) -> None:
    raw = compose([("From", mailbox_header(name, ANN))], "")
    (address,) = parse(raw)["From"].addresses
    assert address.addr_spec == "ann@example.com"
    value = email.message_from_bytes(raw)["From"].replace("\r\n", "")
    ((shown, addr_spec),) = email.utils.getaddresses([value])
    assert (decoded(shown), addr_spec) == (name.strip(" "), "ann@example.com")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "ann@example.com"),
        ("Ann Lee", "Ann Lee <ann@example.com>"),
        ("Lee, Ann", '"Lee, Ann" <ann@example.com>'),
        ('Ann "A" \\ Lee', '"Ann \\"A\\" \\\\ Lee" <ann@example.com>'),
        ("Änn", "=?utf-8?q?=C3=84nn?= <ann@example.com>"),
        ("a@b.example", '"a@b.example" <ann@example.com>'),
        ("\u202emoc.knab\u2066", '"moc.knab" <ann@example.com>'),
        ("\u200f", "ann@example.com"),
    ],
)
def test_display_name_is_quoted_or_encoded_where_it_must(name: str, value: str) -> None:
    assert mailbox_header(name, ANN) == value


def test_international_address_stays_utf8() -> None:
    raw = encode_field("To", mailbox_header("Jürgen", Address("jürgen", "müller.example")))
    assert raw == "To: =?utf-8?q?J=C3=BCrgen?= <jürgen@müller.example>\r\n".encode()


def test_plain_text_is_sent_as_it_is() -> None:
    raw = compose([("Subject", "x")], "Hello\n\nWorld\n")
    assert raw.endswith(b"Content-Transfer-Encoding: 7bit\r\n\r\nHello\r\n\r\nWorld\r\n")


def test_line_that_begins_with_from_is_hidden_from_mbox_writers() -> None:
    assert b"\r\nFrom " not in compose([], "a\nFrom here on\n")


@given(st.binary(max_size=300))
def test_attached_mail_keeps_its_bytes_but_for_bare_newlines(attached: bytes) -> None:
    raw = compose([("Subject", "Not delivered")], "Sorry.", attached)
    assert not has_bare_newline(raw)
    assert raw.isascii() == attached.isascii()
    message = email.message_from_bytes(raw)
    boundary = message.get_boundary()
    assert boundary is not None
    start = raw.index(b"Content-Type: message/rfc822")
    inside = raw[raw.index(b"\r\n\r\n", start) + 4 : raw.rindex(f"\r\n--{boundary}--".encode())]
    assert inside.replace(b"\r\n", b"\n") == attached.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def test_notice_with_attached_mail_is_read_as_two_parts() -> None:
    attached = b"Subject: Re: invoice\r\nMessage-ID: <1@example.org>\r\n\r\nHi\r\n"
    message = parse(compose([("Subject", "Not delivered")], "Sorry, Jürgen.", attached))
    text, mail = message.iter_parts()
    assert text.get_content().strip() == "Sorry, Jürgen."
    assert mail.get_content_type() == "message/rfc822"
    assert mail.get_content()["Message-ID"] == "<1@example.org>"

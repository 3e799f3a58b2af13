"""What is signed is 7-bit: parts that must change decode to the same octets, and nothing else changes."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage, Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.mime.sevenbit import base64_lines, is_seven_bit, quoted_printable, seven_bit
from mailproc.mime.surgery import normalise_newlines
from tests.unit.mime.hostile import mails

HEADER = b"From: support@example.org\r\nSubject: x\r\n"
PLAIN = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
UMLAUTS = "Grüße aus Köln.\r\n.\r\nFrom here  \r\n".encode()


def leaves(raw: bytes) -> list[tuple[str, bytes]]:
    """Each part's type and what it decodes to, by the standard library."""
    message: Message = email.message_from_bytes(raw)
    found = []
    for part in message.walk():
        if not part.is_multipart():
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found.append((part.get_content_type(), payload))
    return found


def mixed(*parts: bytes, header: bytes = b"") -> bytes:
    inner = b"".join(b"--b1\r\n" + part + b"\r\n" for part in parts)
    return (
        HEADER
        + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b1\r\n"
        + header
        + b"\r\npreamble\r\n"
        + inner
        + b"--b1--\r\n"
    )


def test_a_mail_that_is_fit_is_the_same_object() -> None:
    raw = HEADER + PLAIN + b"\r\nHello\r\n"
    assert seven_bit(raw) is raw


def test_text_becomes_quoted_printable_and_keeps_its_charset() -> None:
    changed = seven_bit(HEADER + PLAIN + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + UMLAUTS)
    assert changed == (
        HEADER
        + PLAIN
        + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        + b"Gr=C3=BC=C3=9Fe aus K=C3=B6ln.\r\n=2E\r\n=46rom here =20\r\n"
    )
    assert leaves(changed) == [("text/plain", UMLAUTS)]


def test_text_of_another_script_becomes_base64() -> None:
    text = "日本語のメールです。\r\n".encode() * 9
    changed = seven_bit(HEADER + PLAIN + b"\r\n" + text)
    assert b"Content-Transfer-Encoding: base64\r\n" in changed
    assert leaves(changed) == [("text/plain", text)]


def test_mail_without_mime_headers_is_made_mime() -> None:
    changed = seven_bit(HEADER + b"\r\n" + UMLAUTS)
    parsed = email.message_from_bytes(changed, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert (parsed["MIME-Version"], parsed["Content-Transfer-Encoding"]) == ("1.0", "quoted-printable")
    assert leaves(changed) == [("text/plain", UMLAUTS)]


def test_a_line_that_relays_would_break_is_encoded_although_it_is_ascii() -> None:
    text = b"x" * 1500 + b"\r\n"
    changed = seven_bit(HEADER + PLAIN + b"\r\n" + text)
    assert max(map(len, changed.split(b"\r\n"))) <= 76
    assert leaves(changed) == [("text/plain", text)]


def test_a_line_of_998_octets_is_left() -> None:
    raw = HEADER + PLAIN + b"\r\n" + b"x" * 998 + b"\r\n"
    assert seven_bit(raw) is raw


@pytest.mark.parametrize(("length", "fits"), [(998, True), (999, False)])
@pytest.mark.parametrize("before", [b"", b"x\r\n"])
def test_longest_line(before: bytes, length: int, fits: bool) -> None:
    assert is_seven_bit(before + b"x" * length + b"\r\n") is fits


def test_only_the_part_that_must_change_changes() -> None:
    fit = b"Content-Type: text/html\r\nX-Odd :  \t folded\r\n\t as it is\r\n\r\n<p>Hello</p> \r\n"
    picture = b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89PNG\r\n\x00\xff\n"
    raw = mixed(PLAIN + b"\r\n" + UMLAUTS, fit, picture, header=b"Content-Transfer-Encoding: binary\r\n")
    changed = seven_bit(raw)
    assert is_seven_bit(changed)
    assert leaves(changed) == leaves(raw)
    assert fit in changed
    assert b"boundary=b1\r\nContent-Transfer-Encoding: 7bit\r\n" in changed
    assert changed.count(b"--b1") == raw.count(b"--b1")
    assert seven_bit(changed) is changed


def test_a_part_without_header_gets_one() -> None:
    raw = mixed(b"\r\n" + UMLAUTS)
    changed = seven_bit(raw)
    assert is_seven_bit(changed)
    assert leaves(changed) == leaves(raw)


@pytest.mark.parametrize("kind", ["signed", "encrypted"])
def test_what_a_signature_covers_is_never_touched(kind: str) -> None:
    sealed = (
        b"Content-Type: multipart/%b; boundary=b2; protocol=x\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        b"--b2\r\n%bContent-Transfer-Encoding: 8bit\r\n\r\n%b\r\n--b2\r\n"
        b"Content-Type: application/pgp-signature\r\n\r\nxx\r\n--b2--\r\n" % (kind.encode(), PLAIN, UMLAUTS)
    )
    raw = mixed(PLAIN + b"\r\n" + UMLAUTS, sealed, header=b"Content-Transfer-Encoding: 8bit\r\n")
    changed = seven_bit(raw)
    assert sealed in changed
    assert b"Content-Transfer-Encoding: quoted-printable" in changed
    assert b"boundary=b1\r\nContent-Transfer-Encoding: 8bit\r\n" in changed


def test_a_mail_that_is_signed_as_a_whole_is_the_same_object() -> None:
    raw = (
        HEADER + b"MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b1; protocol=x\r\n\r\n"
        b"--b1\r\n" + PLAIN + b"\r\n" + UMLAUTS + b"\r\n--b1--\r\n"
    )
    assert seven_bit(raw) is raw


def test_an_embedded_message_is_left() -> None:
    embedded = b"Content-Type: message/rfc822\r\n\r\n" + HEADER + b"\r\n" + UMLAUTS
    assert seven_bit(mixed(embedded)) == mixed(embedded)


def test_of_two_encodings_one_is_left() -> None:
    twice = b"Content-Transfer-Encoding: 8bit\r\ncontent-transfer-encoding : 7bit\r\n"
    changed = seven_bit(HEADER + PLAIN + twice + b"\r\n" + UMLAUTS)
    assert changed.lower().count(b"content-transfer-encoding") == 1
    assert leaves(changed) == [("text/plain", UMLAUTS)]


def test_base64_in_one_line_is_broken_into_many() -> None:
    content = bytes(range(256)) * 9
    one_line = base64_lines(content, ends=False).replace(b"\r\n", b"") + b"\r\n"
    header = b"MIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    changed = seven_bit(HEADER + header + one_line)
    assert changed == HEADER + header + base64_lines(content, ends=True)


@given(st.binary(max_size=2000).map(normalise_newlines))
def test_a_part_decodes_to_the_same_octets(content: bytes) -> None:
    raw = HEADER + PLAIN + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + content
    changed = seven_bit(raw)
    assert is_seven_bit(changed)
    assert leaves(changed)[0][1] == content


@given(st.text(st.sampled_from("aé .=\t\r\nF日From\u2028\x0b"), max_size=400))
def test_quoted_printable_is_undone_by_the_standard_library(text: str) -> None:
    content = normalise_newlines(text.encode())
    encoded = quoted_printable(content)
    assert encoded.isascii()
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    message = email.message_from_bytes(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded)
    assert message.get_payload(decode=True) == content


@pytest.mark.slow
def test_nothing_is_left_to_do_after_a_hostile_mail() -> None:
    for name, raw in mails():
        if len(raw) > 5_000_000:
            continue
        changed = seven_bit(normalise_newlines(raw))
        assert seven_bit(changed) == changed, name

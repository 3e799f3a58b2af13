"""DKIM: what is signed verifies, what is added to it does not, and nothing is signed for others."""

from __future__ import annotations

import re
import time

import pytest
import time_machine
from dkim.canonicalization import CanonicalizationPolicy  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.canonical import relaxed_body
from mailproc.mime.sevenbit import is_seven_bit
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.signing_key import Algorithm, SigningKey
from mailproc.outbox.session import dot_stuffed
from mailproc.outbox.sign import OVERSIGNED, VALID_FOR, DomainKey, Signer
from tests.rig.dkim_verifier import add_ed25519, verify

NOW = float(int(time.time()))
SLACK = 40_000  # seconds; dkimpy forgives clocks that are ten hours wrong
RSA = SigningKey.generate(Algorithm.RSA)
ED25519 = SigningKey.generate(Algorithm.ED25519)
KEYS = {"example.org": [DomainKey("mp1", RSA), DomainKey("mp1e", ED25519)]}
RECORDS = {"mp1._domainkey.example.org": RSA.record, "mp1e._domainkey.example.org": ED25519.record}
SIGNER = Signer(KEYS, clock=lambda: NOW)
ONLY_RSA = Signer({"example.org": [DomainKey("mp1", RSA)]}, clock=lambda: NOW)

MAIL = (
    b"From: Example Support <support@example.org>\r\n"
    b"To: carla@customer.example\r\n"
    b"Subject: [T#17-k7q2mx] Invoice\r\n"
    b"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <17.1.abcdefghij@mail.example.org>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"Dear Carla,\r\n\r\nhere  it is. \t\r\n.\r\n\r\n\r\n"
)


@pytest.fixture(autouse=True)
def _ed25519(monkeypatch: pytest.MonkeyPatch) -> None:
    add_ed25519(monkeypatch)


def tags_of(mail: bytes, number: int = 0) -> dict[str, str]:
    """The tags of a signature, white space left out."""
    field = re.findall(rb"^DKIM-Signature:([^\n]*(?:\n[ \t][^\n]*)*)", mail, re.MULTILINE)[number]
    text = re.sub(rb"\s", b"", field).decode()
    return dict(tag.split("=", 1) for tag in text.split(";"))


def undotted(wire: bytes) -> bytes:
    """What a receiver makes of DATA."""
    return b"".join(line.removeprefix(b".") for line in wire.removesuffix(b".\r\n").splitlines(True))


def test_both_signatures_hold() -> None:
    signed = SIGNER.signed(MAIL)
    assert signed.endswith(MAIL)
    assert [tags_of(signed, number)["a"] for number in (0, 1)] == ["rsa-sha256", "ed25519-sha256"]
    assert verify(signed, RECORDS) == [True, True]


async def test_signing_off_the_event_loop_gives_the_same() -> None:
    assert await SIGNER.sign(MAIL) == SIGNER.signed(MAIL)


def test_what_a_signature_says() -> None:
    tags = tags_of(SIGNER.signed(MAIL))
    assert (tags["d"], tags["s"], tags["c"]) == ("example.org", "mp1", "relaxed/relaxed")
    assert (int(tags["t"]), int(tags["x"])) == (NOW, NOW + VALID_FOR)
    assert "l" not in tags


@pytest.mark.parametrize("name", [name.decode() for name in OVERSIGNED])
def test_a_field_that_is_added_breaks_the_signatures(name: str) -> None:
    signed = SIGNER.signed(MAIL)
    added = f"{name}: eve@evil.example\r\n".encode()
    assert verify(added + signed, RECORDS) == [False, False]
    assert verify(signed.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1), RECORDS) == [False, False]


@pytest.mark.parametrize("name", ["Received", "X-Spam", "List-Id", "Sender", "Return-Path"])
def test_what_mail_systems_add_breaks_nothing(name: str) -> None:
    assert verify(f"{name}: x\r\n".encode() + SIGNER.signed(MAIL), RECORDS) == [True, True]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Dear Carla", b"Dear Dora"),
        (b"support@", b"sales@"),
        (b"Invoice", b"Offer"),
        (b"\r\n.\r\n", b"\r\n.\r\nMore.\r\n"),
    ],
)
def test_a_changed_mail_does_not_verify(old: bytes, new: bytes) -> None:
    signed = SIGNER.signed(MAIL)
    assert old in signed
    assert verify(signed.replace(old, new), RECORDS) == [False, False]


@pytest.mark.parametrize(("age", "holds"), [(VALID_FOR - 60, True), (VALID_FOR + SLACK, False)])
def test_a_signature_holds_for_seven_days(age: int, holds: bool) -> None:
    signed = SIGNER.signed(MAIL)
    with time_machine.travel(NOW + age):
        assert verify(signed, RECORDS) == [holds, holds]


def test_appended_text_does_not_verify() -> None:
    assert verify(SIGNER.signed(MAIL) + b"Buy now.\r\n", RECORDS) == [False, False]


@pytest.mark.parametrize(
    "author",
    [
        b"From: eve@evil.example",
        b"From: eve@sub.example.org",
        b"From: eve@example.org.evil.example",
        b"From: support@example.org, eve@evil.example",
        b"From: support@example.org\r\nFrom: eve@evil.example",
        b"From: eve@evil.example\r\nfrom : support@example.org",
        b"From: support@example.org (support@example.org), support@example.org",
        b"From: undisclosed:;",
        b"Sender: support@example.org",
    ],
)
def test_a_mail_of_another_or_of_nobody_is_never_signed(author: bytes) -> None:
    mail = MAIL.replace(b"From: Example Support <support@example.org>", author)
    assert SIGNER.signed(mail) is mail


def test_the_domain_may_be_written_in_any_case() -> None:
    assert verify(SIGNER.signed(MAIL.replace(b"@example.org>", b"@EXAMPLE.Org>")), RECORDS) == [True, True]


def test_an_international_domain_signs_by_its_name_in_dns() -> None:
    signer = Signer({"xn--bro-hoa.example": [DomainKey("s", ED25519)]}, clock=lambda: NOW)
    mail = MAIL.replace(b"support@example.org", "support@büro.example".encode())
    signed = signer.signed(mail)
    assert tags_of(signed)["d"] == "xn--bro-hoa.example"
    assert verify(signed, {"s._domainkey.xn--bro-hoa.example": ED25519.record}) == [True]


def test_without_a_key_the_mail_stays_8bit() -> None:
    mail = MAIL.replace(b"Dear", "Liebe Grüße".encode()).replace(b"example.org>", b"example.net>")
    assert SIGNER.signed(mail) is mail


def test_what_is_signed_was_made_7bit_first() -> None:
    signed = SIGNER.signed(MAIL.replace(b"Dear", "Grüße".encode()))
    assert is_seven_bit(signed)
    assert b"Gr=C3=BC=C3=9Fe Carla" in signed
    assert verify(signed, RECORDS) == [True, True]


def test_what_another_signature_covers_is_signed_as_it_is() -> None:
    sealed = (
        b"From: support@example.org\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/signed; boundary=b; protocol=x\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n--b--\r\n"
    )
    signed = SIGNER.signed(sealed)
    assert signed.endswith(sealed)
    assert verify(signed, RECORDS) == [True, True]


def test_a_header_that_cannot_be_signed_leaves_unsigned_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    mail = MAIL.replace(b"Subject:", b"Subject :")
    assert SIGNER.signed(mail) == mail
    assert "cannot be signed" in caplog.text
    assert "Invoice" not in caplog.text


def test_a_signature_fits_the_lines_of_a_mail() -> None:
    signer = Signer({"example.org": [DomainKey("s" * 63, RSA)]}, clock=lambda: NOW)
    many = b"".join(b"List-Id: %d\r\n" % number for number in range(50))
    signed = signer.signed(many + MAIL)
    top = signed[: signed.index(b"List-Id: 0")]
    assert max(map(len, top.split(b"\r\n"))) <= 78
    assert verify(signed, {"s" * 63 + "._domainkey.example.org": RSA.record}) == [True]


@settings(max_examples=60)
@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b".", b"x", b"From ", "ü".encode(), b"\0", b"=\r\n"])))
def test_whatever_the_text_the_receiver_of_the_wire_verifies_it(pieces: list[bytes]) -> None:
    mail = MAIL[: MAIL.index(b"Dear")] + normalise_newlines(b"".join(pieces))
    wire = dot_stuffed(SIGNER.signed(mail))
    assert verify(undotted(wire), RECORDS) == [True, True]


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"x", b"."]), max_size=30).map(b"".join))
def test_the_body_is_made_canonical_as_dkimpy_does_it(body: bytes) -> None:
    expected = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed").canonicalize_body(body + b"\r\n")
    assert relaxed_body(body) == expected


def test_long_runs_of_spaces_cost_no_time() -> None:
    body = (b" " * 900 + b"x\r\n") * 10_000
    assert tags_of(ONLY_RSA.signed(MAIL + body))["a"] == "rsa-sha256"

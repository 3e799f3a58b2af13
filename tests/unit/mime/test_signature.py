"""Which DKIM signatures hold, and what keeps others from holding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.signature import MAX_FIELD, Records, SignedMail, check_signature, read_signatures
from mailproc.model.signing_key import Algorithm, SigningKey
from mailproc.outbox.sign import DomainKey, Signer
from tests.rig.signed_mails import DOMAIN, MAIL, key, key_name, now, records, signed

ROOT = Path(__file__).resolve().parents[3]
RFC8463: Records = {
    "brisbane._domainkey.football.example.com": (
        b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    ),
    "test._domainkey.football.example.com": (
        b"v=DKIM1; k=rsa; p="
        b"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOK"
        b"b2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBf"
        b"O2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
    ),
}


def check(raw: bytes, found: Records | None = None, at: float | None = None) -> list[tuple[str, str]]:
    """Word and reason of each signature."""
    mail = SignedMail(raw)
    time_of_check = now() if at is None else at
    results = [
        check_signature(one, mail, records() if found is None else found, time_of_check)
        for one in read_signatures(mail)
    ]
    return [(result.word, result.why) for result in results]


def words(raw: bytes, found: Records | None = None, at: float | None = None) -> list[str]:
    return [word for word, _ in check(raw, found, at)]


def with_record(text: str) -> Records:
    return {key_name(): (text.encode(),)}


def test_the_example_of_rfc_8463_holds() -> None:
    """Made by others: ed25519 and RSA over the same mail (appendix A.3)."""
    raw = (ROOT / "tests/mail/dkim-rfc8463.eml").read_bytes()
    assert words(raw, RFC8463) == ["pass", "pass"]
    assert words(raw.replace(b"hungry", b"thirsty"), RFC8463) == ["fail", "fail"]


@pytest.mark.parametrize("forms", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"])
def test_what_dkimpy_signs_holds_in_every_form(forms: str) -> None:
    assert words(signed(forms=forms)) == ["pass"]


def test_what_we_sign_holds() -> None:
    keys = [SigningKey.generate(Algorithm.ED25519), key()]
    signer = Signer({DOMAIN: [DomainKey(f"k{n}", one) for n, one in enumerate(keys)]}, clock=now)
    found: Records = {key_name(selector=f"k{n}"): (one.record.encode(),) for n, one in enumerate(keys)}
    assert words(signer.signed(MAIL), found) == ["pass", "pass"]


def test_relaxed_forms_bear_what_relays_do_and_simple_ones_do_not() -> None:
    def refolded(raw: bytes) -> bytes:
        return raw.replace(b"Where is\r\n  my order?", b"Where  is my\r\n\torder?").replace(
            b"Hello,  ", b"Hello,"
        )

    assert words(refolded(signed())) == ["pass"]
    assert words(refolded(signed(forms="simple/simple"))) == ["fail"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda raw: raw + b"P.S. pay to another account\r\n", "fail"),
        (lambda raw: raw.replace(b"my order", b"my money"), "fail"),
        (lambda raw: b"From: Eve <eve@example.com>\r\n" + raw, "permerror"),
        (lambda raw: raw.replace(b"\r\nTo:", b"\r\nFrom: Eve <eve@example.com>\r\nTo:"), "permerror"),
        (lambda raw: raw.replace(b"Subject:", b"X-A: b\rSubject:"), "permerror"),
        (lambda raw: raw.replace(b"Subject:", b"X-A: b\nSubject:"), "permerror"),
        (lambda raw: raw.replace(b"a=rsa-sha256", b"a=rsa-sha1"), "policy"),
        (lambda raw: raw.replace(b"d=example.com", b"d=exam ple..com"), "permerror"),
        (lambda raw: raw.replace(b"s=s1", b"s="), "permerror"),
        (lambda raw: raw.replace(b"c=relaxed", b"c=strange"), "permerror"),
        (lambda raw: raw.replace(b"v=1", b"v=2"), "permerror"),
        (lambda raw: raw.replace(b" from", b" x-no").replace(b"h=from", b"h=x-no"), "permerror"),
        (lambda raw: raw.replace(b"i=@example.com", b"i=@example.net"), "permerror"),
        (lambda raw: raw.replace(b"i=@example.com", b"i=example.com"), "permerror"),
        (lambda raw: raw.replace(b"; t=", b"; t=99999999999; u="), "policy"),
        (lambda raw: raw.replace(b"; t=", b"; x=1500000000; t="), "policy"),
        (lambda raw: raw.replace(b"; t=", b"; t=soon; u="), "permerror"),
        (lambda raw: raw.replace(b"bh=", b"bh=?"), "permerror"),
        (lambda raw: raw.replace(b"DKIM-Signature: v=1;", b"DKIM-Signature: v=1; =; ;"), "permerror"),
        (lambda raw: raw.replace(b"DKIM-Signature:", b"DKIM-Signature:" + b" " * MAX_FIELD), "permerror"),
    ],
)
def test_a_changed_mail_or_signature_does_not_hold(change: Callable[[bytes], bytes], word: str) -> None:
    changed = change(signed())
    assert changed != signed()
    ((found, why),) = check(changed)
    assert (found, bool(why)) == (word, True)


def test_a_second_from_breaks_the_signature_where_only_one_was_signed() -> None:
    """Beside the count of From itself: the hash takes in what stands above the signed one."""
    mail = SignedMail(b"From: eve@example.com\r\n" + signed(include_headers=[b"from"]))
    assert [value for _, value in mail.select([b"from", b"from"])] == [
        b" Ann <ann@example.com>\r\n",
        b" eve@example.com\r\n",
    ]


@pytest.mark.parametrize(
    "added", [b"Subject: [T#2026112100017] again\r\n", b"Reply-To: eve@evil.example\r\n"]
)
def test_what_is_added_on_top_of_a_signed_mail_is_not_signed_by_that(added: bytes) -> None:
    """Whoever has a signed mail could send it again, into another ticket or with other answers."""
    listed = signed(include_headers=[b"from", b"to", b"subject"])
    assert words(listed) == ["pass"]
    assert words(added + listed) == ["policy"]
    assert words(added + signed(include_headers=[b"from", b"subject", b"subject", b"reply-to"])) == ["fail"]
    assert words(signed(b"Reply-To: ann@example.net\r\n" + MAIL)) == ["pass"]


def test_a_limit_on_the_body_is_ignored() -> None:
    """RFC 6376 section 8.2: who may add text below can put anything there."""
    limited = signed(length=True)
    assert b" l=" in limited
    assert words(limited) == ["pass"]  # nothing was added
    assert words(limited + b"Pay to another account\r\n") == ["fail"]


@pytest.mark.parametrize(
    ("record", "word"),
    [
        ("{good}", "pass"),
        ("v=DKIM1; n=a note; {p}", "pass"),
        ("{p}; s=email; h=sha1:sha256", "pass"),
        ("v=DKIM1; k=rsa; p=", "permerror"),
        ("v=DKIM2; {p}", "permerror"),
        ("{p}; h=sha1", "permerror"),
        ("{p}; s=tlsrpt", "permerror"),
        ("{p}; k=dsa", "permerror"),
        ("{p}; k=ed25519", "permerror"),
        ("v=DKIM1; p=AAAA", "permerror"),
        ("v=DKIM1; p=%%%", "permerror"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "permerror"),
        ("v=spf1 -all", "permerror"),
        ("", "permerror"),
    ],
)
def test_a_key_is_what_its_record_says(record: str, word: str) -> None:
    text = record.format(good=key().record, p=f"p={key().public}")
    assert words(signed(), with_record(text)) == [word]


def test_a_small_key_is_none() -> None:
    """512 bits, which anybody can factor (RFC 8301 section 3.2)."""
    small = (
        "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKj"
        "bJTWit+CqvjWYzvQwECAwEAAQ=="
    )
    assert check(signed(), with_record(f"p={small}")) == [("permerror", "an RSA key of 512 bits")]


def test_no_answer_and_no_key_are_two_things() -> None:
    assert words(signed(), {key_name(): None}) == ["temperror"]
    assert words(signed(), {}) == ["temperror"]
    assert words(signed(), {key_name(): ()}) == ["permerror"]
    assert words(signed(), {key_name(): (key().record.encode(), b"p=AAAA")}) == ["permerror"]


def test_a_failure_in_testing_is_none() -> None:
    testing = with_record(f"{key().record}; t=y")
    changed = signed().replace(b"Where is", b"Where's")
    assert (words(signed(), testing), words(changed, testing)) == (["pass"], ["neutral"])
    assert words(changed) == ["fail"]


def test_a_key_may_be_for_its_own_domain_only() -> None:
    exact = with_record(f"{key().record}; t=s")
    assert words(signed(), exact) == ["pass"]
    assert words(signed(identity=b"@mail.example.com"), exact) == ["permerror"]
    assert words(signed(identity=b"@mail.example.com")) == ["pass"]


def test_a_signature_counts_at_the_time_when_the_mail_came() -> None:
    """A mail that waited is not older for it."""
    raw = signed()
    assert words(raw, at=now() - 1_000_000) == ["policy"]  # signed in the future
    signer = Signer({DOMAIN: [DomainKey("s1", key())]}, clock=lambda: 1_700_000_000.0)
    week_old = signer.signed(MAIL)
    assert words(week_old, at=1_700_000_100.0) == ["pass"]
    assert words(week_old, at=1_702_000_000.0) == ["policy"]  # it has expired


def test_each_of_several_signatures_is_judged_for_itself() -> None:
    raw = signed(signed(), "example.net")
    found = {**records(), **records("example.net")}
    assert words(raw, found) == ["pass", "pass"]
    assert words(raw, {**found, key_name("example.net"): None}) == ["temperror", "pass"]


def test_a_mail_without_body_or_header_is_checked_like_any_other() -> None:
    assert words(signed(b"From: ann@example.com\r\n\r\n")) == ["pass"]
    assert words(b"") == []
    assert words(b"DKIM-Signature:") == ["permerror"]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "value",
    [
        b";b=" + b"\r\n " * 5000 + b"!",
        b"b=" * 8000,
        b"h=" + b"a:" * 8000,
        b"v=1; a=rsa-sha256; d=x.example; s=y; bh=AAAA; h=from:" + b"q:" * 7000 + b"; b=AAAA",
        b"t=" + b"9" * 16000,
        b"l=" + b"9" * 16000,
    ],
)
def test_the_longest_signature_takes_no_time(value: bytes) -> None:
    header = b"".join(b"X-%d: a\r\n" % number for number in range(900))
    raw = b"DKIM-Signature: " + value + b"\r\n" + header + MAIL
    assert words(raw) in (["permerror"], ["policy"], ["fail"], ["temperror"])


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", [b" ", b"\t ", b"\r\n", b" \r\n", b"\r", b"\n", b"a \t"])
def test_the_largest_body_takes_no_time(piece: bytes) -> None:
    raw = signed() + piece * (2_000_000 // len(piece)) + b"."
    assert words(raw) == words(raw.replace(b"c=relaxed/relaxed", b"c=simple/simple")) == ["fail"]


SIGNED = signed()


@settings(max_examples=200)
@given(st.binary(max_size=200), st.binary(max_size=100))
def test_any_signature_and_any_record_are_judged(value: bytes, record: bytes) -> None:
    good = SIGNED
    found: Records = {key_name(): (record,)}
    for raw in (b"DKIM-Signature: " + value + b"\r\n" + MAIL, value + good, good.replace(b"; bh", value)):
        assert set(words(raw, found)) <= {"fail", "permerror", "policy", "temperror", "neutral"}

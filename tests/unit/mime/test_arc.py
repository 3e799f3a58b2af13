"""Which chains of forwarders hold, and whom they vouch for (RFC 8617)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.arc import MAX_SETS, check_chain, read_chain, voucher_in
from mailproc.mime.signature import Records, SignedMail
from mailproc.model.authentication import Result, conclude
from tests.rig.signed_mails import MAIL, key_name, now, records, sealed

PASSED = "dkim=pass header.d=example.com; dmarc=pass (p=REJECT) header.from=example.com"
SUBSCRIBED = b"-- \r\nA list\r\n"
DOMAINS = ("one.example", "two.example", "three.example")


def forwarded(*domains: str) -> bytes:
    """Through these forwarders; each adds a line to the body, as lists do, before it seals."""
    raw = MAIL
    for number, domain in enumerate(domains):
        raw += SUBSCRIBED
        raw = sealed(raw, domain, PASSED if not number else f"{PASSED}; arc=pass")
    return raw


def check(raw: bytes, found: Records | None = None) -> Result | None:
    mail = SignedMail(raw)
    chain = read_chain(mail)
    return check_chain(chain, mail, records(*DOMAINS) if found is None else found, now()) if chain else None


def word(raw: bytes, found: Records | None = None) -> str:
    result = check(raw, found)
    return result.word if result else ""


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_chain_that_dkimpy_sealed_holds(count: int) -> None:
    result = check(forwarded(*DOMAINS[:count]))
    assert result is not None
    assert (result.word, result.properties) == ("pass", {"arc.chain": ":".join(reversed(DOMAINS[:count]))})


def test_a_key_for_no_subdomains_seals_as_every_other() -> None:
    """i= is the number of the set, and no identity (RFC 8617 section 4.1)."""
    found = {name: (b"t=s; " + texts[0],) for name, texts in records(*DOMAINS).items() if texts}
    assert word(forwarded(*DOMAINS), found) == "pass"


def test_a_mail_without_a_chain_has_none() -> None:
    assert check(MAIL) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"more\r\n",
        lambda raw: raw.replace(b"Subject: Where", b"Subject: There"),
        lambda raw: raw.replace(b"dkim=pass", b"dkim=fail", 1),
        lambda raw: raw.replace(b"cv=none", b"cv=pass"),
        lambda raw: raw.replace(b"cv=pass", b"cv=fail"),
        lambda raw: raw.replace(b"cv=pass", b"cv=none"),
        lambda raw: raw.replace(b"i=1", b"i=3"),
        lambda raw: raw.replace(b"i=2", b"i=1"),
        lambda raw: raw.replace(b"i=2", b"i=x"),
        lambda raw: raw.replace(b"d=one.example", b"d=two.example"),
        lambda raw: raw.replace(b"ARC-Seal: i=1", b"X-Seal: i=1"),
        lambda raw: raw.replace(b"ARC-Authentication-Results: i=1;", b"ARC-Authentication-Results:"),
        lambda raw: raw.replace(b"ARC-Seal: i=2;", b"ARC-Seal: i=2; h=from;"),
        lambda raw: raw.replace(b"h=from :", b"h=from : arc-seal :"),
        lambda raw: raw.replace(b"a=rsa-sha256", b"a=rsa-sha1"),
        lambda raw: b"From: eve@example.net\r\n" + raw,
        lambda raw: b"ARC-Seal: i=2; a=rsa-sha256; b=AAAA; cv=pass; d=x.example; s=s\r\n" + raw,
        lambda raw: raw.replace(b"Subject:", b"X-A: b\rSubject:"),
    ],
)
def test_a_changed_chain_does_not_hold(change: Callable[[bytes], bytes]) -> None:
    raw = forwarded(*DOMAINS[:2])
    assert change(raw) != raw
    assert word(change(raw)) == "fail"


def test_sets_that_are_older_may_have_seen_another_mail() -> None:
    """Only the newest message signature has to hold: forwarders change what they forward."""
    raw = forwarded(*DOMAINS[:2])
    mail = SignedMail(raw)
    chain = read_chain(mail)
    assert chain is not None
    assert key_name("one.example") in chain.key_names  # its seal is checked
    assert check_chain(chain, mail, records(*DOMAINS), now()).word == "pass"
    assert raw.count(SUBSCRIBED) == 2  # the first signature covered one of them


def test_no_answer_for_a_key_is_no_failure() -> None:
    found = {**records(*DOMAINS), key_name("one.example"): None}
    assert word(forwarded(*DOMAINS[:2]), found) == "temperror"
    assert word(forwarded(*DOMAINS[:2]), {**found, key_name("one.example"): ()}) == "fail"


def test_a_chain_longer_than_any_mails_is_not_checked() -> None:
    many = b"".join(b"ARC-Seal: i=%d; a=b\r\n" % number for number in range(1, MAX_SETS + 2))
    result = check(many + MAIL)
    assert result is not None
    assert (result.word, result.why) == ("fail", "too many sets")


def trusting(*domains: str) -> Callable[[str], bool]:
    return set(domains).__contains__


def test_the_first_of_the_trusted_forwarders_at_the_end_is_believed() -> None:
    raw = forwarded(*DOMAINS)
    sealers = [
        voucher.sealer if (voucher := voucher_in(raw, trusting(*trusted))) else ""
        for trusted in (DOMAINS, DOMAINS[1:], DOMAINS[2:], DOMAINS[:2], ())
    ]
    assert sealers == ["one.example", "two.example", "three.example", "", ""]


def test_what_a_forwarder_saw_is_read_like_the_results_of_a_server() -> None:
    voucher = voucher_in(forwarded("one.example"), trusting("one.example"))
    assert voucher is not None
    assert conclude([], "example.com", voucher=voucher).aligned
    assert not conclude([], "example.net", voucher=voucher).aligned


SEALED = forwarded("one.example")


@settings(max_examples=100)
@given(st.binary(max_size=100), st.sampled_from([b"Seal", b"Message-Signature", b"Authentication-Results"]))
def test_any_set_is_judged(value: bytes, name: bytes) -> None:
    for raw in (MAIL, SEALED):
        assert word(b"ARC-" + name + b": " + value + b"\r\n" + raw) in ("fail", "temperror")

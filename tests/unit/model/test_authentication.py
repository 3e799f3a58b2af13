"""What follows from single results for the trust in an author."""

from __future__ import annotations

import pytest

from mailproc.model.authentication import Result, Voucher, conclude
from mailproc.model.dmarc import DmarcRecord
from mailproc.model.judgement import AuthResult

PASS, FAIL, NONE, TEMPERROR = AuthResult.PASS, AuthResult.FAIL, AuthResult.NONE, AuthResult.TEMPERROR
AUTHOR = "example.com"
SIGNED = Result("dkim", "pass", {"header.d": "mail.example.com"})
SIGNED_BY_OTHER = Result("dkim", "pass", {"header.d": "example.net"})
SENT = Result("spf", "pass", {"smtp.mailfrom": "bounce.example.com"})
SENT_BY_OTHER = Result("spf", "pass", {"smtp.mailfrom": "example.net"})
REJECT = DmarcRecord("reject")
STRICT = DmarcRecord("reject", strict_dkim=True, strict_spf=True)


@pytest.mark.parametrize(
    ("results", "record", "dmarc", "aligned"),
    [
        ([SIGNED], REJECT, PASS, True),
        ([SENT], REJECT, PASS, True),
        ([SIGNED_BY_OTHER, SIGNED], REJECT, PASS, True),
        ([SIGNED, SENT], STRICT, FAIL, False),
        ([SIGNED], STRICT, NONE, False),  # SPF is not known: it may have passed
        ([Result("dkim", "pass", {"header.d": AUTHOR})], STRICT, PASS, True),
        ([SIGNED_BY_OTHER, SENT_BY_OTHER], REJECT, FAIL, False),
        ([Result("spf", "none")], REJECT, FAIL, False),
        ([SIGNED_BY_OTHER], REJECT, NONE, False),
        ([], REJECT, NONE, False),
        ([Result("dkim", "temperror"), Result("spf", "fail")], REJECT, TEMPERROR, False),
        ([Result("dkim", "temperror"), SENT], REJECT, PASS, True),
        ([SIGNED], None, NONE, True),
        ([SIGNED_BY_OTHER, SENT_BY_OTHER], None, NONE, False),
        ([SIGNED, Result("dmarc", "fail", {"header.from": AUTHOR})], None, FAIL, False),
        ([SIGNED, Result("dmarc", "temperror", {"header.from": AUTHOR})], None, TEMPERROR, True),
        ([Result("spf", "pass", {"smtp.helo": AUTHOR})], REJECT, FAIL, False),
    ],
)
def test_dmarc_is_judged_by_alignment(
    results: list[Result], record: DmarcRecord | None, dmarc: AuthResult, aligned: bool
) -> None:
    found = conclude(results, AUTHOR, record=record)
    assert (found.dmarc, found.aligned) == (dmarc, aligned)


def test_nobody_is_authenticated_by_what_proves_everybody() -> None:
    found = conclude([SIGNED, Result("dmarc", "pass")], "", record=REJECT)
    assert (found.dmarc, found.aligned) == (NONE, False)


def test_a_domain_with_a_policy_has_one_whatever_came_of_it() -> None:
    assert conclude([], AUTHOR, record=REJECT).has_policy
    assert conclude([Result("dmarc", "temperror")], AUTHOR).has_policy
    assert not conclude([SIGNED], AUTHOR).has_policy


FAILED = [Result("spf", "fail", {"smtp.mailfrom": AUTHOR}), Result("dmarc", "fail", {"header.from": AUTHOR})]


def test_a_trusted_forwarder_vouches_for_what_broke_on_the_way() -> None:
    saw = Voucher("google.com", (Result("dmarc", "pass", {"header.from": AUTHOR}),))
    found = conclude(FAILED, AUTHOR, voucher=saw)
    assert (found.dmarc, found.aligned, found.failed) == (FAIL, True, False)
    assert "google.com" in found.reasons[-1]


@pytest.mark.parametrize(
    "saw",
    [
        Result("dmarc", "fail", {"header.from": AUTHOR}),
        Result("dmarc", "pass", {"header.from": "example.net"}),
    ],
)
def test_a_forwarder_vouches_for_nothing_that_it_did_not_see(saw: Result) -> None:
    found = conclude(FAILED, AUTHOR, voucher=Voucher("google.com", (saw,)))
    assert (found.aligned, found.failed) == (False, True)

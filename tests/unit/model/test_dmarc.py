"""Reading DMARC records (RFC 7489 section 6.3)."""

from __future__ import annotations

import pytest

from mailproc.model.dmarc import DmarcRecord, policy_domains, read_policy


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([b"v=DMARC1; p=reject"], DmarcRecord("reject")),
        ([b"v=DMARC1;p=NONE;adkim=s;aspf=r"], DmarcRecord("none", strict_dkim=True)),
        ([b" v = DMARC1 ; p = quarantine ; aspf = S ;"], DmarcRecord("quarantine", strict_spf=True)),
        ([b"v=spf1 -all", b"v=DMARC1; p=none"], DmarcRecord("none")),
        ([b"v=DMARC1; rua=mailto:x@example.com"], DmarcRecord("none")),
        ([b"v=DMARC1; p=whatever"], None),
        ([b"v=DMARC1; p=none", b"v=DMARC1; p=reject"], None),
        ([b"p=reject; v=DMARC1"], None),
        ([b"v=DMARC2; p=reject"], None),
        ([b"\xff\x00=;;;"], None),
        ([b""], None),
        ([], None),
    ],
)
def test_a_record_is_read(texts: list[bytes], found: DmarcRecord | None) -> None:
    assert read_policy(texts) == found


def test_below_its_organisation_a_domain_has_the_policy_of_subdomains() -> None:
    assert read_policy([b"v=DMARC1; p=reject; sp=none"], below=True) == DmarcRecord("none")
    assert read_policy([b"v=DMARC1; p=reject"], below=True) == DmarcRecord("reject")


def test_where_a_policy_is_looked_for() -> None:
    assert policy_domains("mail.example.co.uk") == ("mail.example.co.uk", "example.co.uk")
    assert policy_domains("example.com") == ("example.com",)
    assert policy_domains("") == ()

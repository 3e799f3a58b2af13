"""Certificates into contexts, or a line that says what is wrong."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailproc.listen.tls import BadCertificate, expires, server_context
from tests.rig.certificate import Certificate, make_certificate


@pytest.fixture
def made(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


def test_key_and_certificate_may_be_in_one_file(made: Certificate, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(made.key.read_bytes() + made.certificate.read_bytes())
    assert server_context(both, None).minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_end_of_a_certificate_is_read(tmp_path: Path) -> None:
    assert (
        timedelta(days=6)
        < expires(make_certificate(tmp_path, days=7).certificate) - datetime.now(UTC)
        <= timedelta(days=7)
    )


def test_a_key_of_another_certificate_is_told(made: Certificate, tmp_path: Path) -> None:
    other = make_certificate(tmp_path / "other")
    with pytest.raises(BadCertificate, match="does not belong to the certificate"):
        server_context(made.certificate, other.key)


def test_an_encrypted_key_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, password=b"secret")
    with pytest.raises(BadCertificate, match="no certificate with an unencrypted key"):
        server_context(made.certificate, made.key)


@pytest.mark.parametrize("text", ["", "Dear Sir or Madam", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "certificate.pem"
    path.write_text(text)
    with pytest.raises(BadCertificate, match="no certificate with an unencrypted key"):
        server_context(path, None)
    with pytest.raises(BadCertificate, match="holds no certificate"):
        expires(path)


def test_a_file_that_is_not_there_is_named(made: Certificate, tmp_path: Path) -> None:
    with pytest.raises(BadCertificate, match=r"missing\.pem cannot be read"):
        server_context(made.certificate, tmp_path / "missing.pem")
    with pytest.raises(BadCertificate, match=r"missing\.pem cannot be read"):
        expires(tmp_path / "missing.pem")

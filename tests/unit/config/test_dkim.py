"""Signing keys in the configuration: what cannot sign is told before it would have to."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.check.dkim import configured_keys
from mailproc.model.signing_key import Algorithm, SigningKey
from tests.unit.config.conftest import DESK, Check, Mistakes

BOTH = """\
[dkim."example.org"]
selector = "mp1"
key_file = "rsa.pem"
ed25519_selector = "mp1e"
ed25519_key_file = "ed25519.pem"
"""


@pytest.fixture(autouse=True)
def keys(tmp_path: Path) -> dict[Algorithm, SigningKey]:
    """A key of each kind, in rsa.pem and ed25519.pem."""
    made = {algorithm: SigningKey.generate(algorithm) for algorithm in Algorithm}
    for algorithm, key in made.items():
        path = tmp_path / f"{algorithm}.pem"
        path.write_bytes(key.render())
        path.chmod(0o600)
    return made


def test_both_keys_are_found_with_the_names_of_their_records(
    check: Check, keys: dict[Algorithm, SigningKey]
) -> None:
    found = list(configured_keys(check(BOTH + DESK).config))
    assert [key.name for key in found] == ["mp1._domainkey.example.org", "mp1e._domainkey.example.org"]
    assert [key.key.public for key in found] == [key.public for key in keys.values()]


def test_one_key_is_enough(check: Check) -> None:
    text = '[dkim."Example.ORG"]\ned25519_selector = "e"\ned25519_key_file = "ed25519.pem"\n' + DESK
    (found,) = configured_keys(check(text).config)
    assert found.name == "e._domainkey.example.org"


def test_without_a_table_nothing_signs(check: Check) -> None:
    assert list(configured_keys(check(DESK).config)) == []


def test_a_credential_is_a_key_file(check: Check, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (tmp_path / "rsa.pem").rename(credentials / "dkim.example.org.key")
    text = '[dkim."example.org"]\nselector = "s"\n' + DESK
    (found,) = configured_keys(check(text, {"CREDENTIALS_DIRECTORY": str(credentials)}).config)
    assert found.key.algorithm is Algorithm.RSA


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ('"rsa.pem"', '"none.pem"', '3: dkim."example.org".key_file: '),
        ('"rsa.pem"', '"ed25519.pem"', '3: dkim."example.org".key_file: '),
        ('"ed25519.pem"', '"rsa.pem"', '5: dkim."example.org".ed25519_key_file: '),
        ('selector = "mp1"\n', "", '1: dkim."example.org".selector: missing'),
        ('"mp1e"', '"MP1"', '4: dkim."example.org".ed25519_selector: two keys'),
        ('"mp1"', '"mp 1"', '2: dkim."example.org".selector: "mp 1" is no selector'),
        ('"mp1"', '"' + "s" * 64 + '"', '2: dkim."example.org".selector: '),
        ('key_file = "rsa.pem"\n', "", '2: dkim."example.org".selector: has no key'),
        ('"example.org"', '"example..org"', '1: dkim."example..org": "example..org" is no domain'),
    ],
)
def test_what_cannot_sign_is_refused_at_its_line(mistakes: Mistakes, old: str, new: str, wrong: str) -> None:
    assert old in BOTH
    (found,) = mistakes(BOTH.replace(old, new, 1) + DESK)
    assert found.startswith(wrong)


def test_an_empty_table_is_refused(mistakes: Mistakes) -> None:
    (found,) = mistakes('[dkim."example.org"]\n' + DESK)
    assert "no key: " in found


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
def test_a_key_that_everyone_may_read_is_refused(mistakes: Mistakes, tmp_path: Path, mode: int) -> None:
    (tmp_path / "rsa.pem").chmod(mode)
    (found,) = mistakes(BOTH + DESK)
    assert "is open to everyone" in found


def test_what_is_no_key_is_refused_without_showing_it(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "rsa.pem").write_text("s3cret\n")
    (found,) = mistakes(BOTH + DESK)
    assert "holds no private key" in found
    assert "s3cret" not in found


def test_a_domain_from_which_nobody_writes_is_a_warning(check: Check) -> None:
    warnings = check(BOTH.replace("example.org", "example.net") + DESK).warnings
    told = 'dkim."example.net": no desk and no agent has an address at this domain'
    assert [warning.partition(":1: ")[2] for warning in warnings if "dkim" in warning] == [told]

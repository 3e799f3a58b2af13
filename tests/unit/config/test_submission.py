"""The listener of the agents: its certificate, and who can log in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.certificate import Certificate, make_certificate
from tests.unit.config.conftest import DESK, Check, Mistakes

LISTEN = '[submission]\nlisten = ["0.0.0.0:587"]\ntls = "starttls"\n'
AGENTS = f"""\
{DESK}agents = ["alice", "bob"]
[agent.alice]
address = "alice@example.org"
[agent.bob]
address = "bob@example.org"
"""


@pytest.fixture
def made(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture
def with_certificate(made: Certificate) -> str:
    return f'{LISTEN}certificate = "{made.certificate.name}"\nprivate_key = "{made.key.name}"\n'


def said_of(warnings: tuple[str, ...], key: str) -> list[str]:
    return [line.partition(f" {key}: ")[2] for line in warnings if f" {key}: " in line]


def test_a_certificate_is_found_beside_the_configuration(
    check: Check, made: Certificate, with_certificate: str
) -> None:
    loaded = check(with_certificate + DESK)
    assert loaded.config.submission.certificate == str(made.certificate)
    assert loaded.config.submission.private_key == str(made.key)
    assert said_of(loaded.warnings, "submission.certificate") == []


def test_tls_without_a_certificate_is_a_mistake(mistakes: Mistakes) -> None:
    assert mistakes(LISTEN + DESK) == ['1: submission.certificate: missing: "starttls" needs one']


def test_a_certificate_that_cannot_be_used_is_a_mistake(
    mistakes: Mistakes, made: Certificate, with_certificate: str
) -> None:
    made.certificate.write_text("Dear Sir or Madam")
    (mistake,) = mistakes(with_certificate + DESK)
    assert mistake.startswith("4: submission.certificate: ")
    assert "no certificate with an unencrypted key" in mistake


@pytest.mark.parametrize("mode", [0o644, 0o604])
def test_a_key_open_to_everyone_is_a_mistake(
    mistakes: Mistakes, made: Certificate, with_certificate: str, mode: int
) -> None:
    made.key.chmod(mode)
    (mistake,) = mistakes(with_certificate + DESK)
    assert mistake.startswith(f"5: submission.private_key: {made.key} holds a key and is open to everyone")


def test_an_expired_certificate_is_a_warning(check: Check, tmp_path: Path, with_certificate: str) -> None:
    make_certificate(tmp_path, days=-3)
    (warning,) = said_of(check(with_certificate + DESK).warnings, "submission.certificate")
    assert warning.startswith("expired on 2")


def test_a_certificate_without_tls_is_a_warning(check: Check) -> None:
    text = f'[submission]\nlisten = ["127.0.0.1:8587"]\ncertificate = "c.pem"\n{DESK}'
    assert said_of(check(text).warnings, "submission.certificate") == ['not used, as tls is "none"']


def test_certificate_and_key_may_be_credentials_of_systemd(check: Check, tmp_path: Path) -> None:
    credentials = make_certificate(tmp_path / "credentials")
    for name, path in (("certificate", credentials.certificate), ("private_key", credentials.key)):
        path.rename(path.parent / f"submission.{name}")
    config = check(LISTEN + DESK, {"CREDENTIALS_DIRECTORY": f"{tmp_path}/credentials"}).config
    assert config.submission.certificate == f"{tmp_path}/credentials/submission.certificate"
    assert config.submission.private_key == f"{tmp_path}/credentials/submission.private_key"


@pytest.mark.parametrize("login", ["bob", "BOB", "bob@example.org"])
def test_a_login_is_one_agents_only(mistakes: Mistakes, login: str) -> None:
    text = AGENTS.replace("[agent.bob]", f'login = "{login}"\n[agent.bob]')
    found = mistakes(f'[submission]\nauth = "dovecot:/run/auth"\n{text}')
    assert found == [f'8: agent.alice.login: "{login}" is already how bob logs in']


def test_a_login_is_not_used_with_passwords_of_our_own(check: Check) -> None:
    text = AGENTS.replace("[agent.bob]", 'login = "a.ang"\n[agent.bob]')
    assert said_of(check(text).warnings, "agent.alice.login") == [
        "not used: with passwords of our own, agents log in as name or address"
    ]
    assert said_of(check(f'[submission]\nauth = "dovecot:/x"\n{text}').warnings, "agent.alice.login") == []

"""Secrets come from the configuration, from a file of their own, or from systemd's credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproc.check.load import load
from tests.unit.config.conftest import DESK, Check, Mistakes

RELAY = '[relay]\nuser = "m"\n'


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "relay.password"
    path.write_text("s3cret\n")
    path.chmod(0o600)
    return path


def relay_password(check: Check, text: str, environment: dict[str, str] | None = None) -> str:
    relay = check(text + DESK, environment).config.relay
    assert relay is not None
    return relay.password


def test_a_password_file_is_read_without_its_newline(check: Check, secret: Path) -> None:
    assert relay_password(check, f'{RELAY}password_file = "{secret.name}"\n') == "s3cret"


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
def test_a_password_file_open_to_everyone_is_refused(mistakes: Mistakes, secret: Path, mode: int) -> None:
    secret.chmod(mode)
    (found,) = mistakes(f'{RELAY}password_file = "{secret.name}"\n{DESK}')
    assert found.startswith(f"3: relay.password_file: {secret} is open to everyone (mode {mode:04o})")


def test_a_group_may_read_a_password_file(check: Check, secret: Path) -> None:
    secret.chmod(0o640)
    assert relay_password(check, f'{RELAY}password_file = "{secret.name}"\n') == "s3cret"


def test_a_missing_password_file_is_a_mistake(mistakes: Mistakes) -> None:
    (found,) = mistakes(f'{RELAY}password_file = "none"\n{DESK}')
    assert found.startswith("3: relay.password_file: ")
    assert found.endswith("none cannot be read: No such file or directory")


def test_an_empty_password_file_is_a_mistake(mistakes: Mistakes, secret: Path) -> None:
    secret.write_text("\n")
    (found,) = mistakes(f'{RELAY}password_file = "{secret.name}"\n{DESK}')
    assert found.endswith("is empty")


def test_a_password_is_given_once(mistakes: Mistakes, secret: Path) -> None:
    found = mistakes(f'{RELAY}password = "x"\npassword_file = "{secret.name}"\n{DESK}')
    assert found == ["4: relay.password_file: given twice: password stands here too"]


def test_a_credential_of_systemd_is_used_where_nothing_else_is_given(check: Check, secret: Path) -> None:
    environment = {"CREDENTIALS_DIRECTORY": str(secret.parent)}
    assert relay_password(check, RELAY, environment) == "s3cret"
    assert relay_password(check, f'{RELAY}password = "own"\n', environment) == "own"


def test_the_url_of_the_store_may_be_a_credential(check: Check, tmp_path: Path) -> None:
    (tmp_path / "store.url").write_text("postgresql://mailproc:s3cret@db.example.org/mailproc\n")
    config = check(DESK, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).config
    assert config.store.url == "postgresql://mailproc:s3cret@db.example.org/mailproc"


def test_the_key_of_tags_may_be_a_credential(check: Check, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key\n")
    config = check(DESK, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).config
    assert config.secret_file == f"{tmp_path}/secret"


def test_a_key_file_open_to_everyone_is_refused(mistakes: Mistakes, secret: Path) -> None:
    secret.chmod(0o644)
    (found,) = mistakes(f'secret_file = "{secret.name}"\n{DESK}')
    assert found.startswith("1: secret_file: ")


def test_a_password_in_a_file_that_everyone_reads_is_warned_of(check: Check, tmp_path: Path) -> None:
    text = f'{RELAY}password = "x"\n{DESK}'
    assert not [line for line in check(text).warnings if "everyone" in line]
    path = tmp_path / "mailproc.toml"
    path.chmod(0o644)
    assert [line for line in load(path, {}).warnings if "3: relay.password: everyone may read" in line]


@pytest.mark.parametrize(
    ("text", "is_hash"),
    [
        ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$" + "QUJD" * 8, True),
        ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$replace-me", False),
        ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$QUJD", False),
        ("alice", False),
    ],
)
def test_a_password_hash_that_is_none_is_a_warning(check: Check, text: str, is_hash: bool) -> None:
    loaded = check(f'{DESK}agents = ["alice"]\n[agent.alice]\npassword_hash = "{text}"\n')
    warned = [line for line in loaded.warnings if "5: agent.alice.password_hash: is no hash" in line]
    assert len(warned) == (0 if is_hash else 1)

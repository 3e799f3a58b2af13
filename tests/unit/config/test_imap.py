"""The rules of ``[imap]``: how to log in, and what the folders are called."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest

from mailproc.check.mailboxes import folder_names, imap_settings
from mailproc.config import ImapSection, NamesSection
from mailproc.imap.tree import FolderNames
from tests.unit.config.conftest import DESK, Check, Mistakes

IMAP = '[imap]\npassword = "secret"\n'


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ('login = "oauth"', '3: imap.login: "oauth" is not one of plain, xoauth2, master'),
        ('login = "xoauth2"', '3: imap.login: "xoauth2" needs token_file or token_command, and neither is'),
        (
            'token_file = "t"\ntoken_command = ["sh"]\nlogin = "xoauth2"',
            '5: imap.login: "xoauth2" needs token_file or token_command, and both are given',
        ),
        ('token_command = ["sh"]', '3: imap.token_command: is for login = "xoauth2"'),
        (
            'login = "xoauth2"\ntoken_command = ["no-such-program"]',
            "4: imap.token_command[0]: there is no program no-such-program",
        ),
        ('login = "master"', '3: imap.login: "master" needs master_user'),
        ('master_user = "root"', '3: imap.master_user: is for login = "master"'),
        ('user = ""', "3: imap.user: nobody can log in without a name"),
        ('ca_file = "none.pem"', "3: imap.ca_file: "),
        ("timeout = 0", "3: imap.timeout: expected float > 0.0"),
        ('[imap.names]\nnew = ""', "4: imap.names.new: '' is no name of a folder"),
        ('[imap.names]\nnew = "a/b"', "4: imap.names.new: 'a/b' is no name of a folder"),
        ('[imap.names]\nnew = "50%"', "4: imap.names.new: '50%' is no name of a folder"),
        ('[imap.names]\nnew = "a\\u0007"', r"4: imap.names.new: 'a\x07' is no name of a folder"),
        ('[imap.names]\nspam = "closed"', '4: imap.names.spam: "closed" is already the name of closed'),
        ('[imap.names]\nnew = "@home"', '4: imap.names.new: "@home" looks like the folder of an agent'),
        ('[imap.names]\nagent = ""', "4: imap.names.agent: '' is no name of a folder"),
        ('[imap.names]\nneu = "x"', '4: imap.names.neu: unknown key (did you mean "new"?)'),
    ],
)
def test_each_rule_names_its_line_and_key(mistakes: Mistakes, keys: str, mistake: str) -> None:
    assert [line for line in mistakes(f"{IMAP}{keys}\n{DESK}") if line.startswith(mistake)]


def test_a_file_without_certificates_is_told(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("Dear Sir or Madam\n")
    (found,) = mistakes(f'{IMAP}ca_file = "ca.pem"\n{DESK}')
    assert found == f"3: imap.ca_file: {tmp_path}/ca.pem holds no certificates"


def test_agents_need_folders_of_their_own(mistakes: Mistakes) -> None:
    """``imap/tree.py`` writes a dot as _."""
    agents = 'agents = ["a.b", "a_b"]\n[agent."a.b"]\n[agent.a_b]\n'
    assert mistakes(f"{IMAP}{DESK}{agents}") == [
        "5: desk.support.agents[1]: a_b and a.b would have the same folder"
    ]


def test_a_folder_has_no_wildcards_and_no_empty_levels(mistakes: Mistakes) -> None:
    for folder in ("Support*", "Team//Support"):
        assert mistakes(f'{IMAP}{DESK}folder = "{folder}"\n') == [
            f"5: desk.support.folder: {folder!r} is no name of a folder"
        ]


def test_a_token_that_everyone_may_read_is_refused(mistakes: Mistakes, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    token.chmod(0o644)
    (found,) = mistakes(f'[imap]\nlogin = "xoauth2"\ntoken_file = "token"\n{DESK}')
    assert found == f"3: imap.token_file: {token} is open to everyone: chmod o= it"


def test_a_token_that_is_not_there_yet_is_a_warning(check: Check, tmp_path: Path) -> None:
    loaded = check(f'[imap]\nlogin = "xoauth2"\ntoken_file = "token"\n{DESK}')
    (told,) = [line for line in loaded.warnings if ": imap.token_file: " in line]
    assert told.endswith(f":3: imap.token_file: {tmp_path}/token cannot be read: No such file or directory")


def test_a_token_may_be_a_credential_of_systemd(check: Check, tmp_path: Path) -> None:
    (tmp_path / "imap.token").write_text("x")
    (tmp_path / "imap.token").chmod(0o600)
    loaded = check(f'[imap]\nlogin = "xoauth2"\n{DESK}', {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert loaded.config.imap is not None
    assert loaded.config.imap.token_file == str(tmp_path / "imap.token")


def test_the_client_gets_what_the_section_says(check: Check, tmp_path: Path) -> None:
    """With paths from the configuration's folder; a program is looked for in $PATH or is a path."""
    keys = f'address = "[::1]:10993"\nlogin = "xoauth2"\ntoken_command = ["{sys.executable}", "-V"]\n'
    loaded = check(f"{IMAP}{keys}{DESK}")
    assert loaded.config.imap is not None
    settings = imap_settings(loaded.config.imap)
    assert (settings.host, settings.port, settings.user, settings.tls) == (
        "::1",
        10993,
        "mailproc",
        "implicit",
    )
    assert settings.token_command == (str(Path(sys.executable).resolve()), "-V")
    assert "secret" not in repr(settings)


def test_names_are_the_same_here_and_there() -> None:
    """The client's part must not import the configuration's."""
    assert asdict(FolderNames()) == msgspec.structs.asdict(NamesSection())
    assert folder_names(ImapSection(names=NamesSection(new="Neu"))) == FolderNames(new="Neu")


def test_only_a_master_user_acts_as_somebody_else() -> None:
    plain = imap_settings(ImapSection(password="x"))
    with pytest.raises(ValueError, match="master"):
        plain.on_behalf_of("alice")
    master = imap_settings(ImapSection(password="x", login="master", master_user="root"))
    assert master.on_behalf_of("alice").user == "alice"

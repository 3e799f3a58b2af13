"""Rules for the login at the IMAP server and for what the folders are called."""

from __future__ import annotations

import shutil
import ssl
import stat
import unicodedata
from pathlib import Path

from msgspec.structs import asdict

from mailproc.config import Config, DeskSection, ImapSection, NamesSection
from mailproc.model.mistake import Findings

WILDCARDS = frozenset("%*")  # RFC 3501 section 6.3.8


def check_imap(config: Config, findings: Findings) -> None:
    """All rules of this file."""
    if config.imap is None:
        return
    _check_login(config.imap, findings)
    _check_authority(config.imap, findings)
    _check_names(config.imap.names, findings)
    for name, desk in config.desk.items():
        _check_desk(name, desk, findings)


def _check_login(imap: ImapSection, findings: Findings) -> None:
    ways = [key for key in ("token_file", "token_command") if getattr(imap, key)]
    if imap.login == "xoauth2" and len(ways) != 1:
        found = "both are given" if ways else "neither is"
        findings.refuse(f'"xoauth2" needs token_file or token_command, and {found}', "imap", "login")
    elif imap.login != "xoauth2":
        for key in ways:
            findings.refuse('is for login = "xoauth2"', "imap", key)
    if imap.login == "master" and not imap.master_user:
        findings.refuse('"master" needs master_user', "imap", "login")
    elif imap.login != "master" and imap.master_user:
        findings.refuse('is for login = "master"', "imap", "master_user")
    if not imap.user:
        findings.refuse("nobody can log in without a name", "imap", "user")
    _check_token(imap, findings)


def _check_token(imap: ImapSection, findings: Findings) -> None:
    """A token comes and goes, so it may be missing now; but nobody else may read it."""
    if imap.token_command and not shutil.which(imap.token_command[0]):
        findings.refuse(f"there is no program {imap.token_command[0]}", "imap", "token_command", 0)
    if not imap.token_file:
        return
    try:
        mode = Path(imap.token_file).stat().st_mode
    except OSError as error:
        findings.warn(f"{imap.token_file} cannot be read: {error.strerror}", "imap", "token_file")
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        findings.refuse(f"{imap.token_file} is open to everyone: chmod o= it", "imap", "token_file")


def _check_authority(imap: ImapSection, findings: Findings) -> None:
    if not imap.ca_file:
        return
    try:
        ssl.create_default_context(cafile=imap.ca_file)
    except ssl.SSLError:
        findings.refuse(f"{imap.ca_file} holds no certificates", "imap", "ca_file")
    except OSError as error:
        findings.refuse(f"{imap.ca_file} cannot be read: {error.strerror}", "imap", "ca_file")


def _check_names(names: NamesSection, findings: Findings) -> None:
    taken: dict[str, str] = {}
    prefix = _comparable(names.agent)
    for key, name in asdict(names).items():
        if not _is_name(name):
            findings.refuse(f"{name!r} is no name of a folder", "imap", "names", key)
        elif key != "agent" and _comparable(name).startswith(prefix):
            findings.refuse(f'"{name}" looks like the folder of an agent', "imap", "names", key)
        elif _comparable(name) in taken:
            text = f'"{name}" is already the name of {taken[_comparable(name)]}'
            findings.refuse(text, "imap", "names", key)
        taken.setdefault(_comparable(name), key)


def _check_desk(name: str, desk: DeskSection, findings: Findings) -> None:
    folder = desk.folder or name
    if WILDCARDS & {*folder} or "//" in folder:
        findings.refuse(f"{folder!r} is no name of a folder", "desk", name, "folder")
    taken: dict[str, str] = {}
    for number, agent in enumerate(desk.agents):
        twin = taken.setdefault(_comparable(agent), agent)
        if twin != agent:
            text = f"{agent} and {twin} would have the same folder"
            findings.refuse(text, "desk", name, "agents", number)


def _is_name(name: str) -> bool:
    """Can be a level of a mailbox' name on any server?"""
    return (
        bool(name)
        and name.isprintable()
        and name == name.strip()
        and not WILDCARDS & {*name}
        and "/" not in name
    )


def _comparable(name: str) -> str:
    """As ``imap/tree.py`` writes it, and without case, because some servers know none."""
    return unicodedata.normalize("NFC", name).replace(".", "_").casefold()

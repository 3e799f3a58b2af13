"""An agent who works offline: a Maildir of his own that isync's ``mbsync`` brings up to date."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from pathlib import Path

from tests.rig.dovecot import Dovecot

CONFIGURATION = """\
IMAPAccount desk
Host 127.0.0.1
Port {port}
User {agent}
Pass {agent}
SSLType None
AuthMechs PLAIN
Timeout 60

IMAPStore far
Account desk

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/Inbox
SubFolders Verbatim

Channel new
Far :far:Support/
Near :near:
Patterns New
Create Near
Expunge Both
SyncState {folder}/state/
CopyArrivalDate yes

Channel others
Far :far:Support/
Near :near:
Patterns @{agent} Closed Answered
Create Near
Expunge Near
SyncState {folder}/state/
CopyArrivalDate yes

Group desk
Channels new others
"""
_serial = itertools.count(1)
_MESSAGE_ID = re.compile(rb"^Message-ID: *(\S+)", re.MULTILINE | re.IGNORECASE)


class OfflineAgent:
    """Has the desk's New, his own folder, Closed and Answered in ``folder``."""

    def __init__(self, dovecot: Dovecot, agent: str, folder: Path) -> None:
        self.agent = agent
        self._mail = folder / "mail"
        self._configuration = folder / "mbsyncrc"
        for each in (self._mail, folder / "state"):
            each.mkdir(parents=True)
        self._configuration.write_text(CONFIGURATION.format(port=dovecot.port, agent=agent, folder=folder))

    @staticmethod
    def is_installed() -> bool:
        return shutil.which("mbsync") is not None

    def sync(self) -> None:
        """Both sides get what the other has; AssertionError with what mbsync says where it fails."""
        done = subprocess.run(
            ["mbsync", "-q", "-c", str(self._configuration), "desk"],
            capture_output=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")

    def has(self, mailbox: str) -> dict[str, Path]:
        """The mails of a mailbox by their Message-ID."""
        found = {}
        for path in sorted((self._mail / mailbox).glob("[cn][ue][rw]/*")):
            named = _MESSAGE_ID.search(path.read_bytes())
            found[named[1].decode() if named else path.name] = path
        return found

    def move(self, message_id: str, source: str, target: str) -> None:
        """As mail clients do: into the other mailbox under a name that is new there."""
        path = self.has(source)[message_id]
        self.rename(path, target)

    def rename(self, path: Path, target: str) -> None:
        path.rename(self._mail / target / "cur" / f"{next(_serial)}.offline:2,S")

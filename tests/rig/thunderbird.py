"""Thunderbird for one agent, in a display of its own, driven by mouse and keyboard.

Scripts only look (where a folder is, what is open); what an agent does with his hands is done with a
mouse and a keyboard.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.rig import thunderbird_scripts as scripts
from tests.rig.marionette import Marionette
from tests.rig.ports import free_port
from tests.rig.screen import HEIGHT, WIDTH, Screen
from tests.rig.waiting import eventually

PROGRAMS = {"thunderbird": "thunderbird"}  # and Debian's package of it

# It asks nobody for updates, opens no page to welcome its user, and makes no noise.
QUIET = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "extensions.getAddons.cache.enabled": False,
    "extensions.update.enabled": False,
    "mail.biff.play_sound": False,
    "mail.biff.show_alert": False,
    "mail.inappnotifications.enabled": False,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.tabs.drawInTitlebar": False,
    "mailnews.start_page.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}
SERVER, IDENTITY, OUTGOING = "mail.server.server1", "mail.identity.id1", "mail.smtpserver.smtp1"


class Thunderbird:
    """The mail client of ``agent``, whose password is his name, with a profile of its own below ``folder``.

    ``imap`` and ``submission`` are ports on loopback, without TLS; ``settings`` are further preferences.
    """

    def __init__(
        self,
        folder: Path,
        screen: Screen,
        agent: str,
        *,
        imap: int,
        submission: int,
        settings: dict[str, object] | None = None,
    ) -> None:
        self.agent = agent
        self._screen = screen
        self._port = free_port()
        self._marionette: Marionette | None = None
        self._profile = folder / f"thunderbird-{agent}"
        self._profile.mkdir()
        chosen = {
            **QUIET,
            **_account(agent, imap, submission),
            **(settings or {}),
            "marionette.port": self._port,
        }
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in chosen.items()]
        (self._profile / "user.js").write_text("".join(lines))

    def start(self) -> None:
        """Until its window is there; it then knows its passwords and looks for folders."""
        self._launch()
        self._marionette = eventually(self._connect, seconds=90, every=0.5)
        eventually(lambda: self.look(scripts.IS_READY))
        self.look(scripts.REMEMBER_PASSWORDS, self.agent)
        self.look(scripts.FILL_THE_SCREEN, WIDTH, HEIGHT)

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        if self._marionette:
            self._marionette.close()

    def look(self, script: str, *arguments: object) -> Any:
        assert self._marionette, "not started"
        return self._marionette.run(script, *arguments)

    def find(self, script: str, *arguments: object) -> Any:
        """What a script finds, as soon as it stands still."""
        seen: list[Any] = [None]

        def rests() -> Any:
            seen.append(self.look(script, *arguments))
            return seen[-1] if seen[-1] == seen[-2] else None

        return eventually(rests, every=0.3)

    # What an agent does

    def open_folder(self, name: str) -> None:
        self._screen.click(self.find(scripts.FOLDER, self._uri(name)))
        eventually(lambda: self.look(scripts.OPEN_FOLDER) == self._uri(name), every=0.2)

    def open_mail(self, subject: str) -> None:
        """A mail of the open folder; ``subject`` is as Thunderbird lists it, without Re."""
        self._screen.click(self.find(scripts.MAIL, subject))
        eventually(lambda: self.look(scripts.OPEN_MAIL) == subject, every=0.2)

    def sees(self, subject: str) -> None:
        """A mail in the open folder."""
        self.find(scripts.MAIL, subject)

    def drag(self, subject: str, folder: str) -> None:
        """A mail of the open folder over another folder; ``Screen.drop`` lets it go."""
        self._screen.drag(self.find(scripts.MAIL, subject), self.find(scripts.FOLDER, self._uri(folder)))

    def reply(self, text: str) -> str:
        """Begin to answer the open mail, above the quotation: to whom that will go."""
        self._screen.click(self.find(scripts.REPLY_BUTTON))
        letter = self.find(scripts.LETTER, WIDTH, HEIGHT)
        self._screen.click(letter["body"])
        self._screen.write(text)
        last = text.split("\n")[-1]
        eventually(lambda: last in self.look(scripts.WRITTEN), every=0.2)
        return str(letter["to"])

    def send(self) -> None:
        """The letter that was begun; returns when its window has closed."""
        self._screen.click(self.find(scripts.LETTER, WIDTH, HEIGHT)["send"])
        eventually(lambda: not self.look(scripts.IS_WRITING), every=0.2)

    def command(self, name: str) -> None:
        """What a menu does to the open mail: ``cmd_delete`` and the like."""
        self.look(scripts.COMMAND, name)

    def undo(self) -> None:
        self.look(scripts.UNDO)

    def _launch(self) -> None:
        environment = {
            **os.environ,
            "DISPLAY": self._screen.display,
            "HOME": str(self._profile),  # as root it insists on a home that is root's
            "LANG": "C.UTF-8",
            "NO_AT_BRIDGE": "1",
            "TZ": "UTC",
        }
        command = ("thunderbird", "--profile", str(self._profile), "--no-remote")
        with (self._profile / "log").open("wb") as log:
            self._process = subprocess.Popen(
                (*command, "--marionette", "--remote-allow-system-access"),
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def _connect(self) -> Marionette | None:
        assert self._process.poll() is None, (self._profile / "log").read_text()
        try:
            return Marionette(self._port)
        except ConnectionRefusedError:
            return None

    def _uri(self, folder: str) -> str:
        return f"imap://{self.agent}@127.0.0.1/{folder}"


def _account(agent: str, imap: int, submission: int) -> dict[str, object]:
    """It logs in when it is told to, because only then its passwords are there."""
    return {
        "mail.accountmanager.accounts": "account1,account2",
        "mail.accountmanager.defaultaccount": "account1",
        "mail.accountmanager.localfoldersserver": "server2",
        "mail.account.account1.identities": "id1",
        "mail.account.account1.server": "server1",
        "mail.account.account2.server": "server2",
        f"{IDENTITY}.fullName": agent.capitalize(),
        f"{IDENTITY}.reply_on_top": 1,
        f"{IDENTITY}.smtpServer": "smtp1",
        f"{IDENTITY}.useremail": f"{agent}@example.org",
        f"{IDENTITY}.valid": True,
        f"{SERVER}.authMethod": 3,
        f"{SERVER}.check_new_mail": False,
        f"{SERVER}.hostname": "127.0.0.1",
        f"{SERVER}.login_at_startup": False,
        f"{SERVER}.name": f"{agent}@example.org",
        f"{SERVER}.port": imap,
        f"{SERVER}.socketType": 0,
        f"{SERVER}.type": "imap",
        f"{SERVER}.userName": agent,
        "mail.server.server2.hostname": "Local Folders",
        "mail.server.server2.name": "Local Folders",
        "mail.server.server2.type": "none",
        "mail.server.server2.userName": "nobody",
        "mail.smtp.defaultserver": "smtp1",
        f"{OUTGOING}.authMethod": 3,
        f"{OUTGOING}.hostname": "127.0.0.1",
        f"{OUTGOING}.port": submission,
        f"{OUTGOING}.try_ssl": 0,
        f"{OUTGOING}.username": agent,
        "mail.smtpservers": "smtp1",
    }

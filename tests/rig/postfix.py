"""A real Postfix of its own: configuration, queue and ports in a temporary folder.

The system's Postfix is never touched: every command gets our configuration folder.  It is set up with the
lines of ``config/postfix`` that the README tells a postmaster to use; only the ports differ.  Must be root,
as Postfix must.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import smtplib
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.rig.ports import free_port
from tests.rig.waiting import eventually

SNIPPETS = Path(__file__).resolve().parents[2] / "config" / "postfix"
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"

MAIN = """\
compatibility_level = 3.6
config_directory = {folder}/etc
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/log
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
disable_dns_lookups = yes
smtp_host_lookup = native
default_transport = smtp:[127.0.0.1]:{sink_port}
queue_run_delay = 2s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
smtpd_timeout = 60s
"""

# Debian's own master.cf without chroot and without what is not needed here.
MASTER = """\
127.0.0.1:{smtp_port} inet n - n - - smtpd
pickup     unix n - n 60   1 pickup
cleanup    unix n - n -    0 cleanup
qmgr       unix n - n 300  1 qmgr
tlsmgr     unix - - n 1000? 1 tlsmgr
rewrite    unix - - n -    - trivial-rewrite
bounce     unix - - n -    0 bounce
defer      unix - - n -    0 bounce
trace      unix - - n -    0 bounce
verify     unix - - n -    1 verify
flush      unix n - n 1000? 0 flush
proxymap   unix - - n -    - proxymap
smtp       unix - - n -    - smtp
relay      unix - - n -    - smtp
showq      unix n - n -    - showq
error      unix - - n -    - error
retry      unix - - n -    - error
discard    unix - - n -    - discard
lmtp       unix - - n -    - lmtp
anvil      unix - - n -    1 anvil
scache     unix - - n -    1 scache
postlog    unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Delivers ``example.org`` to ``lmtp_port`` and everything else to ``sink_port``.

    ``smtp_port`` is where the world delivers, ``relay_port`` where mailproc hands over what leaves.
    ``settings`` are further lines for main.cf; ``LMTP`` in them is mailproc's port.  ``hosts`` are lines for
    /etc/hosts as only this Postfix sees it.
    """

    def __init__(
        self, *, lmtp_port: int, relay_port: int, sink_port: int, settings: str = "", hosts: str = ""
    ) -> None:
        self.smtp_port = free_port()
        self.relay_port = relay_port
        self._lmtp_port = lmtp_port
        self._sink_port = sink_port
        self._settings = settings
        self._hosts = hosts
        # Postfix' daemons run as another user, so pytest's own folders (mode 0700) will not do.
        self._folder = Path(tempfile.mkdtemp(prefix="mailproc-postfix-"))
        self._folder.chmod(0o755)

    @property
    def etc(self) -> Path:
        return self._folder / "etc"

    def start(self) -> None:
        for name in ("etc", "queue", "data"):
            (self._folder / name).mkdir()
        shutil.chown(self._folder / "data", "postfix")
        settings = self._settings.replace("LMTP", str(self._lmtp_port))
        names = {"folder": self._folder, "smtp_port": self.smtp_port, "sink_port": self._sink_port}
        (self.etc / "main.cf").write_text(MAIN.format(**names) + self._snippet("main.cf") + settings)
        (self.etc / "master.cf").write_text(MASTER.format(**names) + self._snippet("master.cf"))
        for table in ("mailproc_desks", "mailproc_header_checks"):
            (self.etc / table).write_text(self._snippet(table))
        self._run(*self._among_hosts(), "postfix", "-c", str(self.etc), "start")

    def _among_hosts(self) -> list[str]:
        """What goes before a command, so that it and its children know of these hosts."""
        if not self._hosts:
            return []
        file = self.etc / "hosts"
        file.write_text(Path("/etc/hosts").read_text() + self._hosts)
        script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(file)]

    def _snippet(self, name: str) -> str:
        text = (SNIPPETS / name).read_text()
        return text.replace(":8024", f":{self._lmtp_port}").replace(":8026", f":{self.relay_port}")

    def stop(self) -> None:
        """Ends our master, and with it its children; removes the folder."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = int((self._folder / "queue/pid/master.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            eventually(lambda: not Path(f"/proc/{pid}").exists())
        shutil.rmtree(self._folder)

    def sendmail(self, mail_from: str, recipients: list[str], raw: bytes) -> None:
        """As a program on the machine does: lines end with LF."""
        lines = raw.replace(b"\r\n", b"\n")
        self._run("sendmail", "-C", str(self.etc), "-i", "-f", mail_from, "--", *recipients, stdin=lines)

    def smtp(self, mail_from: str, recipients: list[str], raw: bytes) -> dict[str, tuple[int, bytes]]:
        """As another host does; the refused recipients with their replies."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=30) as client:
            try:
                return client.sendmail(mail_from, recipients, raw, mail_options=["BODY=8BITMIME"])
            except smtplib.SMTPRecipientsRefused as refused:
                return refused.recipients

    def queue(self) -> list[dict[str, Any]]:
        """The mails that Postfix still keeps, as ``postqueue -j`` describes them."""
        shown = self._run("postqueue", "-c", str(self.etc), "-j")
        return [json.loads(line) for line in shown.splitlines()]

    def flush(self) -> None:
        """Try everything again now."""
        self._run("postqueue", "-c", str(self.etc), "-f")

    def log(self) -> str:
        log = self._folder / "log"
        return log.read_text() if log.exists() else ""

    def _run(self, *command: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
            env={**os.environ, "PATH": PATH},
        )
        if done.returncode:
            raise AssertionError(f"{command}: {done.stderr.decode()}{self.log()}")
        return done.stdout.decode()

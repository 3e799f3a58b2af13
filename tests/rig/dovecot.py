"""A real Dovecot 2.3 of its own: configuration, mail and ports in a temporary folder.

The system's Dovecot is never touched.  The desks' folders are set up with the lines of ``config/dovecot``
that the manual tells a postmaster to use; only folders and rights on the socket differ.  It has a quota
beside them, as many sites have.  Users are ``alice``, ``bob``, ``carol`` and ``mailproc``, each with its name
as the password, and the master user ``master`` with password ``master``.  Everybody has an INBOX and Drafts.
Must be root, as Dovecot's login processes must have a user of their own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from imapclient import IMAPClient  # type: ignore[import-untyped]

from tests.rig import freezing
from tests.rig.certificate import Certificate, make_certificate
from tests.rig.ports import free_port
from tests.rig.processes import descendants
from tests.rig.waiting import eventually

SNIPPETS = Path(__file__).resolve().parents[2] / "config" / "dovecot"
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
MAIL_USER = "mail"  # Dovecot serves no mail as root
USERS = ("alice", "bob", "carol", "mailproc")
MASTER = "master"
DRAFTS = "Drafts"
OAUTH_KEY = b"the key of the tests' authorization server"

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
login_greeting = Dovecot of the tests
protocols = imap
listen = 127.0.0.1
instance_name = {folder}
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_master_user_separator = *
auth_failure_delay = 0
first_valid_uid = 1
mail_uid = {mail_user}
mail_gid = {mail_user}
mail_max_userip_connections = 100
mail_plugins = $mail_plugins quota
maildir_stat_dirs = no
mail_fsync = never
mailbox_list_index = yes
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
protocol imap {{
  mail_plugins = $mail_plugins imap_quota
  imap_idle_notify_interval = 2 mins
  rawlog_dir = {folder}/rawlog/%u
{capability}}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2
}}
passdb {{
  driver = passwd-file
  master = yes
  args = {folder}/masters
}}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_user} home={folder}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix =
  location = maildir:~/Maildir
  mailbox Drafts {{
    auto = create
    special_use = \\Drafts
  }}
}}
plugin {{
  acl_user = %u
  quota_max_mail_size = {largest_mail}
{quota}}}
"""

# What everybody may do below a desk's folder, and what mailproc may.
RIGHTS = (SNIPPETS / "dovecot-acl").read_text()

OAUTH = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/oauth-keys/
username_attribute = sub
"""


class Dovecot:
    """Serves ``desks``, each a public namespace, on ``port`` (STARTTLS) and ``tls_port``.

    ``hide`` are capabilities that it does not tell of; ``quota`` is the room of each desk's folder in KiB.
    """

    def __init__(
        self,
        *,
        desks: Sequence[str] = ("Support",),
        separator: str = "/",
        hide: Iterable[str] = (),
        quota: int = 0,
        largest_mail: str = "0",
    ) -> None:
        self.port = free_port()
        self.tls_port = free_port()
        self.separator = separator
        self.desks = tuple(desks)
        self._hidden = frozenset(hide)
        self._quota = quota
        self._largest_mail = largest_mail
        self._process: subprocess.Popen[bytes] | None = None
        # Dovecot's processes run as other users, so pytest's own folders (mode 0700) will not do.
        self.folder = Path(tempfile.mkdtemp(prefix="mailproc-dovecot-"))
        self.folder.chmod(0o755)
        self.certificate: Certificate = make_certificate(self.folder)

    @property
    def auth_socket(self) -> Path:
        """Where its authentication protocol is spoken."""
        return self.folder / "run/auth-mailproc"

    def start(self) -> None:
        self._write()
        if self._hidden:
            self._launch()
            offered = self._capabilities()
            self._end()
            words = " ".join(word for word in offered if word not in self._hidden)
            self._configure(f"  imap_capability = {words}\n")
        self._launch()

    def stop(self) -> None:
        """End it, and remove what it kept."""
        self.kill()
        shutil.rmtree(self.folder)

    def restart(self) -> None:
        self._end()
        self._launch()

    def kill(self) -> None:
        """End all of it at once, as a machine does that loses its power."""
        freezing.send(self._family(), signal.SIGKILL)
        if self._process is not None:
            self._process.wait(30)
        self._process = None

    def down(self) -> None:
        """End it as an administrator does; ``up`` starts it again."""
        self._end()

    def up(self) -> None:
        self._launch()

    def freeze(self) -> None:
        """Its connections stay, and nothing answers, until ``thaw``."""
        freezing.freeze(self._family())

    def thaw(self) -> None:
        freezing.thaw(self._family())

    def client(self, user: str) -> IMAPClient:
        """A mail client that has logged in."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30)
        client.login(user, user)
        return client

    def doveadm(self, *words: str) -> str:
        done = subprocess.run(
            ("doveadm", "-c", str(self.folder / "dovecot.conf"), *words),
            capture_output=True,
            timeout=60,
            check=False,
            env={**os.environ, "PATH": PATH},
        )
        if done.returncode:
            raise AssertionError(f"doveadm {words}: {done.stderr.decode()}{self.log()}")
        return done.stdout.decode()

    def listen_in(self, user: str) -> Path:
        """From now on, what is said to the server as this user is written into files ``*.in`` of a folder."""
        folder = self.folder / "rawlog" / user
        folder.mkdir(parents=True)
        shutil.chown(folder, MAIL_USER, MAIL_USER)
        return folder

    def give(self, desk: str, *, rights: str = RIGHTS) -> None:
        """Set everybody's rights below a desk's folder anew, in its mailboxes and those to come."""
        root = self.folder / "public" / desk
        for folder in (root, *(path.parent for path in root.glob(".*/cur"))):
            (folder / "dovecot-acl").write_text(rights)
            shutil.chown(folder / "dovecot-acl", MAIL_USER, MAIL_USER)
        for cached in root.rglob("dovecot-acl-list"):
            cached.unlink()

    def log(self) -> str:
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _write(self) -> None:
        lines = "".join(f"{name}:{{PLAIN}}{name}\n" for name in USERS)
        (self.folder / "users").write_text(lines)
        (self.folder / "masters").write_text(f"{MASTER}:{{PLAIN}}{MASTER}\n")
        (self.folder / "oauth2").write_text(OAUTH.format(folder=self.folder))
        keys = self.folder / "oauth-keys/default/HS256"
        keys.mkdir(parents=True)
        (keys / "default").write_bytes(base64.b64encode(OAUTH_KEY))
        for name in ("home", *(f"public/{desk}" for desk in self.desks)):
            (self.folder / name).mkdir(parents=True)
            shutil.chown(self.folder / name, MAIL_USER, MAIL_USER)
        for desk in self.desks:
            self.give(desk)
        self._configure("")

    def _configure(self, capability: str) -> None:
        quota = (
            f"  quota = count:Shared:ns=Support{self.separator}\n  quota_rule = *:storage={self._quota}K\n"
        )
        quota += "  quota_vsizes = yes\n  quota_grace = 0\n"
        names = {"folder": self.folder, "separator": self.separator}
        text = CONFIGURATION.format(
            **names,
            port=self.port,
            tls_port=self.tls_port,
            mail_user=MAIL_USER,
            capability=capability,
            largest_mail=self._largest_mail,
            quota=quota if self._quota else "",
        )
        (self.folder / "dovecot.conf").write_text(text + self._shipped())

    def _shipped(self) -> str:
        """The postmaster's lines, with a namespace for each desk."""
        lines = (SNIPPETS / "90-mailproc.conf").read_text()
        lines = lines.replace("/var/vmail/desks", f"{self.folder}/public")
        lines = lines.replace("mode = 0660", "mode = 0666").replace("    group = mailproc\n", "")
        lines = lines.replace("separator = /", f"separator = {self.separator}")
        start = lines.index("namespace Support {")
        end = lines.index("\n}\n", start) + len("\n}\n")
        block = lines[start:end].replace("prefix = Support/", f"prefix = Support{self.separator}")
        return lines[:start] + "".join(block.replace("Support", desk) for desk in self.desks) + lines[end:]

    def _capabilities(self) -> list[str]:
        with self.client("mailproc") as client:
            return [word.decode() for word in client.capabilities()]

    def _launch(self) -> None:
        command = ("dovecot", "-F", "-c", str(self.folder / "dovecot.conf"))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": PATH},
        )
        eventually(self._serves)

    def _serves(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"dovecot ended: {self.log()}")
        try:
            self.client("mailproc").logout()
        except OSError:
            return False
        return True

    def _end(self) -> None:
        """Those that serve a client stay for a while, if nobody ends them."""
        if self._process is None:
            return
        self.thaw()
        serving = [*descendants(self._process.pid)]
        self._process.terminate()
        self._process.wait(30)
        self._process = None
        freezing.send(serving, signal.SIGKILL)

    def _family(self) -> list[int]:
        """Itself and all that it has started; nobody where it does not run."""
        if self._process is None or self._process.poll() is not None:
            return []
        return [self._process.pid, *descendants(self._process.pid)]


def token(user: str, *, key: bytes = OAUTH_KEY) -> str:
    """A bearer token (RFC 7519, HS256) that lets ``user`` in for five minutes."""
    claims = {"sub": user, "exp": int(time.time()) + 300, "iat": int(time.time())}
    signed = ".".join(
        _base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    return f"{signed}.{_base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

"""The servers that mailproc is measured beside, Debian's, each with a temporary folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.injector import RECIPIENT, make_bodies, make_mail
from bench.load import Load
from tests.rig.dovecot import MAIL_USER, PATH
from tests.rig.lmtp import LmtpClient
from tests.rig.ports import free_port
from tests.rig.postfix import Postfix
from tests.rig.waiting import eventually

DISCARDED = "a@discard.example"  # what Postfix throws away

# Everything about durability is as Debian has it: mail_fsync = optimized.
DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
instance_name = {folder}
protocols = lmtp
listen = 127.0.0.1
ssl = no
first_valid_uid = 1
mail_uid = {user}
mail_gid = {user}
mail_location = maildir:{folder}/Maildir
passdb {{
  driver = static
  args = nopassword=yes
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={folder}/home allow_all_users=yes
}}
service lmtp {{
  inet_listener lmtp {{
    port = {port}
  }}
}}
"""


class PeerMissing(RuntimeError):
    """A program that is to be measured is not installed."""


@contextmanager
def dovecot_lmtp(unread: int = 0) -> Iterator[int]:
    """The port of Dovecot's LMTP server, which delivers into one Maildir that holds ``unread`` mails."""
    if not Path("/usr/lib/dovecot/lmtp").exists():
        raise PeerMissing("Dovecot's LMTP server is missing: apt-get install dovecot-lmtpd")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="mailproc-lmtp-"))
    folder.chmod(0o755)  # Dovecot's processes run as other users
    process = None
    try:
        _fill(folder, unread)
        process = _start_dovecot(folder, port)
        eventually(lambda: _takes_mail(port))
        yield port
    finally:
        if process is not None:
            process.terminate()
            process.wait(30)
        shutil.rmtree(folder)


def _fill(folder: Path, unread: int) -> None:
    for name in ("home", "Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"):
        (folder / name).mkdir()
        shutil.chown(folder / name, MAIL_USER, MAIL_USER)
    bodies = make_bodies(Load.size)
    for number in range(unread):
        _, raw = make_mail(number, bodies[number % len(bodies)])
        path = folder / "Maildir/new" / f"1700000000.M{number}P1.mail"
        path.write_bytes(raw)
        shutil.chown(path, MAIL_USER, MAIL_USER)


def _start_dovecot(folder: Path, port: int) -> subprocess.Popen[bytes]:
    configuration = folder / "dovecot.conf"
    configuration.write_text(DOVECOT.format(folder=folder, user=MAIL_USER, port=port))
    return subprocess.Popen(
        ["dovecot", "-F", "-c", str(configuration)],
        env={**os.environ, "PATH": PATH},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _takes_mail(port: int) -> bool:
    """One mail is delivered before anything is measured: the first one builds the index."""
    try:
        with LmtpClient(port) as client:
            (reply,) = client.deliver("ann@example.com", [RECIPIENT], make_mail(0, b"")[1])
    except OSError:
        return False
    return reply.startswith("250")


@contextmanager
def postfix_queue() -> Iterator[int]:
    """The port of a Postfix that accepts mail into its queue and throws it away behind that."""
    if shutil.which("postfix", path=PATH) is None:
        raise PeerMissing("Postfix is missing: apt-get install postfix")
    nobody = free_port()
    settings = "default_transport = discard:\nsmtpd_client_connection_count_limit = 0\n"
    postfix = Postfix(lmtp_port=nobody, relay_port=free_port(), sink_port=nobody, settings=settings)
    try:
        postfix.start()
        eventually(lambda: _accepts(postfix))
        yield postfix.smtp_port
    finally:
        postfix.stop()


def _accepts(postfix: Postfix) -> bool:
    try:
        return not postfix.smtp("ann@example.com", [DISCARDED], make_mail(0, b"")[1])
    except OSError:
        return False

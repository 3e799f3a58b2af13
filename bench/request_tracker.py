"""Request Tracker as a peer: Debian's request-tracker5, installed beside nothing else, in a temporary folder.

Mail comes in as its manual has it in aliases: one ``rt-mailgate`` for each mail, which posts it
to RT's web server (starman, two workers).  The database is SQLite, in a file; the automatic answer that RT
sends for each ticket is made, and thrown away where sendmail would take it.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.injector import make_bodies, make_mail
from bench.peer_servers import PeerMissing
from tests.rig.dovecot import PATH
from tests.rig.ports import free_port
from tests.rig.waiting import eventually

MAILS = 100
AT_ONCE = 2
WORKERS = 2
USER = "www-data"  # owns the caches of Debian's package
SERVER = "/usr/share/request-tracker5/libexec/rt-server"
PROGRAMS = {
    "rt-setup-database-5": "request-tracker5",
    "rt-mailgate-5": "rt5-clients",
    "starman": "starman",
}
PATIENCE = 300.0  # seconds for the database to be made, and for the server to start

CONFIGURATION = """\
Set($rtname, 'bench');
Set($Organization, 'bench.example.org');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($CorrespondAddress, 'support@example.org');
Set($CommentAddress, 'support@example.org');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.sqlite');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'error');
Set($MailCommand, 'sendmailpipe');
Set($SendmailPath, '{folder}/sendmail');
1;
"""
# Whoever writes may open a ticket, as at a help desk.
RIGHTS = """\
@ACL = map +{ GroupDomain => 'SystemInternal', GroupType => 'Everyone', Queue => 'General', Right => $_ },
    qw(CreateTicket ReplyToTicket SeeQueue);
1;
"""
NO_SENDMAIL = "#!/bin/sh\nexec cat >/dev/null\n"


@dataclass(frozen=True)
class RequestTracker:
    """One that runs, with an empty database."""

    folder: Path
    port: int

    def take(self, raw: bytes) -> None:
        """One mail through the gate; RuntimeError where RT does not take it."""
        url = f"http://127.0.0.1:{self.port}/"
        done = subprocess.run(
            ["rt-mailgate-5", "--queue", "General", "--action", "correspond", "--url", url],
            input=raw,
            capture_output=True,
            env=_environment(self.folder),
            timeout=PATIENCE,
        )
        if done.returncode:
            raise RuntimeError(f"rt-mailgate ended with {done.returncode}: {done.stderr.decode()[-500:]}")

    @property
    def tickets(self) -> int:
        """As its database has them."""
        with closing(sqlite3.connect(self.folder / "rt.sqlite", timeout=60)) as database:
            (count,) = database.execute("SELECT count(*) FROM Tickets").fetchone()
        return int(count)


def tickets_per_second(size: int, mails: int = MAILS) -> float:
    """Distinct mails of ``size`` octets, ``AT_ONCE`` at a time; RuntimeError unless each became a ticket."""
    bodies = make_bodies(size)
    with request_tracker() as rt:
        rt.take(_mail(0, bodies))  # the first one loads what all others need
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as gates:
            for _ in gates.map(lambda number: rt.take(_mail(number, bodies)), range(1, mails + 1)):
                pass
        seconds = time.monotonic() - began
        if rt.tickets != mails + 1:
            raise RuntimeError(f"{mails + 1} mails became {rt.tickets} tickets")
    return mails / seconds


def _mail(number: int, bodies: list[bytes]) -> bytes:
    """As Postfix' pipe to a program has it: with the line ends of this system."""
    return make_mail(number, bodies[number % len(bodies)])[1].replace(b"\r\n", b"\n")


@contextmanager
def request_tracker() -> Iterator[RequestTracker]:
    """A new one, which is thrown away afterwards; PeerMissing where a package is."""
    if lacking := [package for name, package in PROGRAMS.items() if not shutil.which(name, path=PATH)]:
        packages = " ".join(dict.fromkeys([*lacking, "rt5-db-sqlite"]))
        raise PeerMissing(f"Request Tracker is missing: apt-get install {packages}")
    folder = Path(tempfile.mkdtemp(prefix="mailproc-rt-"))
    server = None
    try:
        rt = RequestTracker(folder, free_port())
        _lay_out(rt)
        _run(folder, "rt-setup-database-5", "--action", "init", "--skip-create")
        _run(
            folder,
            "rt-setup-database-5",
            "--action",
            "insert",
            "--skip-create",
            "--datafile",
            f"{folder}/rights",
        )
        server = _start(rt)
        eventually(lambda: _listens(rt.port), seconds=PATIENCE, every=0.2)
        yield rt
    finally:
        if server is not None:
            server.terminate()
            server.wait(30)
        shutil.rmtree(folder)


def _lay_out(rt: RequestTracker) -> None:
    folder = rt.folder
    (folder / "RT_SiteConfig.pm").write_text(CONFIGURATION.format(port=rt.port, folder=folder))
    (folder / "rights").write_text(RIGHTS)
    (folder / "sendmail").write_text(NO_SENDMAIL)
    (folder / "sendmail").chmod(0o755)
    (folder / "site.d").mkdir()  # empty: what Debian's own has is not for us
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, USER, USER)


def _environment(folder: Path) -> Mapping[str, str]:
    return {
        "PATH": PATH,
        "RT_SITE_CONFIG": f"{folder}/RT_SiteConfig.pm",
        "RT_SITE_CONFIG_DIR": f"{folder}/site.d",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        user=USER,
        group=USER,
        extra_groups=(),
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stdout + done.stderr)[-1000:]}")


def _start(rt: RequestTracker) -> subprocess.Popen[bytes]:
    command = [
        "starman",
        "--listen",
        f"127.0.0.1:{rt.port}",
        "--workers",
        str(WORKERS),
        "--preload-app",
        SERVER,
    ]
    with (rt.folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=rt.folder,
            env=_environment(rt.folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=USER,
            group=USER,
            extra_groups=(),
        )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True

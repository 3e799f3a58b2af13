"""Where the soak takes place: a daemon with two workers, a real Dovecot, a relay, and a disk of its own.

Must be root: Dovecot and PostgreSQL want users of their own, and the disk is a file that is mounted.  What
the people and the faults reach is one ``Site``; the store is read by SQL that both stores understand.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bench.desk_customers import HAM, SPAM, letter
from bench.load import NO_LIMITS
from tests.rig.daemon import Daemon
from tests.rig.dovecot import PATH, Dovecot
from tests.rig.ports import free_port
from tests.rig.sink import Sink
from tests.rig.staff import Staff, make_staff
from tests.rig.store_server import StoreServer

WORKERS = 2
CHAIN = ("automatic", "spam", "ticket", "acknowledge")
LESSONS = 60  # mails of each kind that the spam filter learns before
RELAY = '[relay]\naddress = "127.0.0.1:{port}"\ntimeout = 10.0\n'
IMAP = "restore_after = 120.0\nfull_pass = 20.0"
STORE = "timeout = 5.0"  # of PostgreSQL; faults last longer


class Gate:
    """The way to a server on ``target``: open, shut, stalling (nothing is carried), or busy (421)."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._busy = False
        self._listening: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self.open()

    def open(self) -> None:
        self._busy = False
        self._flows.set()
        if self._listening is None:
            self._listening = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        """Nobody listens, and who was served is cut off."""
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        self.cut()

    def stall(self) -> None:
        self._flows.clear()

    def be_busy(self) -> None:
        self._busy = True
        self.cut()

    def cut(self) -> None:
        """End every connection without a word, wherever it is."""
        for each in tuple(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if self._busy:
                client.sendall(b"421 4.3.2 too busy, come again\r\n")
                return
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                self._open |= {client, server}
                try:
                    self._carry(client, server)
                finally:
                    self._open -= {client, server}

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            for ready in select.select([client, server], [], [])[0]:
                octets = ready.recv(65_536)
                self._flows.wait()
                if not octets:
                    return
                (server if ready is client else client).sendall(octets)


class Disk:
    """A file system of its own in a file, with a journal and no room kept for root."""

    def __init__(self, folder: Path, mebibytes: int) -> None:
        self.folder = folder / "disk"
        self.folder.mkdir()
        image = folder / "disk.img"
        with image.open("wb") as file:
            file.truncate(mebibytes << 20)
        environment = {**os.environ, "PATH": PATH}
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True, env=environment)
        subprocess.run(["mount", "-o", "loop", str(image), str(self.folder)], check=True, env=environment)

    def fill(self) -> None:
        """To the last block."""
        with (self.folder / "ballast").open("ab") as file:
            for size in (1 << 26, 1 << 20, 1 << 16, 1 << 12):
                with contextlib.suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)

    def free(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)

    @property
    def used(self) -> int:
        return shutil.disk_usage(self.folder).used

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.folder)], check=True)


@dataclass
class Site:
    """All of it, running; ``server`` is None where the store is a file."""

    staff: Staff
    disk: Disk
    gate: Gate
    server: StoreServer | None
    url: str
    starts: int = 0  # of the daemon
    statuses: list[int] = field(default_factory=list)  # with which it ended when nobody had killed it

    @property
    def daemon(self) -> Daemon:
        return self.staff.daemon

    def start(self) -> None:
        """As a service manager does: again, until the daemon is ready."""
        while not self.daemon.start_to_crash(""):
            self.starts += 1
            self.daemon.kill9()
        self.starts += 1

    def rows(self, sql: str) -> list[dict[str, Any]]:
        if self.server is not None:
            with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as there:
                return list(there.execute(sql.encode()))
        uri = f"file:{self.daemon.database}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as here:
            here.row_factory = sqlite3.Row
            return [dict(row) for row in here.execute(sql)]

    def count(self, sql: str) -> int:
        ((number,),) = (row.values() for row in self.rows(sql))
        return int(number)


def teach(daemon: Daemon, folder: Path) -> None:
    """The spam filter knows both kinds beforehand."""
    for kind, texts in (("ham", HAM), ("spam", (SPAM,))):
        (folder / kind).mkdir()
        for number in range(LESSONS):
            text, sender = texts[number % len(texts)], f"{kind}{number}@{kind}.example"
            mail = letter(sender, "support@example.org", text[:20], f"<{kind}-{number}@x.example>", text)
            (folder / kind / f"{number}.eml").write_bytes(mail)
    daemon.output("spam", "train", "--ham", str(folder / "ham"), "--spam", str(folder / "spam"))


@contextmanager
def soak_site(folder: Path, store: str, *, disk: int = 4096) -> Iterator[Site]:
    """Running, in a folder; ``store`` is sqlite or postgresql, ``disk`` its size in MiB (mostly a hole)."""
    with ExitStack() as stack:
        disk_ = Disk(folder, disk)
        stack.callback(disk_.unmount)
        sink = Sink()
        sink.start()
        stack.callback(sink.stop)
        gate = Gate(sink.port)
        stack.callback(gate.shut)
        server = StoreServer(durable=True) if store == "postgresql" else None
        if server is not None:
            stack.callback(server.remove)
        url = server.new_schema() if server is not None else ""
        dovecot = Dovecot(desks=("Support", "Sales"))
        stack.callback(dovecot.stop)
        dovecot.start()
        daemon = Daemon(
            folder,
            data_dir=str(disk_.folder / "state"),
            store=url,
            store_keys=STORE if server is not None else "",
            top=f"workers = {WORKERS}",
            tables=RELAY.format(port=gate.port) + NO_LIMITS,
            chain=CHAIN,
        )
        stack.callback(daemon.clean_up)
        staff = make_staff(dovecot, daemon, sink, imap=IMAP)
        stack.callback(staff.log_out)
        site = Site(staff, disk_, gate, server, url)
        site.start()
        teach(daemon, folder)
        yield site

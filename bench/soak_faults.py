"""What goes wrong during the soak: drawn from a seed, done for real, written down.

Two lanes run beside each other, so that faults overlap: what happens to the daemon's processes, and what
happens around it (relay, IMAP server, disk, database).  Each is over before the next of its lane begins.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field

from bench.soak_site import Site
from tests.rig import freezing

RESTART = 2.0  # seconds that systemd waits (systemd/mailproc.service)


@dataclass(frozen=True)
class Fault:
    """``happen`` begins it, and ends it when its block is left; it lasts up to ``longest`` seconds."""

    name: str
    happen: Callable[[Site, random.Random], AbstractContextManager[None]]
    longest: float
    weight: float = 1.0


# To the daemon


@contextmanager
def worker_killed(site: Site, lot: random.Random) -> Iterator[None]:
    found = site.daemon.workers
    freezing.send(lot.sample(found, min(1, len(found))), signal.SIGKILL)
    yield


@contextmanager
def worker_frozen(site: Site, lot: random.Random) -> Iterator[None]:
    found = site.daemon.workers
    victims = lot.sample(found, min(1, len(found)))
    freezing.freeze(victims)
    yield
    freezing.thaw(victims)


@contextmanager
def all_killed(site: Site, lot: random.Random) -> Iterator[None]:
    site.daemon.kill9()
    yield
    site.start()


@contextmanager
def supervisor_killed(site: Site, lot: random.Random) -> Iterator[None]:
    """systemd then ends what is left of the service before it starts it again."""
    os.kill(site.daemon.pid, signal.SIGKILL)
    yield
    site.daemon.kill9()
    site.start()


@contextmanager
def restarted(site: Site, lot: random.Random) -> Iterator[None]:
    status = site.daemon.terminate()
    site.statuses += [status] if status else []
    yield
    site.start()


@contextmanager
def reloaded(site: Site, lot: random.Random) -> Iterator[None]:
    site.daemon.signal(signal.SIGHUP)
    yield


# Around it


@contextmanager
def relay_down(site: Site, lot: random.Random) -> Iterator[None]:
    site.gate.shut()
    yield
    site.gate.open()


@contextmanager
def relay_busy(site: Site, lot: random.Random) -> Iterator[None]:
    site.gate.be_busy()
    yield
    site.gate.open()


@contextmanager
def relay_stalling(site: Site, lot: random.Random) -> Iterator[None]:
    site.gate.stall()
    yield
    site.gate.open()


@contextmanager
def relay_cut(site: Site, lot: random.Random) -> Iterator[None]:
    site.gate.cut()
    yield


@contextmanager
def imap_down(site: Site, lot: random.Random) -> Iterator[None]:
    site.staff.dovecot.down()
    yield
    site.staff.dovecot.up()


@contextmanager
def imap_killed(site: Site, lot: random.Random) -> Iterator[None]:
    site.staff.dovecot.kill()
    yield
    site.staff.dovecot.up()


@contextmanager
def imap_frozen(site: Site, lot: random.Random) -> Iterator[None]:
    site.staff.dovecot.freeze()
    yield
    site.staff.dovecot.thaw()


@contextmanager
def disk_full(site: Site, lot: random.Random) -> Iterator[None]:
    site.disk.fill()
    yield
    site.disk.free()


@contextmanager
def database_locked(site: Site, lot: random.Random) -> Iterator[None]:
    """Another program holds SQLite's write lock."""
    with closing(sqlite3.connect(site.daemon.database, timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def database_frozen(site: Site, lot: random.Random) -> Iterator[None]:
    assert site.server is not None
    site.server.freeze()
    yield
    site.server.thaw()


@contextmanager
def database_crashed(site: Site, lot: random.Random) -> Iterator[None]:
    assert site.server is not None
    site.server.crash()
    yield
    site.server.start()


@contextmanager
def sessions_ended(site: Site, lot: random.Random) -> Iterator[None]:
    assert site.server is not None
    site.server.terminate_backends()
    yield


TO_THE_DAEMON = (
    Fault("kill -9 of a worker", worker_killed, 3, 3),
    Fault("worker stopped (SIGSTOP)", worker_frozen, 20),
    Fault("kill -9 of the daemon", all_killed, RESTART, 2),
    Fault("kill -9 of the supervisor", supervisor_killed, RESTART),
    Fault("restart (SIGTERM)", restarted, RESTART),
    Fault("reload (SIGHUP)", reloaded, 5, 2),
)
AROUND = (
    Fault("relay down", relay_down, 30),
    Fault("relay says 421", relay_busy, 30),
    Fault("relay stalls", relay_stalling, 30),
    Fault("relay's connections cut", relay_cut, 1, 2),
    Fault("IMAP server down", imap_down, 20),
    Fault("IMAP server killed", imap_killed, 20),
    Fault("IMAP server stopped (SIGSTOP)", imap_frozen, 40),
    Fault("disk full", disk_full, 20, 2),
)
OF_STORE: Mapping[str, tuple[Fault, ...]] = {
    "sqlite": (Fault("database locked", database_locked, 30, 2),),
    "postgresql": (
        Fault("database stopped (SIGSTOP)", database_frozen, 30),
        Fault("database crashed", database_crashed, 10),
        Fault("database sessions ended", sessions_ended, 1),
    ),
}


@dataclass
class Mishaps:
    """What happened, and when: seconds since the beginning, the name, and how long it lasted."""

    began: float = field(default_factory=time.monotonic)
    done: list[tuple[float, str, float]] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def counts(self) -> Counter[str]:
        return Counter(name for _, name, _ in self.done)


class Lane(threading.Thread):
    """Faults one after the other, about ``gap`` seconds between them, until told to ``end``."""

    def __init__(
        self, site: Site, faults: tuple[Fault, ...], lot: random.Random, gap: float, mishaps: Mishaps
    ) -> None:
        super().__init__(daemon=True)
        self._site, self._faults, self._lot, self._gap, self._mishaps = site, faults, lot, gap, mishaps
        self._over = threading.Event()

    def end(self) -> None:
        """The one that happens now ends, too."""
        self._over.set()
        self.join()

    def run(self) -> None:
        try:
            while not self._over.wait(self._lot.expovariate(1 / self._gap)):
                self._happen(self._draw())
        except BaseException as error:  # the thread has nobody else to tell
            self._mishaps.errors.append(error)

    def _draw(self) -> Fault:
        return self._lot.choices(self._faults, [fault.weight for fault in self._faults])[0]

    def _happen(self, fault: Fault) -> None:
        seconds, began = self._lot.uniform(0.2, fault.longest), time.monotonic()
        with fault.happen(self._site, self._lot):
            self._over.wait(seconds)
        now = time.monotonic()
        self._mishaps.done.append((began - self._mishaps.began, fault.name, now - began))

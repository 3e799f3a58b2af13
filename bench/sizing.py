"""What a site of a certain size needs: memory for each worker and desk, disk for each mail.

    python -m bench.sizing      (as root, with Debian's Dovecot and PostgreSQL)

Memory is what a process has for itself and its share of what it has in common with others (PSS, proc(5)), of
a daemon that has just taken mail and rests.  Disk is what the store's files grow by, with the search index;
on PostgreSQL the database's size.  Bodies are words by chance, which compress less well than most mail.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.idle import DESK, IMAP
from bench.load import Load, Site, inject, processes_of, running
from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.waiting import eventually

KIB, MIB = 1024, 2**20
RESTS = 3.0  # seconds
NOT_SEARCHABLE = "SELECT (SELECT count(*) FROM message) - (SELECT count(*) FROM search_entry)"


def proportional(pid: int) -> int:
    """Octets."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * KIB for line in lines if line.startswith("Pss:"))


def memory(workers: int, desks: int) -> tuple[float, float]:
    """MiB of the largest worker, and of all processes."""
    dovecot = Dovecot(desks=[f"D{number}" for number in range(desks)])
    dovecot.start()
    try:
        tables = IMAP.format(port=dovecot.port) + "".join(DESK.format(number=n) for n in range(desks))
        with tempfile.TemporaryDirectory() as folder:
            daemon = Daemon(Path(folder), tables=tables, top=f"workers = {workers}")
            daemon.start()
            try:
                with dovecot.client("mailproc") as client:
                    eventually(lambda: all(client.folder_exists(f"{desk}/New") for desk in dovecot.desks))
                time.sleep(RESTS)
                largest = max(map(proportional, daemon.workers))
                everything = sum(proportional(int(each.name)) for each in processes_of(daemon.pid))
                daemon.stop()
            finally:
                daemon.clean_up()
    finally:
        dovecot.stop()
    return largest / MIB, everything / MIB


def disk(store: str, size: int, mails: int) -> float:
    """KiB that a mail of this size takes, its acknowledgement and the search index with it."""
    with running(2, store) as site:
        grown: list[int] = []
        for _ in range(2):  # the first ones bring what is made once
            inject(site.daemon.lmtp_port, Load(mails=mails, size=size), *_further(len(grown) * mails))
            eventually(lambda: site.waiting() == 0, seconds=300)
            grown.append(_size(site))
    return (grown[1] - grown[0]) / mails / KIB


def _further(first: int) -> Iterator[str]:
    if first:
        yield f"--first={first}"


def _size(site: Site) -> int:
    """Octets, when all that came in can be searched."""
    eventually(lambda: _ask(site, NOT_SEARCHABLE) == 0, seconds=120, every=0.5)
    if site.server is None:
        return (_ask(site, "PRAGMA page_count") - _ask(site, "PRAGMA freelist_count")) * _ask(
            site, "PRAGMA page_size"
        )
    return _ask(site, "SELECT pg_database_size(current_database())")


def _ask(site: Site, sql: str) -> int:
    if site.server is not None:
        return int(site.server.ask(sql, site.server.url_of("site1"))[0][0])
    with closing(sqlite3.connect(f"file:{site.daemon.database}?mode=ro", uri=True, timeout=30)) as store:
        return int(store.execute(sql).fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mails", type=int, default=1500, help="of each size")
    options = parser.parse_args()
    print(f"{'workers':>8}{'desks':>8}{'largest worker, MiB':>22}{'all of it, MiB':>18}")
    for workers, desks in ((1, 1), (2, 1), (2, 10), (2, 50)):
        largest, everything = memory(workers, desks)
        print(f"{workers:>8}{desks:>8}{largest:>22.0f}{everything:>18.0f}")
    print(f"\n{'octets of a mail':>18}{'SQLite, KiB':>14}{'PostgreSQL, KiB':>18}")
    for size in (2048, 5120, 51_200):
        here, there = (disk(store, size, options.mails) for store in ("sqlite", "postgresql"))
        print(f"{size:>18,}{here:>14.1f}{there:>18.1f}")


if __name__ == "__main__":
    main()

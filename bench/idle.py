"""What the daemon costs while nothing happens: ten desks watched on a real Dovecot, one worker.

Waits until every desk's folder is made, and until the watchers know that nothing happens (RARER in
imap/watch.py); then counts the CPU of all its processes over some minutes.  As root, with Debian's Dovecot:

    python -m bench.idle [--desks N] [--seconds N] [--settling SECONDS]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from bench.load import usage
from tests.rig.daemon import Daemon
from tests.rig.dovecot import Dovecot
from tests.rig.waiting import eventually

SETTLING = 660.0  # seconds
IMAP = """
[agent.alice]
address = "alice@example.org"

[imap]
address = "127.0.0.1:{port}"
tls = "none"
user = "mailproc"
password = "mailproc"
"""
DESK = """
[desk.d{number}]
addresses = ["d{number}@example.org"]
folder = "D{number}"
agents = ["alice"]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU of a daemon that watches and waits")
    parser.add_argument("--desks", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--settling", type=float, default=SETTLING)
    options = parser.parse_args()
    dovecot = Dovecot(desks=[f"D{number}" for number in range(options.desks)])
    dovecot.start()
    try:
        share = idle_share(dovecot, options.seconds, options.settling)
    finally:
        dovecot.stop()
    print(f"{options.desks} desks watched: {share:.2%} of a core over {options.seconds:g} s")


def idle_share(dovecot: Dovecot, seconds: float, settling: float) -> float:
    tables = IMAP.format(port=dovecot.port)
    tables += "".join(DESK.format(number=number) for number in range(len(dovecot.desks)))
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(Path(folder), tables=tables)
        daemon.start()
        try:
            with dovecot.client("mailproc") as client:
                eventually(lambda: all(client.folder_exists(f"{desk}/New") for desk in dovecot.desks))
            time.sleep(settling)
            before = usage(daemon).cpu
            time.sleep(seconds)
            share = (usage(daemon).cpu - before) / seconds
            daemon.stop()
        finally:
            daemon.clean_up()
    return share


if __name__ == "__main__":
    main()

"""Every mail of a corpus through the running daemon: accepted, a ticket, and back byte for byte.

    MAILPROC_CORPUS=…/open .venv/bin/python -m bench.corpus [--limit N] [--keep FOLDER]

Starts a daemon in a temporary folder with the default chain, hands over each mail by LMTP on loopback,
waits until nothing waits, and compares what ``ticket raw`` would print with what was sent.  Nothing leaves.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mailproc.desk.status import status
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.ticket import Outcome
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore
from mailproc.store.tickets import TicketFilter
from tests.rig.daemon import Daemon
from tests.rig.lmtp import LmtpClient

DESK = "support@example.org"
NO_MAIL = {".csv", ".tsv", ".yml", ".yaml", ".json", ".xml", ".golden", ".md"}
CHAIN = ("automatic", "auth", "spam", "ticket", "enrich", "analyse", "route", "acknowledge")


def mails(corpus: Path, limit: int) -> Iterator[tuple[str, bytes]]:
    """Every file of the corpus that is not a table or an expected result, as it would be on the wire."""
    with (corpus / "MANIFEST.tsv").open(newline="") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t"))
    wanted = [row for row in rows if not row["label"].startswith(("expected", "table"))]
    for row in wanted[:limit]:
        path = corpus / row["path"]
        if path.suffix not in NO_MAIL:
            raw = normalise_newlines(path.read_bytes())
            yield row["path"], raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def send(daemon: Daemon, sent: list[tuple[str, bytes]]) -> Counter[str]:
    replies: Counter[str] = Counter()
    with LmtpClient(daemon.lmtp_port) as client:
        for path, raw in sent:
            (reply,) = client.deliver("sender@customer.example", [DESK], raw)
            replies[reply] += 1
            if not reply.startswith("250"):
                print(f"{path}: {reply}")
    return replies


def unlike(tx: Transaction, sent: list[tuple[str, bytes]]) -> list[str]:
    """Paths of mails that no ticket gives back byte for byte."""
    kept = {
        message.sha256
        for ticket in tx.tickets.matching(TicketFilter())
        for message in tx.tickets.messages(ticket.id)
    }
    digests = {path: hashlib.sha256(raw).digest() for path, raw in sent}
    return [
        path for path, raw in sent if digests[path] not in kept or tx.deliveries.raw(digests[path]) != raw
    ]


async def settle(store: SqliteStore) -> None:
    while (await store.read(lambda tx: tx.deliveries.counts()))[Outcome.WAITING]:  # noqa: ASYNC110  another process
        await asyncio.sleep(0.5)


async def judge(daemon: Daemon, sent: list[tuple[str, bytes]]) -> int:
    store = SqliteStore(daemon.folder / "state" / "mailproc.db")
    try:
        await settle(store)
        counts = await store.read(status)
        wrong = await store.read(lambda tx: unlike(tx, sent))
        problems = await store.read(lambda tx: tx.deliveries.in_state(Outcome.QUARANTINED))
    finally:
        await store.close()
    print(counts)
    for path in wrong[:20]:
        print(f"not given back byte for byte: {path}")
    for problem in problems[:20]:
        print(f"quarantined: delivery {problem.id}: {problem.problem}")
    return len(wrong) + len(problems)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, default=10**9)
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it")
    options = parser.parse_args()
    corpus = Path(os.environ["MAILPROC_CORPUS"])
    with tempfile.TemporaryDirectory(prefix="mailproc-corpus-") as folder:
        daemon = Daemon(options.keep or Path(folder), chain=CHAIN)
        sent = list(mails(corpus, options.limit))
        daemon.start()
        try:
            begun = time.monotonic()
            replies = send(daemon, sent)
            print(f"{len(sent)} mails in {time.monotonic() - begun:.0f} s: {dict(replies)}")
            wrong = asyncio.run(judge(daemon, sent))
            print(f"all filed after {time.monotonic() - begun:.0f} s")
        finally:
            daemon.stop()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""What the enrich stage costs: CPU time for one mail, and how long a question takes.

    python -m bench.enrich [--mails N]

Measured are the author's history in a store of 10,000 authors (for a new author, a usual one, and one with
1,000 tickets), sources whose answer is known, and sources that are asked: a CSV file of 100,000 rows, an
SQLite database of as many, and an HTTP server on loopback.  CPU time is that of the whole process, in the
best and the median of all mails.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from mailproc.desk.look_ups import StoredHistory
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.rehearsal import Unanswered
from mailproc.stage import LookUps, SourceOptions, Stage
from mailproc.store.sqlite import SqliteStore, open_sqlite

DESK = Desk("support", "Support", (Address.parse("support@desk.invalid"),))
ROWS = 100_000
BUSY = 1000  # tickets of one author
NOW = 1_795_000_000.0


def enrich(**options: object) -> Stage:
    path = Path(__file__).resolve().parent.parent / "filters" / "enrich.py"
    spec = spec_from_file_location("enrich_filter", path)
    assert spec and spec.loader
    module = module_from_spec(spec)
    sys.modules["enrich_filter"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    stage: Stage = module.Filter(**options)
    return stage


def mail(author: str) -> Delivery:
    raw = (
        f"From: {author}\r\nTo: support@desk.invalid\r\nSubject: Question\r\n\r\n{'Where is it? ' * 380}\r\n"
    )
    made = Delivery(Envelope(Address.parse(author), DESK.address), DESK, raw.encode(), NOW)
    made.begin("enrich")
    made.mail.author  # noqa: B018  # earlier stages have read it
    return made


async def measure(stage: Stage, authors: Iterable[str]) -> tuple[float, float, float]:
    """CPU milliseconds for a mail, least and median; median of wall milliseconds."""
    cpu, wall = [], []
    for author in authors:
        made = mail(author)
        began, clock = time.process_time_ns(), time.perf_counter_ns()
        await stage.process(made)
        cpu.append((time.process_time_ns() - began) / 1e6)
        wall.append((time.perf_counter_ns() - clock) / 1e6)
        assert not made.tags, made.tags
    return min(cpu), statistics.median(cpu), statistics.median(wall)


def fill_store(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        authors = [(f"{number}@example.com", 3 if number else BUSY) for number in range(10_000)]
        raw.executemany("INSERT INTO author VALUES ('support', ?, ?, 0, 0, 0)", authors)
        ticket = 0
        for author, mails in authors:
            for place in range(mails):
                ticket += 1
                state = "new" if place == 0 else "closed"
                row = (ticket, str(ticket), "support", "S", "s", state, author, NOW, NOW)
                raw.execute(
                    "INSERT INTO ticket (id, number, desk, subject, subject_key, state, customer, opened,"
                    " updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
                raw.execute(
                    "INSERT INTO participant VALUES (?, ?, 'support', 'customer', 0)", (ticket, author)
                )
                for direction in ("in", "out"):
                    raw.execute(
                        "INSERT INTO message (ticket, desk, sha256, direction, sender, recipients, subject,"
                        " message_id, size, automatic, agent, status, at)"
                        " VALUES (?, 'support', x'00', ?, '', '[]', 'S', '', 1, 'none', 'alice', 'sent', ?)",
                        (ticket, direction, NOW + place),
                    )
        raw.commit()


def fill_sources(folder: Path) -> None:
    people = [(f"{number}@example.com", f"Person {number}", "gold") for number in range(ROWS)]
    with (folder / "crm.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("mail", "name", "tier"), *people])
    with closing(sqlite3.connect(folder / "crm.db")) as raw:
        raw.execute("CREATE TABLE customer (mail TEXT PRIMARY KEY, name TEXT, tier TEXT)")
        raw.executemany("INSERT INTO customer VALUES (?, ?, ?)", people)
        raw.commit()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = b'{"name": "Person", "tier": "gold"}'
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    await writer.drain()
    writer.close()


def sources(port: int, cache: float) -> dict[str, SourceOptions]:
    common: dict[str, Any] = {"values": ("name", "tier"), "note": "{{ name }}, {{ tier }}", "cache": cache}
    query = "SELECT name, tier FROM customer WHERE mail = :sender"
    return {
        "CSV": SourceOptions(url="csv:crm.csv", key="mail", **common),
        "SQLite": SourceOptions(url="sqlite:///crm.db", query=query, **common),
        "HTTP": SourceOptions(url=f"http://127.0.0.1:{port}/{{sender}}", **common),
    }


async def run(mails: int, folder: Path) -> None:
    store: SqliteStore = open_sqlite(folder / "mailproc.db")
    fill_store(folder / "mailproc.db")
    fill_sources(folder)
    nobody = Unanswered()
    look_ups = LookUps(nobody, StoredHistory(store), nobody, (), "mail.example.org", folder=str(folder))
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print("| | CPU ms, least | CPU ms, median | ms, median |\n|---|---|---|---|")
    history = enrich()
    await history.open(look_ups)
    for name, author in (
        ("new", "new@example.net"),
        ("usual", "17@example.com"),
        (f"{BUSY} tickets", "0@example.com"),
    ):
        show(f"history, {name} author", await measure(history, [author] * mails))
    for cache, what in ((3600.0, "known"), (0.0, "asked")):
        for name, options in sources(port, cache).items():
            stage = enrich(history=False, source={"crm": options})
            await stage.open(replace(look_ups))
            await measure(stage, ["17@example.com"])
            authors = ["17@example.com" if cache else f"{number}@example.com" for number in range(mails)]
            show(f"{name}, {what}", await measure(stage, authors))
            await stage.close()
    server.close()
    await store.close()


def show(name: str, figures: tuple[float, float, float]) -> None:
    print(f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description="What the enrich stage costs.")
    parser.add_argument("--mails", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailproc-") as folder:
        asyncio.run(run(arguments.mails, Path(folder)))


if __name__ == "__main__":
    main()

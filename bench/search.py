"""How long a search takes, how large the index is, and what it costs to index a mail.

    nice -n 15 .venv/bin/python -m bench.search [--mails N] [--store FILE]

Makes a store of made-up mails (a vocabulary of 60,000 words by Zipf's law, a fifth of them answers with a
quote, some with HTML), two and a half to a ticket.  The first are indexed as the daemon does it, which is
what indexing costs; the others without the reader, which a bench need not wait for.  A store that is there
is used as it is.

``all`` is how many tickets a query finds; the times are those of its newest hundred, read: the first time on
a fresh connection, then the median and the worst of twenty, and the median of the CPU's.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mailproc.desk.search import index_next
from mailproc.model.folding import fold
from mailproc.model.search import parse_query
from mailproc.model.ticket import Direction, State
from mailproc.store.full_text import Entry
from mailproc.store.protocol import Transaction
from mailproc.store.search import Unindexed
from mailproc.store.sqlite import SqliteStore, connect, open_sqlite
from mailproc.store.tickets import NewMessage, NewTicket, TicketFilter

SYLLABLES = (
    *("be", "ge", "ver", "an", "auf", "ein", "ung", "lich", "keit", "rech", "nung", "schi", "ff", "mül"),
    *("bü", "ro", "lie", "fer", "tig", "ra", "te", "zah", "kun", "de", "tor", "pla", "ste"),
)
TAGS = (
    "vip",
    "billing",
    "delivery",
    "complaint",
    "returns",
    "press",
    "language-de",
    "language-en",
    "enriched",
    "new",
)
QUOTE = "Am 21.11.2026"
AS_DAEMON = 3000  # mails
NEWEST = 100
REPEATS = 20
START = 1_700_000_000.0


@dataclass(frozen=True)
class World:
    """What mails are made of."""

    words: Sequence[str]
    weights: Sequence[float]
    people: Sequence[str]

    def text(self, chance: random.Random, length: int) -> str:
        chosen = chance.choices(self.words, cum_weights=self.weights, k=length)
        return "\n".join(" ".join(chosen[at : at + 11]) for at in range(0, length, 11))


def make_world(chance: random.Random) -> World:
    made: dict[str, None] = {}
    while len(made) < 60_000:
        made["".join(chance.choices(SYLLABLES, k=chance.randint(1, 5)))] = None
    words = list(made)
    chance.shuffle(words)
    weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(len(words))))
    people = [
        f"{chance.choice(words)}.{chance.choice(words)}@{chance.choice(words[:4000])}.example"
        for _ in range(20_000)
    ]
    return World(words, weights, people)


def make_mail(
    world: World, chance: random.Random, number: int, sender: str, subject: str, is_reply: bool
) -> bytes:
    text = world.text(chance, min(2000, int(chance.lognormvariate(4.2, 0.8)) + 3))
    if is_reply:
        quote = world.text(chance, 150).replace("\n", "\n> ")
        text += f"\n\n{QUOTE} um 10:42 schrieb Support:\n> {quote}"
    kind, content = "plain", text
    if number % 4 == 0:
        kind, content = "html", f"<html><body><p>{text.replace(chr(10), '<br>')}</p></body></html>"
    name = sender.partition("@")[0].replace(".", " ").title()
    head = (
        f"From: {name} <{sender}>\nTo: Support <support@example.org>\nSubject: {subject}\n"
        f"Message-ID: <{number}@bench.example>\nDate: Sat, 21 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
        f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
    )
    return f"{head}\n{content}\n".replace("\n", "\r\n").encode()


def file_ticket(tx: Transaction, world: World, chance: random.Random, number: int, mails: int) -> None:
    sender = chance.choice(world.people)
    subject = " ".join(chance.choices(world.words, cum_weights=world.weights, k=chance.randint(2, 7)))
    state = chance.choice((State.NEW, State.ANSWERED, *[State.CLOSED] * 8))
    opened = START + number * 60.0
    fresh = NewTicket(
        f"20261121{number:06d}", "support", subject, subject, state, "", sender, opened, "", "de", 0.1
    )
    ticket = tx.tickets.open(fresh)
    tx.history.add_tags(ticket, chance.sample(TAGS, 3))
    for place in range(mails):
        raw = make_mail(world, chance, number * 100 + place, sender, subject, place > 0)
        digest = hashlib.sha256(raw).digest()
        tx.deliveries.keep_raw(digest, raw)
        to = ("support@example.org",)
        new = NewMessage(
            None,
            digest,
            Direction.IN,
            sender,
            to,
            subject,
            opened,
            f"<{number}.{place}@x>",
            len(raw),
            "none",
            opened,
        )
        tx.tickets.add_message(ticket, new)


async def fill(store: SqliteStore, world: World, mails: int) -> None:
    chance = random.Random(7)
    left, number = mails, 0
    while left > 0:
        counts = [min(left, chance.choice((1, 2, 2, 5))) for _ in range(100)]

        def work(tx: Transaction, counts: Sequence[int] = counts, first: int = number) -> None:
            for place, count in enumerate(counts):
                if count:
                    file_ticket(tx, world, chance, first + place, count)

        await store.write(work)
        left -= sum(counts)
        number += len(counts)


async def index(store: SqliteStore) -> None:
    """As the daemon does it."""
    count, began, cpu = 0, time.monotonic(), time.process_time()
    batches: list[float] = []
    start = began
    while count < AS_DAEMON and (done := await index_next(store)):
        batches.append(1000 * (time.monotonic() - start))
        count += done
        start = time.monotonic()
    if count:
        a_mail, took = 1000 * (time.process_time() - cpu) / count, time.monotonic() - began
        print(f"indexed {count} mails: {a_mail:.2f} ms CPU a mail, {count / took:.0f} a second")
        print(f"a batch: median {statistics.median(batches):.0f} ms, worst {max(batches):.0f} ms")


async def index_others(store: SqliteStore) -> None:
    def work(tx: Transaction) -> int:
        mark, messages = tx.search.mark(), tx.search.unindexed(500)
        if messages:
            tx.search.add([entry(each, tx.deliveries.raw(each.sha256) or b"") for each in messages], mark)
        return len(messages)

    while await store.write(work):
        pass


def entry(message: Unindexed, raw: bytes) -> Entry:
    """What the daemon would index, as far as the index is concerned."""
    head, _, rest = raw.decode().partition("\r\n\r\n")
    text = re.sub("<[^>]*>", " ", rest.partition(QUOTE)[0])
    sender = f"{message.sender} {head.partition(chr(10))[0][6:]}"
    recipient = " ".join((*message.recipients, "Support <support@example.org>"))
    return Entry(message.id, *map(fold, (message.subject, sender, recipient, text)))


def tell_size(path: Path) -> None:
    raw = connect(path)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (size,) = raw.execute("SELECT sum(length(block)) FROM search_text_data").fetchone()
    (mails,) = raw.execute("SELECT sum(size) FROM raw_mail").fetchone()
    (number,) = raw.execute("SELECT count(*) FROM message").fetchone()
    raw.close()
    store = path.stat().st_size
    print(f"index: {size / 1e6:.1f} MB for {number} mails, {size / number:.0f} bytes a mail")
    print(f"mails: {mails / 1e6:.1f} MB; store: {store / 1e6:.1f} MB, {100 * size / store:.0f} % the index")


def queries(world: World) -> dict[str, str]:
    words = world.words
    umlaut = next(word for word in words[200:] if "ü" in word and "ue" not in word)
    return {
        "a rare word": words[40_000],
        "a word of some hundred mails": words[1000],
        "a common word": words[100],
        "a very common word": words[5],
        "two common words": f"{words[30]} {words[60]}",
        "four words, common and rare": f"{words[3]} {words[20]} {words[500]} {words[3000]}",
        "a phrase of two common words": f'"{words[2]} {words[3]}"',
        "a beginning of two letters": f"{words[100][:2]}*",
        "a beginning of three letters": f"{words[100][:3]}*",
        "a beginning of six letters": "rechnu*",
        "ü typed as ue": umlaut.replace("ü", "ue"),
        "from: an address": f"from:{world.people[17]}",
        "from: a domain": f"from:{world.people[17].partition('@')[2]}",
        "subject: a common word": f"subject:{words[10]}",
        "a common word, not another": f"{words[50]} -{words[5]}",
        "a common word in tickets with a tag": f"tag:vip {words[100]}",
        "a ticket number": "20261121000815",
        "a word that nobody wrote": "zzyzx",
    }


async def ask(path: Path, name: str, query: str) -> None:
    store = open_sqlite(path)
    wanted = TicketFilter(search=parse_query(query), newest=NEWEST)
    times: list[float] = []
    cpu: list[float] = []
    for _ in range(REPEATS + 1):
        start, started = time.perf_counter(), time.process_time()
        await store.read(lambda tx: list(tx.tickets.matching(wanted)))
        times.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (time.process_time() - started))
    every = replace(wanted, newest=0)
    found = len(await store.read(lambda tx: list(tx.tickets.matching(every))))
    await store.close()
    first, again = times[0], times[1:]
    print(
        f"| {name} | {found:,} | {first:.1f} | {statistics.median(again):.1f} | {max(again):.1f}"
        f" | {statistics.median(cpu[1:]):.1f} |",
        flush=True,
    )


async def main(arguments: argparse.Namespace, folder: Path) -> None:
    path = arguments.store or folder / "mailproc.db"
    world = make_world(random.Random(1))
    store = open_sqlite(path)
    if not await store.read(lambda tx: tx.tickets.counts()[State.CLOSED]):
        await fill(store, world, arguments.mails)
    await index(store)
    await index_others(store)
    await store.close()
    tell_size(path)
    print("| query | all | first ms | median | worst | CPU |\n|---|---|---|---|---|---|")
    for name, query in queries(world).items():
        await ask(path, name, query)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=100_000)
    parser.add_argument("--store", type=Path)
    with tempfile.TemporaryDirectory() as made:
        sys.exit(asyncio.run(main(parser.parse_args(), Path(made))))

"""What a mail of 5 KiB costs in the default chain, stage by stage, in CPU time.

    [MAILPROC_CORPUS=…/open] .venv/bin/python -m bench.chain [--mails N] [--rounds N] [--tokens N] [--json]

The store is one that was trained: spam and ham until there are so many tokens, topics of up to twenty mails
each.  With a corpus, mails of it are learnt and others of 4.5 to 5.5 KiB are measured; without, both are
made up of words.  Nothing remote is asked.  Times are of the whole process, the store's threads included, so
that what others do on the machine counts less; mails go through the chain one by one, in the daemon's own
event loop.

The first stage that needs a part of the mail (its header, its text, its tokens) pays for reading it.
*First* is the median over the mails, each seen for the first time; *again* the median of the best of the
further rounds, where the machine's caches are warm.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain as joined
from pathlib import Path

import uvloop

from bench.injector import words
from mailproc.chains import open_chains
from mailproc.check.load import load
from mailproc.desk.topics import learn_model, tokens_of
from mailproc.desk.train import Label, read_lesson, train
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.opening import load_keyring, make_site
from mailproc.pipeline.chain import Chain, Step
from mailproc.pipeline.delivery import Delivery
from mailproc.store.protocol import Store
from mailproc.store.sqlite import open_sqlite

CONFIGURATION = """\
hostname = "mail.example.org"
data_dir = "state"
[lmtp]
listen = ["127.0.0.1:0"]
[desk.support]
addresses = ["support@example.org"]
"""
TOKENS = 100_000  # that the spam filter has learnt
SIZES = range(4_608, 5_633)  # octets of a mail that is measured
PER_TOPIC = 20
TABLES = (".csv", ".tsv", ".json", ".md")  # of the corpus: no mails
AIM, BOUND = 0.7, 0.9  # ms
SEED = 5


@dataclass(frozen=True, slots=True)
class Material:
    """Mails to learn, without end or until there are no more, and mails to measure."""

    ham: Iterator[bytes]
    spam: Iterator[bytes]
    topics: Sequence[tuple[str, bytes]]
    measured: Sequence[bytes]


def from_corpus(corpus: Path, mails: int) -> Material:
    with (corpus / "MANIFEST.tsv").open(newline="") as manifest:
        rows = [row for row in csv.DictReader(manifest, delimiter="\t") if not row["path"].endswith(TABLES)]
    source = random.Random(SEED)
    source.shuffle(rows)
    sets = {"spamassassin", "csdmc2010", "threads", "topics"}
    fitting = [row for row in rows if row["set"] in sets and int(row["bytes"]) in SIZES][:mails]
    taken = {row["path"] for row in fitting}
    others = [row for row in rows if row["path"] not in taken]
    topics = [row for row in others if row["set"] == "topics"]

    def raws(label: str) -> Iterator[bytes]:
        return (_raw(corpus, row) for row in others if row["label"] == label)

    few: Counter[str] = Counter()
    learnt = [row for row in topics if (few.update([row["label"]]) or few[row["label"]]) <= PER_TOPIC]
    measured = [_raw(corpus, row) for row in fitting]
    return Material(
        raws("ham"), raws("spam"), [(row["label"], _raw(corpus, row)) for row in learnt], measured
    )


def _raw(corpus: Path, row: dict[str, str]) -> bytes:
    return normalise_newlines((corpus / row["path"]).read_bytes())


def made_up(mails: int) -> Material:
    """Mails of common words and of rare ones, those that spam, ham and each topic have for themselves."""
    source = random.Random(SEED)

    def mail(kind: str, number: int) -> bytes:
        rare = (f"{kind}{source.randrange(20_000)}" for _ in range(80))
        common = words(source)
        text = " ".join(
            joined.from_iterable((*(next(common) for _ in range(9)), next(rare)) for _ in range(60))
        )
        lines = [text[start : start + 76] for start in range(0, len(text), 76)]
        head = [
            "Received: from out.customer.example (out.customer.example [192.0.2.7])",
            "\tby mail.example.org (Postfix) with ESMTPS id 4F00; Sat, 21 Nov 2026 12:00:00 +0000 (UTC)",
            f"From: Customer {number} <customer{number % 500}@customer{number % 50}.example>",
            "To: support@example.org",
            f"Subject: {kind} question {number}",
            "Date: Sat, 21 Nov 2026 12:00:00 +0000",
            f"Message-ID: <{kind}.{number}@customer.example>",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
        ]
        return "\r\n".join([*head, "", *lines, ""]).encode()[: SIZES.stop]

    def endless(kind: str) -> Iterator[bytes]:
        return (mail(kind, number) for number in range(100_000))

    topics = [
        (f"topic{number % 20}", mail(f"topic{number % 20}", number)) for number in range(20 * PER_TOPIC)
    ]
    return Material(endless("ham"), endless("spam"), topics, [mail("new", number) for number in range(mails)])


async def learn(store: Store, material: Material, tokens: int) -> tuple[int, int, int]:
    """Teach the store; how many mails were learnt as spam and ham, how many tokens and topics there are."""
    learnt = known = 0
    pairs = zip(material.ham, material.spam, strict=False)
    while known < tokens and (batch := [pair for pair, _ in zip(pairs, range(50), strict=False)]):
        for ham, spam in batch:
            lessons = [(read_lesson(ham), Label.HAM), (read_lesson(spam), Label.SPAM)]
            for lesson, label in lessons:
                await store.write(lambda tx, lesson=lesson, label=label: train(tx, lesson, label, 0.0))  # type: ignore[misc]
        learnt += 2 * len(batch)
        known = await store.read(lambda tx: tx.tokens.distinct_words())
    for topic, raw in material.topics:
        digest, said = hashlib.sha256(raw).digest(), await tokens_of(raw)
        await store.write(
            lambda tx, digest=digest, topic=topic, said=said: tx.topics.learn(  # type: ignore[misc]
                "support", digest, topic, now=0.0, tokens=said
            )
        )
    for model in await store.read(lambda tx: tx.topics.stale()):
        await learn_model(store, model, 1.0)
    return learnt, known, len({topic for topic, _ in material.topics})


async def trained_store(folder: Path, tokens: int) -> Path:
    """Make an SQLite store that has learnt made-up mails; its file."""
    path = folder / "trained.db"
    store = open_sqlite(path)
    try:
        await learn(store, made_up(0), tokens)
    finally:
        await store.close()
    return path


class Stopwatch:
    """CPU seconds by stage and by the whole, for each mail of a round."""

    def __init__(self, chain: Chain, desk: Desk) -> None:
        self._chain = chain
        self._desk = desk
        self._single = [(step, Chain([step])) for step in chain.steps]

    def _delivery(self, raw: bytes) -> Delivery:
        sender = Address("carla", "customer.example")
        return Delivery(Envelope(sender, self._desk.address), self._desk, raw, time.time())

    async def stages(self, raw: bytes) -> dict[str, float]:
        delivery = self._delivery(raw)
        spent: dict[str, float] = {}
        for step, single in self._single:
            started = time.process_time()
            await single.run(delivery)
            spent[step.name] = time.process_time() - started
        return spent

    async def whole(self, raw: bytes) -> float:
        started = time.process_time()
        await self._chain.run(self._delivery(raw))
        return time.process_time() - started

    @property
    def steps(self) -> Sequence[Step]:
        return self._chain.steps


async def measure(watch: Stopwatch, mails: Sequence[bytes], rounds: int) -> dict[str, tuple[float, float]]:
    """Milliseconds: the median of first sights, and of each mail's best later time, by stage and for all."""
    for raw in mails[:50]:
        await watch.whole(raw[:-2] + b"x\r\n")  # counts are read, models are loaded
    first: dict[str, list[float]] = defaultdict(list)
    best: dict[str, list[float]] = defaultdict(list)
    for number, raw in enumerate(mails):
        whole = await watch.whole(raw) if number % 2 else None  # half of the mails are seen whole first
        for stage, spent in (await watch.stages(raw)).items():
            if whole is None:
                first[stage].append(spent)
        if whole is not None:
            first["all"].append(whole)
        later = [await watch.stages(raw) for _ in range(rounds)]
        for stage in later[0]:
            best[stage].append(min(each[stage] for each in later))
        best["all"].append(min([await watch.whole(raw) for _ in range(rounds)]))
    return {
        stage: (statistics.median(first[stage]) * 1000, statistics.median(best[stage]) * 1000)
        for stage in best
    }


async def run(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    corpus = os.environ.get("MAILPROC_CORPUS")
    material = from_corpus(Path(corpus), options.mails) if corpus else made_up(options.mails)
    (folder / "mailproc.toml").write_text(CONFIGURATION)
    loaded = load(folder / "mailproc.toml", {})
    (folder / "state").mkdir()
    store = open_sqlite(folder / "state" / "mailproc.db")
    try:
        learnt, tokens, topics = await learn(store, material, options.tokens)
        site = make_site(loaded.config, load_keyring(loaded.config))
        chains = await open_chains(loaded, site, store, time.time)
        watch = Stopwatch(chains["support"], site.desks["support"])
        found = await measure(watch, material.measured, options.rounds)
    finally:
        await store.close()
    return {
        "mails": len(material.measured),
        "octets": statistics.median(map(len, material.measured)),
        "real": bool(corpus),
        "learnt": learnt,
        "tokens": tokens,
        "topics": topics,
        "ms": {
            stage: {"first": round(one, 3), "again": round(two, 3)} for stage, (one, two) in found.items()
        },
    }


def show(found: dict[str, object]) -> None:
    kind = "real" if found["real"] else "made-up"
    print(f"{found['mails']} {kind} mails of {found['octets']:.0f} octets; learnt {found['learnt']} mails,")
    print(f"{found['tokens']} tokens, {found['topics']} topics.  CPU time, medians:\n")
    print(f"{'stage':<14}{'first':>10}{'again':>10}")
    spent = found["ms"]
    assert isinstance(spent, dict)
    for stage, each in spent.items():
        print(f"{stage:<14}{each['first']:>7.3f} ms{each['again']:>7.3f} ms")
    print(f"\nbound {BOUND} ms, aim {AIM} ms")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mails", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3, help="further looks at each mail")
    parser.add_argument("--tokens", type=int, default=TOKENS, help="of the spam filter")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="mailproc-chain-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        found = runner.run(run(options, Path(folder)))
    if options.json:
        print(json.dumps(found))
    else:
        show(found)
    spent = found["ms"]
    assert isinstance(spent, dict)
    return 0 if spent["all"]["first"] <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())

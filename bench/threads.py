"""Follow-up detection on real threads: replay two mailing lists as if each were a desk.

    python -m bench.threads CORPUS [--forward join] [--at-once] [--without-ids] [--verbose]

CORPUS holds ``threads/LIST.tsv`` with path, thread_root and unix_time of each mail.  Mail by mail goes
through ``read_signals``, ``find`` and ``record`` into a fresh SQLite store, in the order of time, and its
ticket is compared with its thread.  The desk's address is the one that most mails were sent to.

A mail is *joinable* when an earlier mail of its thread, or an id that one of them names, stands in its
headers (or an earlier one names this mail).  *Right* joined a ticket of its thread, *missed* opened a new
one, *wrong* joined the ticket of another thread.  *Beyond* joined rightly without such a header.  *Split*
counts threads that ended in several tickets.  ``--at-once`` lets all mail arrive in one hour, as an import
does; ``--without-ids`` takes all Message-IDs away, so that only subject, people and time are left.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from mailproc.desk.follow_up import find, record
from mailproc.desk.number import new_number
from mailproc.desk.site import Site
from mailproc.mime.reader import Mail, read
from mailproc.mime.signals import read_signals
from mailproc.model.address import Address
from mailproc.model.desk import Desk, FollowUpPolicy, ForwardPolicy
from mailproc.model.envelope import Envelope
from mailproc.model.follow_up import FollowUp, Signals
from mailproc.model.judgement import NOT_AUTHENTICATED, MailClass
from mailproc.model.mac import Keyring
from mailproc.model.ticket import Direction, State, Ticket
from mailproc.store.protocol import Store, Transaction
from mailproc.store.sqlite import open_sqlite
from mailproc.store.tickets import NewMessage, NewTicket

LISTS = ("usrp-users", "linux-man")
ARRIVAL = 1_795_000_000.0  # for --at-once


@dataclass(frozen=True, slots=True)
class Listed:
    """One mail of a list and what the truth table says of it."""

    path: str
    root: str
    time: float
    mail: Mail


@dataclass
class Truth:
    """What is known of each thread so far, by the truth table."""

    ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    roots_of_ticket: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def is_joinable(self, root: str, signals: Signals) -> bool:
        return not self.ids[root].isdisjoint({signals.message_id, *signals.ids} - {""})

    def learn(self, root: str, ticket: str, signals: Signals) -> None:
        self.ids[root] |= {signals.message_id, *signals.ids} - {""}
        self.roots_of_ticket[ticket][root] += 1

    def splits(self) -> int:
        tickets = Counter(root for roots in self.roots_of_ticket.values() for root in roots)
        return sum(1 for count in tickets.values() if count > 1)


@dataclass
class Figures:
    counts: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, listed: Listed, found: FollowUp, *, joinable: bool, roots: Sequence[str]) -> None:
        self.counts["mails"] += 1
        self.counts["joinable"] += joinable
        if found.ticket is None:
            what = "missed" if joinable else "new"
        elif listed.root in roots:
            what = "right" if joinable else "beyond"
        else:
            what = "wrong"
        self.counts[what] += 1
        self.signals[found.by or "none"] += 1
        why = "; ".join(found.reasons)
        self.examples[what].append(f"{listed.path} by={found.by or '-'} ticket={found.ticket} {why}")


def read_list(corpus: Path, name: str) -> list[Listed]:
    with (corpus / "threads" / f"{name}.tsv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    mails = (
        Listed(
            row["path"],
            row["thread_root"],
            float(row["unix_time"]),
            read((corpus / row["path"]).read_bytes()),
        )
        for row in rows
    )
    return sorted(mails, key=lambda listed: listed.time)


def desk_of(mails: Sequence[Listed], policy: FollowUpPolicy) -> Desk:
    addresses = Counter(box.address.key for listed in mails for box in (*listed.mail.to, *listed.mail.cc))
    address = Address.parse(addresses.most_common(1)[0][0])
    return Desk("list", "List", (address,), follow_up=policy)


class Replay:
    """One list, mail by mail, into a store of its own."""

    def __init__(self, store: Store, desk: Desk, *, at_once: bool, without_ids: bool) -> None:
        self._store = store
        self._desk = desk
        self._at_once = at_once
        self._without_ids = without_ids
        self._site = Site("mail.example.org", {desk.name: desk}, {}, Keyring.generate(b"k" * 32))
        self._rng = random.Random(1)
        self._truth = Truth()
        self.figures = Figures()

    async def run(self, mails: Sequence[Listed]) -> None:
        for place, listed in enumerate(mails):
            signals = self._signals(listed, place)
            found, number = await self._store.write(partial(self._file, signals=signals, listed=listed))
            roots = list(self._truth.roots_of_ticket[number])
            joinable = self._truth.is_joinable(listed.root, signals)
            self.figures.add(listed, found, joinable=joinable, roots=roots)
            self._truth.learn(listed.root, number, signals)
        self.figures.counts["split"] = self._truth.splits()

    def _signals(self, listed: Listed, place: int) -> Signals:
        received = ARRIVAL + place if self._at_once else listed.time
        signals = read_signals(
            listed.mail,
            Envelope(None, self._desk.address),
            self._desk,
            authentication=NOT_AUTHENTICATED,
            automatic=MailClass.LIST,
            received=received,
        )
        if self._without_ids:
            signals = replace(signals, message_id="", in_reply_to=(), references=(), id_tokens={})
        return signals

    def _file(self, tx: Transaction, *, signals: Signals, listed: Listed) -> tuple[FollowUp, str]:
        found = find(tx, self._site.keyring, self._desk, signals, signals.received)
        ticket = tx.tickets.by_number(found.ticket) if found.ticket else self._open(tx, signals)
        assert ticket is not None
        tx.tickets.add_message(ticket, _message(signals, listed))
        tx.tickets.touch(ticket.id, signals.received)
        record(tx, self._site, self._desk, ticket, signals, found)
        return found, ticket.number

    def _open(self, tx: Transaction, signals: Signals) -> Ticket:
        return tx.tickets.open(
            NewTicket(
                number=new_number(tx, self._desk, signals.received, self._rng),
                desk=self._desk.name,
                subject=signals.subject_key,
                subject_key=signals.subject_key,
                state=State.NEW,
                owner="",
                customer=signals.customer or signals.sender,
                opened=signals.received,
                topic="",
                language="",
                spam=0.0,
            )
        )


def _message(signals: Signals, listed: Listed) -> NewMessage:
    return NewMessage(
        delivery=None,
        sha256=listed.path.encode(),
        direction=Direction.IN,
        sender=signals.sender,
        recipients=(),
        subject=signals.subject_key,
        date=signals.date,
        message_id=signals.message_id,
        size=len(listed.mail.raw),
        automatic=signals.automatic.value,
        at=signals.received,
    )


def report(name: str, figures: Figures, seconds: float, *, verbose: bool) -> Iterator[str]:
    counts = figures.counts
    joined = counts["right"] / counts["joinable"] if counts["joinable"] else 1.0
    yield f"{name}: {counts['mails']} mails in {seconds:.1f} s"
    yield f"  joinable {counts['joinable']}, right {counts['right']} ({joined:.2%})"
    yield "  " + ", ".join(f"{what} {counts[what]}" for what in ("missed", "wrong", "beyond", "new", "split"))
    yield "  by " + ", ".join(f"{by} {count}" for by, count in figures.signals.most_common())
    for what in ("missed", "wrong", "beyond") if verbose else ():
        yield from (f"    {what}: {example}" for example in figures.examples[what])


async def replay(
    corpus: Path, name: str, *, forward: ForwardPolicy, at_once: bool, without_ids: bool = False
) -> Figures:
    mails = read_list(corpus, name)
    desk = desk_of(mails, FollowUpPolicy(forward=forward))
    with tempfile.TemporaryDirectory() as folder:
        store = open_sqlite(Path(folder) / "threads.db")
        run = Replay(store, desk, at_once=at_once, without_ids=without_ids)
        await run.run(mails)
        await store.close()
    return run.figures


def main() -> None:
    parser = argparse.ArgumentParser(description="Follow-up detection on real threads")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--forward", choices=[policy.value for policy in ForwardPolicy], default="new")
    parser.add_argument("--at-once", action="store_true", help="all mail arrives in one hour")
    parser.add_argument("--without-ids", action="store_true", help="as if all Message-IDs were rewritten")
    parser.add_argument("--verbose", action="store_true", help="paths of what was missed or wrong")
    arguments = parser.parse_args()
    for name in LISTS:
        start = time.perf_counter()
        figures = asyncio.run(
            replay(
                arguments.corpus,
                name,
                forward=ForwardPolicy(arguments.forward),
                at_once=arguments.at_once,
                without_ids=arguments.without_ids,
            )
        )
        seconds = time.perf_counter() - start
        print("\n".join(report(name, figures, seconds, verbose=arguments.verbose)))


if __name__ == "__main__":
    main()

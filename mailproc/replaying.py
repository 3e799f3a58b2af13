"""Puts together what runs stored mail through chains again: nothing is stored, sent or published.

The chains are those of the daemon, with a store that is only read.  Each mail sees the ticket that it joined
when it came; all else that stages look up (history, load, what was learnt, remote sources) is as it is now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mailproc.chains import open_chains
from mailproc.clock import Clock
from mailproc.config import Loaded
from mailproc.desk.processing import delivery_of
from mailproc.desk.replay import (
    RULES,
    PastMail,
    Reading,
    Remembered,
    differences,
    past_mail,
    reading_of,
)
from mailproc.desk.site import Site
from mailproc.desk.view import rfc3339
from mailproc.mime.reader import read
from mailproc.model.address import Address
from mailproc.opening import load_keyring, make_bucket, make_site, store_place, with_bucket
from mailproc.pipeline.chain import Chain
from mailproc.store.connection import StoreError
from mailproc.store.protocol import Store

AT_ONCE = 100  # deliveries read together

View = dict[str, object]


@dataclass
class Tally:
    """Counts of a replay: of mails, and of each rule before and after the change."""

    mails: int = 0
    differ: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)

    def view(self) -> View:
        rules = [
            {"rule": rule, "was": self.before[rule], "would": self.after[rule]}
            for rule in dict.fromkeys([*self.before, *self.after])
        ]
        return {"mails": self.mails, "differ": self.differ, "rules": rules}


@dataclass
class Bench:
    """The open chains of one configuration."""

    site: Site
    chains: dict[str, Chain]
    tickets: Remembered

    async def read(self, mail: PastMail) -> Reading | None:
        """What its chain says of a mail; None where the configuration has no desk for it."""
        recipient = Address.parse(mail.stored.rcpt_to)
        desk = self.site.desk_of(recipient) or self.site.desks.get(mail.stored.desk)
        if desk is None:
            return None
        self.tickets.joined = mail.joined
        delivery = delivery_of(mail.stored, mail.raw, desk)
        verdict = await self.chains[desk.name].run(delivery)
        return reading_of(delivery, verdict)

    async def close(self) -> None:
        for chain in self.chains.values():
            await chain.close()


@dataclass
class Replay:
    """Compares, mail by mail, what ``changed`` would do: with the chain as it is, or with what was done."""

    store: Store
    current: Bench | None  # None: compare with what was done
    changed: Bench
    tally: Tally = field(default_factory=Tally)

    async def differing(self, since: float, desk: str = "") -> AsyncIterator[View]:
        """The mails since then for which something would differ, in the order in which they came."""
        async for mail in self._mails(since, desk):
            was = mail.reading if self.current is None else await self.current.read(mail)
            would = await self.changed.read(mail)
            found = self._compare(was, would)
            if found:
                self.tally.differ += 1
                yield {**_describe(mail), "changes": found}

    async def _mails(self, since: float, desk: str) -> AsyncIterator[PastMail]:
        after = 0
        while some := await self.store.read(
            lambda tx, after=after: tx.deliveries.finished_since(since, after, AT_ONCE)  # type: ignore[misc]
        ):
            after = some[-1].id
            for stored in some:
                if desk in ("", stored.desk):
                    mail = await self.store.read(lambda tx, stored=stored: past_mail(tx, stored))  # type: ignore[misc]
                    if mail is not None:
                        yield mail

    def _compare(self, was: Reading | None, would: Reading | None) -> View:
        self.tally.mails += 1
        self.tally.before.update(_rules(was))
        self.tally.after.update(_rules(would))
        if was is None or would is None:
            return {} if was is would else {"desk": {"was": _desk(was), "would": _desk(would)}}
        return dict(differences(was, would))


@asynccontextmanager
async def replaying(loaded: Loaded, changed: Loaded | None, clock: Clock) -> AsyncIterator[Replay]:
    """A replay on the configured store; StoreError where there is none, CannotOpen for a stage."""
    place = store_place(loaded.config)
    store = place.look_at()
    if store is None:
        raise StoreError(f"{place}: there is no store yet, and so no mail to replay")
    store = with_bucket(store, make_bucket(loaded.config))
    benches: list[Bench] = []
    try:
        benches.append(await _bench(loaded, loaded, store, clock))
        if changed:
            benches.append(await _bench(loaded, changed, store, clock))
        yield Replay(store, benches[0] if changed else None, benches[-1])
    finally:
        for bench in benches:
            await bench.close()
        await store.close()


async def _bench(loaded: Loaded, tried: Loaded, store: Store, clock: Clock) -> Bench:
    """The chains of a configuration that is tried, with the key of the one that is in force."""
    site = make_site(tried.config, load_keyring(loaded.config))
    tickets = Remembered()
    return Bench(site, await open_chains(tried, site, store, clock, tickets), tickets)


def _rules(reading: Reading | None) -> list[str]:
    fired = reading.get(RULES) if reading else None
    return fired if isinstance(fired, list) else []


def _desk(reading: Reading | None) -> object:
    return reading.get("desk") if reading else None


def _describe(mail: PastMail) -> View:
    stored, letter = mail.stored, read(mail.raw)
    return {
        "delivery": stored.id,
        "sha256": stored.sha256.hex(),
        "received": rfc3339(stored.received),
        "desk": stored.desk,
        "from": letter.author.address.key if letter.author else "",
        "subject": letter.subject,
    }

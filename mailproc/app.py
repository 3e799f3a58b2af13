"""The composition root: a configuration in, running parts out.  The only file that knows every part."""

from __future__ import annotations

import hashlib
import logging
import os
import random
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailproc.check.dkim import configured_keys
from mailproc.check.load import make_chains
from mailproc.check.paths import canned_folders, template_folders
from mailproc.config import Config, DeskSection, Loaded
from mailproc.desk.canned import read_canned
from mailproc.desk.explain import View
from mailproc.desk.explain import explain as explain_delivery
from mailproc.desk.filing import Filing
from mailproc.desk.intake import Intake
from mailproc.desk.look_ups import StoredHistory, StoredTickets, StoredTokens
from mailproc.desk.pressure import Pressure
from mailproc.desk.processing import ProcessingLimits, Processor
from mailproc.desk.settle import settle
from mailproc.desk.site import Agent, Site
from mailproc.desk.submitted import Submissions, SubmissionSettings
from mailproc.failpoint import NO_FAILPOINTS, FailPoints
from mailproc.imap.tenant import Tenant
from mailproc.listen.sockets import TcpEndpoint, parse_endpoint
from mailproc.mime.reader import read
from mailproc.mime.sender import presumed_sender
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.address import Address, ascii_domain
from mailproc.model.desk import ClosedReply, Desk, FollowUpPolicy, ForwardPolicy, NumberScheme, SeveralPolicy
from mailproc.model.envelope import Envelope
from mailproc.model.mac import BadKeyring, Keyring
from mailproc.outbox.relay import Relay, RelaySettings
from mailproc.outbox.schedule import Schedule
from mailproc.outbox.worker import Worker
from mailproc.pipeline.chain import Chain
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import LookUps
from mailproc.store.connection import StoreError
from mailproc.store.protocol import Store
from mailproc.store.sqlite import SqliteStore, open_sqlite
from mailproc.watching import Bell, make_watchers

if TYPE_CHECKING:
    from mailproc.outbox.sign import Signer

log = logging.getLogger("mailproc")

KEY_BYTES = 32
HOUR = 3600.0


def store_path(config: Config) -> Path:
    """The file of a SQLite store."""
    scheme, _, path = config.store.url.partition(":")
    if scheme != "sqlite":
        raise StoreError(f"store {scheme}: is not supported by this version, use sqlite:PATH")
    return Path(path)


def open_store(config: Config, failpoints: FailPoints = NO_FAILPOINTS) -> SqliteStore:
    """The configured store, its schema up to date."""
    return open_sqlite(store_path(config), failpoints=failpoints)


def key_path(config: Config) -> Path:
    """The file with the key of tags, reply addresses and Message-IDs."""
    return Path(config.secret_file) if config.secret_file else Path(config.data_dir) / "secret.key"


def load_keyring(config: Config) -> Keyring:
    """Read the keyring, or make one where the configuration names none; StoreError where that fails."""
    path = key_path(config)
    try:
        if not config.secret_file and not path.exists():
            _write_new_key(path)
        return Keyring.parse(path.read_text("ascii"))
    except (OSError, BadKeyring, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: {error}") from error


def _write_new_key(path: Path) -> None:
    """Write a fresh key so that it is whole or absent, and keep the one of a faster process."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = Keyring.generate(secrets.token_bytes(KEY_BYTES)).render()
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as file:  # mode 0600
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, path)
        except FileExistsError:
            log.info("key=%s made by another process", path)


def make_site(config: Config, keyring: Keyring) -> Site:
    """What the verbs know of the site."""
    signing = frozenset(map(ascii_domain, config.dkim))
    desks = {name: _desk(name, section, signing) for name, section in config.desk.items()}
    agents = {
        name: Agent(
            name,
            section.name or name,
            Address.parse(section.address),
            further=tuple(map(Address.parse, section.addresses)),
            may_write_new=section.new,
            wants_drafts=section.draft_answers,
        )
        for name, section in config.agent.items()
    }
    return Site(config.hostname, desks, agents, keyring)


def _desk(name: str, section: DeskSection, signing: Collection[str]) -> Desk:
    addresses = tuple(map(Address.parse, section.addresses))
    return Desk(
        name=name,
        title=section.name or name,
        addresses=addresses,
        signed=ascii_domain(addresses[0].domain) in signing,
        agents=section.agents,
        folder=section.folder or name,
        language=section.language,
        delimiter=section.delimiter,
        reply_address=section.reply_address,
        number=NumberScheme(section.number),
        follow_up=FollowUpPolicy(
            closed=ClosedReply(section.closed_reply),
            reopen_days=section.reopen_days,
            forward=ForwardPolicy(section.forward),
            several=SeveralPolicy(section.several),
            subject_days=section.subject_days,
        ),
        sender=section.sender,
        salutation=section.salutation,
        signature=section.signature,
        receipts=section.receipts,
        send_delay=section.send_delay,
        claim_expires=section.claim_expires * HOUR,
        review=section.review,
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """A running mailproc, before its sockets."""

    store: SqliteStore
    site: Site
    chains: Mapping[str, Chain]
    intake: Intake
    processor: Processor
    outbox: Worker | None  # None without [relay]: what is to leave waits
    submissions: Submissions
    watchers: tuple[Tenant, ...]  # of the desks' folders and the agents' drafts; none without [imap]


async def assemble(
    loaded: Loaded,
    store: SqliteStore,
    *,
    clock: Callable[[], float] = time.time,
    failpoints: FailPoints = NO_FAILPOINTS,
    at_once: int | None = None,
    worker: str = "",
    pressure: Pressure | None = None,
) -> Parts:
    """Build every part on an open store; nothing runs yet but the stages' own ``open``."""
    config = loaded.config
    site = make_site(config, load_keyring(config))
    chains = await open_chains(loaded, site, store, clock)
    outbox = _outbox_worker(config, site, store, clock, failpoints)
    wake = Bell([outbox.wake] if outbox else [])
    pressure = pressure or Pressure()
    processor = Processor(
        store,
        chains,
        Filing(site, random.SystemRandom()),
        clock=clock,
        limits=ProcessingLimits(at_once or config.limits.at_once, config.limits.attempts),
        failpoints=failpoints,
        worker=worker,
        pressure=pressure,
        on_filed=wake,
    )
    intake = Intake(
        store,
        site,
        clock=clock,
        backlog=config.limits.backlog,
        failpoints=failpoints,
        pressure=pressure,
        on_accepted=processor.wake,
    )
    submissions = _submissions(config, site, store, clock, failpoints, wake)
    watchers = make_watchers(
        config,
        site,
        store,
        clock=clock,
        failpoints=failpoints,
        worker=worker,
        bell=wake,
        on_taken_in=processor.wake,
    )
    return Parts(store, site, chains, intake, processor, outbox, submissions, watchers)


def _submissions(
    config: Config,
    site: Site,
    store: Store,
    clock: Callable[[], float],
    failpoints: FailPoints,
    wake: Callable[[], None],
) -> Submissions:
    settings = SubmissionSettings(
        refuse_second=config.submission.second_answer == "refuse",
        pass_through=config.submission.pass_through,
        canned=read_canned(canned_folders(config), config.desk),
    )
    return Submissions(
        site,
        store,
        clock=clock,
        rng=random.SystemRandom(),
        settings=settings,
        failpoints=failpoints,
        on_queued=wake,
    )


def _outbox_worker(
    config: Config, site: Site, store: Store, clock: Callable[[], float], failpoints: FailPoints
) -> Worker | None:
    if config.relay is None:
        return None
    relay = parse_endpoint(config.relay.address)
    assert isinstance(relay, TcpEndpoint)  # as checked when the configuration was loaded
    settings = RelaySettings(
        host=relay.host,
        port=relay.port,
        hostname=config.hostname,
        tls=config.relay.tls,
        user=config.relay.user,
        password=config.relay.password,
        connections=config.relay.connections,
        timeout=config.relay.timeout,
    )
    return Worker(
        store,
        Relay(settings),
        clock=clock,
        rng=random.SystemRandom(),
        on_settled=lambda tx, settled: settle(tx, site, settled, clock()),
        schedule=Schedule(max_age=config.relay.max_age),
        failpoints=failpoints,
        signer=_signer(config, clock),
    )


def _signer(config: Config, clock: Callable[[], float]) -> Signer | None:
    if not config.dkim:
        return None
    from mailproc.outbox.sign import DomainKey, Signer  # dkimpy brings a resolver: a tenth of a second

    keys: dict[str, list[DomainKey]] = {}
    for found in configured_keys(config):
        keys.setdefault(found.domain, []).append(DomainKey(found.selector, found.key))
    return Signer(keys, clock=clock)


async def open_chains(
    loaded: Loaded, site: Site, store: Store, clock: Callable[[], float]
) -> dict[str, Chain]:
    """The chain of each desk, its stages open."""
    look_ups = LookUps(
        tickets=StoredTickets(store, site.keyring, clock),
        history=StoredHistory(store),
        tokens=StoredTokens(store),
        templates=template_folders(loaded.config),
        hostname=site.hostname,
        own_addresses=site.own_addresses | site.agent_addresses,
    )
    chains = make_chains(loaded)
    for chain in chains.values():
        await chain.open(look_ups)
    return chains


Judge = Callable[[bytes, Address | str | None], Awaitable[View]]


@asynccontextmanager
async def explaining(loaded: Loaded, desk: str) -> AsyncIterator[Judge]:
    """A judge of mails for ``explain``: on the configured store where there is one, else on an empty one."""
    with tempfile.TemporaryDirectory(prefix="mailproc-") as folder:
        store, keyring = _store_to_look_at(loaded.config, Path(folder))
        site = make_site(loaded.config, keyring)
        chains = await open_chains(loaded, site, store, time.time)
        try:
            yield lambda raw, sender: _judge(site, chains[desk], store, site.desks[desk], raw, sender)
        finally:
            for chain in chains.values():
                await chain.close()
            await store.close()


def _store_to_look_at(config: Config, folder: Path) -> tuple[SqliteStore, Keyring]:
    path = store_path(config)
    if path.exists() and key_path(config).exists():
        return SqliteStore(path), load_keyring(config)
    return open_sqlite(folder / "empty.db"), Keyring.generate(secrets.token_bytes(KEY_BYTES))


async def _judge(
    site: Site, chain: Chain, store: Store, desk: Desk, raw: bytes, sender: Address | str | None
) -> View:
    now = time.time()
    raw = normalise_newlines(raw)
    sha256 = hashlib.sha256(raw).digest()
    delivery = Delivery(Envelope(_mail_from(raw, sender), desk.address), desk, raw, now)
    verdict = await chain.run(delivery)
    return await store.read(lambda tx: explain_delivery(tx, site, delivery, verdict, sha256, now))


def _mail_from(raw: bytes, sender: Address | str | None) -> Address | None:
    """The envelope sender as given, else Return-Path, else From; "" is the null reverse-path."""
    if isinstance(sender, Address):
        return sender
    if sender == "":
        return None
    return presumed_sender(read(raw))

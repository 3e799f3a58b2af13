"""The composition root of the daemon: a configuration in, running parts out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailproc.chains import open_chains
from mailproc.check.paths import canned_folders
from mailproc.config import Config, Loaded
from mailproc.desk.canned import read_canned
from mailproc.desk.filing import Filing
from mailproc.desk.intake import Intake
from mailproc.desk.pressure import Pressure, StepBack
from mailproc.desk.processing import ProcessingLimits, Processor
from mailproc.desk.settle import settle
from mailproc.desk.site import Site
from mailproc.desk.submitted import Submissions, SubmissionSettings
from mailproc.failpoint import NO_FAILPOINTS, FailPoints
from mailproc.imap.tenant import Tenant
from mailproc.listen.sockets import TcpEndpoint, parse_endpoint
from mailproc.opening import load_keyring, make_site
from mailproc.outbox.relay import Relay, RelaySettings
from mailproc.outbox.schedule import Schedule
from mailproc.outbox.worker import Worker
from mailproc.pipeline.chain import Chain
from mailproc.store.protocol import Store
from mailproc.watching import Bell, make_watchers

if TYPE_CHECKING:
    from mailproc.outbox.sign import Signer


@dataclass(frozen=True, slots=True)
class Parts:
    """A running mailproc, before its sockets."""

    store: Store
    site: Site
    chains: Mapping[str, Chain]
    intake: Intake
    processor: Processor
    outbox: Worker | None  # None without [relay]: what is to leave waits
    submissions: Submissions
    watchers: tuple[Tenant, ...]  # of the desks' folders and the agents' drafts; none without [imap]
    wake: Callable[[], None]  # who waits for changes of tickets: there may be some


async def assemble(
    loaded: Loaded,
    store: Store,
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
    _read_holidays(site, clock())
    chains = await open_chains(loaded, site, store, clock)
    outbox = _outbox_worker(config, site, store, clock, failpoints, worker)
    wake = Bell([outbox.wake] if outbox else [])
    pressure = pressure or Pressure(time.monotonic)
    processor = Processor(
        store,
        chains,
        Filing(site, random.SystemRandom()),
        clock=clock,
        limits=ProcessingLimits(at_once or config.limits.at_once, config.limits.attempts),
        failpoints=failpoints,
        worker=worker,
        step_back=StepBack(pressure, time.monotonic),
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
    return Parts(store, site, chains, intake, processor, outbox, submissions, watchers, wake)


def _read_holidays(site: Site, now: float) -> None:
    """Calendars read their files when they are asked first: now, not when a claim may have expired."""
    for desk in site.desks.values():
        desk.calendar.is_open(now)


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
    config: Config,
    site: Site,
    store: Store,
    clock: Callable[[], float],
    failpoints: FailPoints,
    name: str,
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
        name=name,
    )


def _signer(config: Config, clock: Callable[[], float]) -> Signer | None:
    if not config.dkim:
        return None
    from mailproc.check.dkim import configured_keys  # both only where keys are: cryptography and
    from mailproc.outbox.sign import DomainKey, Signer  # dkimpy's resolver take a tenth of a second

    keys: dict[str, list[DomainKey]] = {}
    for found in configured_keys(config):
        keys.setdefault(found.domain, []).append(DomainKey(found.selector, found.key))
    return Signer(keys, clock=clock)

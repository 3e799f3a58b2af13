"""Puts the watchers of desks' folders and of agents' drafts together, and the bell that wakes them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator

from mailproc.check.mailboxes import agents_settings, folder_names, imap_settings
from mailproc.check.paths import canned_folders
from mailproc.config import Config, ImapSection
from mailproc.desk.canned import read_canned
from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.imap.draft_watcher import DraftSettings, DraftWatcher
from mailproc.imap.reconcile import Patience
from mailproc.imap.tenant import Tenant
from mailproc.imap.watcher import Watcher, WatchSettings
from mailproc.store.protocol import Store


class Bell:
    """Tells everybody who waits for changes of tickets that there may be some."""

    def __init__(self, wakes: Iterable[Callable[[], None]]) -> None:
        self._wakes = list(wakes)

    def __call__(self) -> None:
        for wake in self._wakes:
            wake()

    def add(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)


def make_watchers(
    config: Config,
    site: Site,
    store: Store,
    *,
    clock: Callable[[], float],
    failpoints: FailPoints,
    worker: str,
    bell: Bell,
    on_taken_in: Callable[[], None],
) -> tuple[Tenant, ...]:
    """A watcher of each desk's folder and of the drafts of each agent who wants it; of all workers one holds
    its lease."""
    if config.imap is None:
        return ()
    settings = WatchSettings(
        imap=imap_settings(config.imap),
        names=folder_names(config.imap),
        poll=config.imap.poll,
        full_pass=config.imap.full_pass,
        patience=Patience(config.imap.quiet, config.imap.restore_after),
        stars=config.imap.stars,
    )
    holder = f"{platform.node()}/{worker}"
    watchers = tuple(
        Watcher(
            site,
            desk,
            store,
            settings,
            clock=clock,
            failpoints=failpoints,
            holder=holder,
            on_changed=bell,
            on_taken_in=on_taken_in,
        )
        for desk in site.desks.values()
    )
    drafts = tuple(
        DraftWatcher(
            site, name, store, each, clock=clock, failpoints=failpoints, holder=holder, on_changed=bell
        )
        for name, each in _draft_settings(config, config.imap)
    )
    for watcher in (*watchers, *drafts):
        bell.add(watcher.wake)
    return (*watchers, *drafts)


def _draft_settings(config: Config, imap: ImapSection) -> Iterator[tuple[str, DraftSettings]]:
    """For each agent who opted in."""
    files = read_canned(canned_folders(config), config.desk)
    for name, agent in config.agent.items():
        if agent.drafts or agent.draft_answers:
            yield (
                name,
                DraftSettings(
                    imap=agents_settings(imap, name, agent),
                    folder=agent.drafts_folder,
                    locks=agent.drafts,
                    lays=agent.draft_answers,
                    files=files,
                    poll=imap.poll,
                    full_pass=imap.full_pass,
                    linger=imap.restore_after,
                ),
            )

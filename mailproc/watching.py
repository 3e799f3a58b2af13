"""Puts the watchers of the desks' folders together, and the bell that wakes them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable

from mailproc.check.imap import folder_names, imap_settings
from mailproc.config import Config
from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.imap.reconcile import Patience
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
) -> tuple[Watcher, ...]:
    """A watcher of each desk's folder; of all workers one holds its lease."""
    if config.imap is None:
        return ()
    settings = WatchSettings(
        imap=imap_settings(config.imap),
        names=folder_names(config.imap),
        poll=config.imap.poll,
        full_pass=config.imap.full_pass,
        patience=Patience(config.imap.quiet, config.imap.restore_after),
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
    for watcher in watchers:
        bell.add(watcher.wake)
    return watchers

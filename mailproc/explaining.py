"""Puts together what tells the fate of a mail beforehand: the chains and a store, and nothing that runs."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from mailproc.chains import open_chains
from mailproc.clock import Clock
from mailproc.config import Config, Loaded
from mailproc.desk.explain import View
from mailproc.desk.explain import explain as explain_delivery
from mailproc.desk.site import Site
from mailproc.mime.reader import read
from mailproc.mime.sender import presumed_sender
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.mac import Keyring
from mailproc.opening import KEY_BYTES, key_path, load_keyring, make_site, store_place
from mailproc.pipeline.chain import Chain
from mailproc.pipeline.delivery import Delivery
from mailproc.store.place import SqlitePlace
from mailproc.store.protocol import Store

Judge = Callable[[bytes, Address | str | None], Awaitable[View]]


@asynccontextmanager
async def explaining(loaded: Loaded, desk: str, clock: Clock) -> AsyncIterator[Judge]:
    """A judge of mails for ``explain``: on the configured store where there is one, else on an empty one."""
    with tempfile.TemporaryDirectory(prefix="mailproc-") as folder:
        store, keyring = _store_to_look_at(loaded.config, Path(folder))
        site = make_site(loaded.config, keyring)
        chains = await open_chains(loaded, site, store, clock)
        try:
            yield lambda raw, sender: _judge(
                site, chains[desk], store, site.desks[desk], raw, sender, clock()
            )
        finally:
            for chain in chains.values():
                await chain.close()
            await store.close()


def _store_to_look_at(config: Config, folder: Path) -> tuple[Store, Keyring]:
    store = store_place(config).look_at()
    if store is not None and key_path(config).exists():
        return store, load_keyring(config)
    # Before the first start there is no key, and yet what was trained counts.
    return store or SqlitePlace(folder / "empty.db").open(), Keyring.generate(secrets.token_bytes(KEY_BYTES))


async def _judge(
    site: Site, chain: Chain, store: Store, desk: Desk, raw: bytes, sender: Address | str | None, now: float
) -> View:
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

"""Daemons whose store is a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailproc.model.mac import Keyring
from tests.rig.daemon import Daemon
from tests.rig.store_server import StoreServer


@pytest.fixture
def url(store_server: StoreServer) -> str:
    """An empty place for a store."""
    return store_server.new_schema()


@pytest.fixture
def make_node(make_daemon: Callable[..., Daemon], url: str, tmp_path: Path) -> Callable[..., Daemon]:
    """Makes daemons that share a store and a key, as those of several machines do; arguments as those of
    ``Daemon``."""
    key = tmp_path / "shared.key"
    key.touch(mode=0o600)
    key.write_text(Keyring.generate(b"k" * 32).render())

    def make(*, top: str = "", store: str = url, **options: object) -> Daemon:
        return make_daemon(top=f'secret_file = "{key}"\n{top}', store=store, **options)

    return make

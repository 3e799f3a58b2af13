"""Daemons whose store is a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rig.daemon import Daemon
from tests.rig.store_server import StoreServer


@pytest.fixture
def url(store_server: StoreServer) -> str:
    """An empty place for a store."""
    return store_server.new_schema()


@pytest.fixture
def make_node(make_daemon: Callable[..., Daemon], url: str) -> Callable[..., Daemon]:
    """Makes daemons that share a store, as those of several machines do; arguments as those of ``Daemon``."""

    def make(**options: object) -> Daemon:
        return make_daemon(store=url, **options)

    return make

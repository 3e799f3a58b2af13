"""A place on PostgreSQL, asked without an event loop, and before there is a store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mailproc.store.connection import StoreBusy, StoreError
from mailproc.store.postgres.session import Server
from mailproc.store.postgres.store import existing_postgres, open_postgres, probe, read_once, write_once
from mailproc.store.protocol import Transaction
from tests.rig.store_server import StoreServer

pytestmark = pytest.mark.peers


def count_up(tx: Transaction) -> int:
    last = tx.threads.hold_sequence("", "")
    tx.threads.count_to("", "", last + 1)
    return last + 1


def test_one_transaction_needs_no_loop(store_server: StoreServer) -> None:
    server = Server(store_server.new_schema())
    assert existing_postgres(server) is None
    assert probe(server).startswith("its tables will be made; fsync is off")
    open_postgres(server)
    assert write_once(server, count_up) == 1
    assert read_once(server, lambda tx: tx.threads.mac_failures(0.0)) is not None
    assert existing_postgres(server) is not None
    with pytest.raises(KeyError):
        write_once(server, lambda tx: tx.tickets.get(17))


@pytest.mark.parametrize("ask", [open_postgres, existing_postgres, probe])
def test_a_server_that_is_not_there_is_busy(ask: Callable[[Server], object]) -> None:
    with pytest.raises(StoreBusy, match="refused"):
        ask(Server("postgresql://nobody:secret@127.0.0.1:1/nothing"))


def test_who_may_not_come_in_is_told_without_the_password(store_server: StoreServer) -> None:
    url = store_server.url.replace("postgres@", "nobody:secret@")
    with pytest.raises(StoreError, match='role "nobody" does not exist') as refused:
        open_postgres(Server(url))
    assert "secret" not in f"{refused.value} {Server(url)!r}"

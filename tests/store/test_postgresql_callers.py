"""Who asked PostgreSQL may go away before the answer comes."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from mailproc.store.postgres.session import Server
from mailproc.store.postgres.store import open_postgres
from mailproc.store.protocol import Transaction
from tests.rig.store_server import StoreServer

pytestmark = pytest.mark.peers


async def test_a_read_that_fails_after_its_caller_has_gone_is_nobodys_trouble(
    store_server: StoreServer,
) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    began, may_go_on = threading.Event(), threading.Event()

    def fails(tx: Transaction) -> None:
        began.set()
        may_go_on.wait(30)
        raise ValueError("no")

    store = open_postgres(Server(store_server.new_schema()))
    asking = asyncio.create_task(store.read(fails))
    await asyncio.to_thread(began.wait, 30)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    may_go_on.set()
    await store.close()  # waits for who reads
    gc.collect()
    assert complaints == []

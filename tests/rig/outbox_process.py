"""An outbox worker in a process of its own, to be killed: ``python -m tests.rig.outbox_process DB PORT``."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from pathlib import Path

from mailproc.failpoint import FailPoints
from mailproc.outbox.relay import Relay, RelaySettings
from mailproc.outbox.worker import Worker
from mailproc.store.sqlite import open_sqlite


async def main(database: str, port: str) -> None:
    store = open_sqlite(Path(database))
    await store.write(lambda tx: tx.holdings.release_all())
    worker = Worker(
        store,
        Relay(RelaySettings(host="127.0.0.1", port=int(port), hostname="mail.example.org")),
        clock=time.time,
        rng=random.Random(),
        on_settled=lambda tx, settled: print("settled", settled.item.key, flush=True),
        failpoints=FailPoints(os.environ),
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

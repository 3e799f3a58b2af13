"""Hear what other workers committed, on whatever machine: PostgreSQL's NOTIFY.

A transaction that put something into the outbox or changed what a folder shows says so when it commits.  What
is not heard, because the connection was lost, is found by the looks that everybody takes from time to time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import psycopg

from mailproc.store.connection import StoreError
from mailproc.store.postgres.connection import PostgresConnection
from mailproc.store.postgres.lane import CHANNEL
from mailproc.store.postgres.session import Server

GATHER = 0.02  # seconds: several commits wake once
SHORTEST, LONGEST = 0.5, 30.0  # seconds between two tries to connect


async def listen(server: Server, own: str, wake: Callable[[], None]) -> None:
    """Until cancelled, ``wake`` when somebody else changed something; ``own`` is what we say ourselves."""
    rng = random.Random()
    pause = SHORTEST
    while True:
        try:
            connection = await asyncio.to_thread(_subscribe, server)
        except (psycopg.Error, StoreError):
            await asyncio.sleep(pause * rng.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST)
            continue
        pause = SHORTEST
        try:
            wake()  # what was said meanwhile nobody heard
            await _hear(connection, own.encode(), wake)
        finally:
            connection.close()


def _subscribe(server: Server) -> PostgresConnection:
    connection = server.connect()
    try:
        connection.simple(f"LISTEN {CHANNEL}")
    except BaseException:
        connection.close()
        raise
    return connection


async def _hear(connection: PostgresConnection, own: bytes, wake: Callable[[], None]) -> None:
    """Until the connection is lost."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    number = connection.raw.fileno()
    loop.add_reader(number, arrived.set)
    try:
        while not connection.is_lost:
            await arrived.wait()
            arrived.clear()
            if any(said != own for said in connection.notifications()):
                wake()
            await asyncio.sleep(GATHER)
    except psycopg.Error:
        return
    finally:
        loop.remove_reader(number)

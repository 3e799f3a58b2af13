"""Who writes on SQLite: each worker for itself, or one process for all?  ``python -m bench.writers``

Two workers take mails of 5 KiB in, eight sessions each, with the store's own statements and group commit.
In one case each commits for itself, behind the turnstile that workers of a daemon share; in the other both
hand what is to be written to a third process, which commits for both and tells them.  What a worker does
beside (the wire, the chain) is a loop that computes for ``--beside`` milliseconds a mail.  In turn, and the
medians: mails a second, and processor time of all of them for a mail.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import pickle
import resource
import socket
import statistics
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path

import uvloop

from bench.in_process import Mails, make_mails
from bench.injector import RECIPIENT
from mailproc.store.deliveries import NewDelivery
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore, open_sqlite
from mailproc.store.turnstile import Turnstile

WORKERS, SESSIONS = 2, 8  # sessions of each
_LENGTH = struct.Struct("=I")
Accept = Callable[[NewDelivery, bytes], Awaitable[None]]
Work = Callable[[], Coroutine[None, None, None]]


def record(tx: Transaction, new: NewDelivery, raw: bytes) -> None:
    tx.deliveries.keep_raw(new.sha256, raw)
    tx.deliveries.accept(new)


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def sessions(accept: Accept, mails: Mails, beside: float) -> None:
    async def session(first: int) -> None:
        for sender, raw in mails[first::SESSIONS]:
            compute(beside)
            sha256 = hashlib.sha256(raw).digest()
            new = NewDelivery(sha256, "support", sender, RECIPIENT, sha256, time.time())
            await accept(new, raw)

    await asyncio.gather(*map(session, range(SESSIONS)))


# Each for itself


async def write_alone(path: Path, turnstile: Turnstile, mails: Mails, beside: float) -> None:
    store = SqliteStore(path, turnstile=turnstile)
    try:
        await sessions(lambda new, raw: store.write(lambda tx: record(tx, new, raw)), mails, beside)
    finally:
        await store.close()


# One for all


async def ask_writer(wire: socket.socket, mails: Mails, beside: float) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=wire)
    waiting: dict[int, asyncio.Future[None]] = {}

    async def accept(new: NewDelivery, raw: bytes) -> None:
        number = len(waiting)
        waiting[number] = asyncio.get_running_loop().create_future()
        _send(writer, (number, new, raw))
        await waiting[number]

    async def listen() -> None:
        while True:
            waiting[_LENGTH.unpack(await reader.readexactly(_LENGTH.size))[0]].set_result(None)

    listening = asyncio.create_task(listen())
    await sessions(accept, mails, beside)
    listening.cancel()
    writer.write(_LENGTH.pack(0))  # the end; every process holds a copy of the socket
    await writer.drain()
    writer.close()


def _send(writer: asyncio.StreamWriter, message: object) -> None:
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    writer.write(_LENGTH.pack(len(content)) + content)


async def write_for_all(path: Path, wires: Sequence[socket.socket]) -> None:
    store = SqliteStore(path)
    try:
        await asyncio.gather(*(_serve(store, wire) for wire in wires))
    finally:
        await store.close()


async def _serve(store: SqliteStore, wire: socket.socket) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=wire)
    under_way: set[asyncio.Task[None]] = set()

    async def write(number: int, new: NewDelivery, raw: bytes) -> None:
        await store.write(lambda tx: record(tx, new, raw))
        writer.write(_LENGTH.pack(number))

    while length := _LENGTH.unpack(await reader.readexactly(_LENGTH.size))[0]:
        task = asyncio.create_task(write(*pickle.loads(await reader.readexactly(length))))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    writer.close()


# Both in turn


def in_processes(works: Sequence[Work]) -> tuple[float, float]:
    """Seconds until all are done, and seconds of processor time that they took."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    children = [_forked(work) for work in works]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(codes):
        raise SystemExit(f"a process failed: {codes}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begun, cpu


def _forked(work: Work) -> int:
    child = os.fork()
    if child:
        return child
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
    os._exit(0)


def measure(kind: str, folder: Path, mails: Mails, beside: float) -> tuple[float, float]:
    """Mails a second, and milliseconds of processor time for one."""
    path = folder / "mailproc.db"
    asyncio.run(open_sqlite(path).close())
    shares = [mails[first::WORKERS] for first in range(WORKERS)]
    works = _each(path, shares, beside) if kind == "each" else _one(path, shares, beside)
    seconds, cpu = in_processes(works)
    return len(mails) / seconds, 1000 * cpu / len(mails)


def _each(path: Path, shares: Sequence[Mails], beside: float) -> list[Work]:
    turnstile = Turnstile()
    return [partial(write_alone, path, turnstile, share, beside) for share in shares]


def _one(path: Path, shares: Sequence[Mails], beside: float) -> list[Work]:
    pairs = [socket.socketpair() for _ in shares]
    asking = [
        partial(ask_writer, here, share, beside) for share, (here, _) in zip(shares, pairs, strict=True)
    ]
    return [*asking, partial(write_for_all, path, [there for _, there in pairs])]


def main() -> None:
    parser = argparse.ArgumentParser(description="each worker writes for itself, or one process for all")
    parser.add_argument("--mails", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside", type=float, default=0.5, help="ms of computing for a mail beside writing")
    options = parser.parse_args()
    mails = make_mails(options.mails)
    found: dict[str, list[tuple[float, float]]] = {"each": [], "one": []}
    for _ in range(options.rounds):
        for kind, figures in found.items():
            with tempfile.TemporaryDirectory(prefix="mailproc-bench-") as folder:
                figures.append(measure(kind, Path(folder), mails, options.beside / 1000))
    print(f"medians of {options.rounds}              mails/s  CPU of a mail")
    for kind, name in (("each", "each for itself"), ("one", "one for all")):
        rates, cpus = zip(*found[kind], strict=True)
        print(f"{name:<20} {statistics.median(rates):>12,.0f}  {statistics.median(cpus):>10.2f} ms")


if __name__ == "__main__":
    main()

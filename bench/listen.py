"""How fast mail is read and answered, with nothing behind it: ``python bench/listen.py``.

Starts a listener whose intake does nothing in a process of its own, lets Postfix's ``smtp-source``
(package postfix) send to it, and prints messages per second and CPU time per message.  ``--serve``
only listens, for any other client.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from socket import socket

import uvloop

from mailproc.listen.limits import ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.lmtp import LmtpSession
from mailproc.listen.smtp import SmtpSession
from mailproc.listen.sockets import bind, parse_endpoint
from mailproc.model.address import Address
from mailproc.model.reply import ACCEPTED, RECIPIENT_OK, Reply


class Sink:
    """An intake that says yes to everything."""

    def recipient(self, address: Address) -> Reply:
        return RECIPIENT_OK

    async def accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        return [ACCEPTED] * len(recipients)


async def serve(sockets: Sequence[socket], *, lmtp: bool) -> None:
    session = LmtpSession if lmtp else SmtpSession
    listener = Listener(session, Sink(), hostname="bench.example", limits=ListenLimits())
    await listener.start(sockets)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await listener.stop(5.0)


def run_server(sockets: Sequence[socket], options: argparse.Namespace) -> None:
    factory = uvloop.new_event_loop if options.loop == "uvloop" else asyncio.new_event_loop
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(sockets, lmtp=not options.smtp))


def send(port: int, options: argparse.Namespace) -> float:
    """Seconds that smtp-source takes for all messages."""
    source = shutil.which("smtp-source", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if source is None:
        sys.exit("smtp-source not found: install Postfix (make peers)")
    command = [source, "-s", str(options.sessions), "-m", str(options.messages), "-l", str(options.size)]
    command += ["-f", "a@example.com", "-t", "b@example.org"]
    command += [] if options.smtp else ["-L"]
    command += [] if options.reconnect else ["-d"]
    start = time.perf_counter()
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True)
    return time.perf_counter() - start


def measure(sockets: Sequence[socket], options: argparse.Namespace) -> None:
    server = os.fork()
    if not server:
        run_server(sockets, options)
        os._exit(0)
    seconds = send(sockets[0].getsockname()[1], options)
    os.kill(server, signal.SIGTERM)
    used = os.wait4(server, 0)[2]
    cpu = used.ru_utime + used.ru_stime
    rate, each = options.messages / seconds, cpu / options.messages * 1e6
    print(f"{rate:,.0f} messages/s, {each:.0f} µs CPU each, {used.ru_maxrss // 1024} MiB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--serve", metavar="ENDPOINT", help="only listen, e.g. on 127.0.0.1:8024")
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    parser.add_argument("--smtp", action="store_true", help="SMTP instead of LMTP")
    parser.add_argument("--reconnect", action="store_true", help="a connection for each message")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--size", type=int, default=5120, help="octets of a message")
    options = parser.parse_args()
    sockets = bind(parse_endpoint(options.serve or "127.0.0.1:0"), os.environ)
    if options.serve:
        run_server(sockets, options)
    else:
        measure(sockets, options)


if __name__ == "__main__":
    main()

"""Deliver many distinct mails by LMTP or SMTP over several sessions, as fast as the server takes them.

Runs as a process of its own (``python -m bench.injector``), so that its work is not counted as the server's.
Commands go out in one batch as Postfix sends them (RFC 2920); prints one JSON object.  A reply that is not
250 is counted, never repeated; a connection that breaks ends the run with an exception.  With ``--rate`` the
mails go out at an even pace, or as fast as the server takes them where that is slower.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

RECIPIENT = "support@example.org"
POOL = 64  # different bodies; head lines make every mail different from all others
TEXT = """
the to and you of a in is that for we it this have on with not be our are your but can as from was when
order printer please account after since delivery invoice password which number still would could there
again answer because before machine morning problem question received somebody something station support
they thing through today together tomorrow twice under until update version waiting week where without
working yesterday address already always anything arrived button customer different document error every
experience fault finally follow happened however important instead know letter manual message minute money
month nothing office once other package page paper payment people phone possible reason regards repair reply
request result return screen second send several should show simple started switched system telephone time
tried turned understand usual window world wrong year
"""
WORDS = tuple(TEXT.split())  # the most common first


@dataclass(frozen=True)
class Server:
    port: int
    greeting: str = "LHLO"
    recipient: str = RECIPIENT


@dataclass(slots=True)
class Tally:
    """What the server said, and how long after the final dot it said it (seconds)."""

    waits: list[float] = field(default_factory=list)
    replies: Counter[str] = field(default_factory=Counter)


def words(source: random.Random) -> Iterator[str]:
    """An endless text of English words and numbers, the common ones often: a language must be found in it."""
    while True:
        if source.random() < 0.03:
            yield str(source.randrange(100_000))
        yield WORDS[min(int(source.paretovariate(0.7)) - 1, len(WORDS) - 1)]


def make_bodies(size: int) -> list[bytes]:
    """Bodies of about ``size`` octets less the head, CRLF, lines under 80 characters."""
    text = words(random.Random(size))
    bodies = []
    for _ in range(POOL):
        lines: list[str] = []
        while sum(map(len, lines)) + 2 * len(lines) < size - 400:
            lines.append(" ".join(next(text) for _ in range(11))[:78])
        bodies.append("\r\n".join(lines).encode() + b"\r\n")
    return bodies


def make_mail(number: int, body: bytes) -> tuple[str, bytes]:
    """Envelope sender and mail; no two numbers share sender, domain, subject or Message-ID."""
    sender = f"customer{number}@shop{number}.example"
    head = (
        f"Received: from mx.shop{number}.example (mx.shop{number}.example [192.0.2.1])\r\n"
        f"\tby mail.example.org (Postfix) with ESMTPS id {number:010X}\r\n"
        f"\tfor <{RECIPIENT}>; Sat, 21 Nov 2026 20:00:00 +0000 (UTC)\r\n"
        f"From: Customer {number} <{sender}>\r\nTo: {RECIPIENT}\r\n"
        f"Subject: Question {number} about order {number * 7919 % 1_000_003}\r\n"
        f"Date: Sat, 21 Nov 2026 20:00:00 +0000\r\nMessage-ID: <{number}.bench@shop{number}.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    return sender, head.encode() + body


def read_corpus(folder: Path) -> list[bytes]:
    """Real mails instead of generated ones, with CRLF line ends and dots stuffed."""
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".tsv", ".csv"}
    )
    raws = (b"\r\n".join(path.read_bytes().splitlines()) + b"\r\n" for path in files)
    return [raw.replace(b"\r\n.", b"\r\n..") for raw in raws]


@dataclass(slots=True)
class Pace:
    """When the next mail is due; ``rate`` is in mails a second, 0 for as fast as the server takes them."""

    rate: float
    _next: float = 0.0

    async def wait(self) -> None:
        if not self.rate:
            return
        now = asyncio.get_running_loop().time()
        due = self._next = max(self._next or now, now - 1.0) + 1.0 / self.rate
        if due > now:
            await asyncio.sleep(due - now)


async def session(server: Server, mails: Iterator[tuple[str, bytes]], tally: Tally, pace: Pace) -> None:
    """Deliver from ``mails``, which all sessions share, until there are no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await read_reply(reader)
    writer.write(f"{server.greeting} bench.example\r\n".encode())
    await read_reply(reader)
    for sender, raw in mails:
        await pace.wait()
        writer.write(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{server.recipient}>\r\nDATA\r\n".encode())
        answers = [await read_reply(reader) for _ in range(3)]
        if not answers[2].startswith("354"):
            tally.replies[answers[2][:9]] += 1
            continue
        writer.write(raw + b".\r\n")
        sent = time.perf_counter()
        reply = await read_reply(reader)
        tally.waits.append(time.perf_counter() - sent)
        tally.replies[reply[:9]] += 1
    writer.close()
    await writer.wait_closed()


async def read_reply(reader: asyncio.StreamReader) -> str:
    while (line := await reader.readuntil(b"\n"))[3:4] == b"-":
        pass
    return line.decode()


async def run(
    server: Server, sessions: int, mails: Iterator[tuple[str, bytes]], rate: float
) -> dict[str, object]:
    tally, pace = Tally(), Pace(rate)
    start = time.perf_counter()
    await asyncio.gather(*(session(server, mails, tally, pace) for _ in range(sessions)))
    seconds = time.perf_counter() - start
    waits = sorted(tally.waits) or [0.0]
    return {
        "seconds": seconds,
        "accepted": sum(count for reply, count in tally.replies.items() if reply.startswith("250")),
        "replies": dict(tally.replies),
        "p50_ms": 1000 * waits[len(waits) // 2],
        "p99_ms": 1000 * waits[len(waits) * 99 // 100],
        "max_ms": 1000 * waits[-1],
        "within_20_ms": sum(wait <= 0.02 for wait in waits) / len(waits),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--sessions", type=int, required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--smtp", action="store_true", help="EHLO instead of LHLO")
    parser.add_argument("--recipient", default=RECIPIENT)
    parser.add_argument("--first", type=int, default=0, help="number of the first mail")
    parser.add_argument(
        "--rate", type=float, default=0.0, help="mails a second; 0: as fast as they are taken"
    )
    options = parser.parse_args()
    if options.corpus:
        mails = [("sender@shop.example", raw) for raw in read_corpus(options.corpus)[: options.count]]
    else:
        bodies = make_bodies(options.size)
        numbers = range(options.first, options.first + options.count)
        mails = [make_mail(number, bodies[number % POOL]) for number in numbers]
    server = Server(options.port, "EHLO" if options.smtp else "LHLO", options.recipient)
    json.dump(uvloop.run(run(server, options.sessions, iter(mails), options.rate)), sys.stdout)


if __name__ == "__main__":
    main()

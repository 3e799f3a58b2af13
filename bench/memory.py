"""How much memory a worker takes while large mails come in and are read.

Starts one worker in a temporary folder and hands over three mails of 25 MiB, one after another: plain text,
HTML, or a file in base64.  The kernel's own mark of the largest resident size (VmHWM, proc(5)) is put back
before.  A chain that holds every mail shows what intake alone takes.

    python -m bench.memory [--size MIB]
"""

from __future__ import annotations

import argparse
import base64
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.injector import RECIPIENT, make_bodies, make_mail
from mailproc.config import DEFAULT_CHAIN
from tests.rig.daemon import Daemon
from tests.rig.lmtp import LmtpClient
from tests.rig.waiting import eventually

MIB = 2**20
HOLDING = """\
from mailproc.stage import Course, Delivery, Stage, Verdict


class Filter(Stage):
    async def process(self, delivery: Delivery) -> Verdict:
        return Verdict(Course.DEFER, "only intake is measured")
"""

HEAD = (
    "From: Ann <ann@shop.example>\r\nTo: support@example.org\r\nSubject: {subject}\r\n"
    "Message-ID: <{subject}@shop.example>\r\nMIME-Version: 1.0\r\n"
)


def plain(size: int) -> bytes:
    body = b"".join(make_bodies(5120))
    return b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body * (size // len(body))


def html(size: int) -> bytes:
    body = b"".join(b"<p>" + each.replace(b"\r\n", b"<br>\r\n") + b"</p>\r\n" for each in make_bodies(5120))
    return b"Content-Type: text/html; charset=utf-8\r\n\r\n" + body * (size // len(body))


def attached(size: int) -> bytes:
    octets = random.Random(1).randbytes(57 * 1024)
    lines = b"\r\n".join(base64.b64encode(octets[at : at + 57]) for at in range(0, len(octets), 57))
    return (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nSee the file.\r\n--b\r\n'
        b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=a.bin\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + (lines + b"\r\n") * (size // len(lines)) + b"--b--\r\n"
    )


KINDS: dict[str, Callable[[int], bytes]] = {"plain text": plain, "HTML": html, "a file in base64": attached}


class Worker:
    """The process that does the work, by what the kernel says of it."""

    def __init__(self, daemon: Daemon) -> None:
        (self._folder,) = (child for child in Path("/proc").glob("[0-9]*") if _parent(child) == daemon.pid)

    def peak(self) -> float:
        """MiB, since the mark was put back."""
        return self._number("VmHWM:")

    def put_back(self) -> None:
        (self._folder / "clear_refs").write_text("5")  # proc(5)

    def _number(self, name: str) -> float:
        lines = (self._folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def peaks(size: int, chain: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """For each kind of mail the peak (MiB) of a fresh worker that took three of them, and the one before."""
    found = {}
    for name, make in KINDS.items():
        with tempfile.TemporaryDirectory(prefix="mailproc-bench-") as folder:
            (Path(folder) / "hold.py").write_text(HOLDING)
            daemon = Daemon(Path(folder), top='filters = ["."]', chain=chain)
            daemon.start()
            try:
                found[name] = take(daemon, make(size), is_filed=chain is DEFAULT_CHAIN)
                daemon.stop()
            finally:
                daemon.clean_up()
    return found


def take(daemon: Daemon, body: bytes, *, is_filed: bool) -> tuple[float, float]:
    worker = Worker(daemon)
    small = make_mail(0, make_bodies(5120)[0])[1]
    deliver(daemon, small)
    if is_filed:
        eventually(lambda: daemon.status()["waiting"] == 0)
    worker.put_back()
    before = worker.peak()
    for number in range(3):
        deliver(daemon, HEAD.format(subject=f"Large{number}").encode() + body)
    if is_filed:
        eventually(lambda: daemon.status()["waiting"] == 0, seconds=300)
    return worker.peak(), before


def deliver(daemon: Daemon, raw: bytes) -> None:
    with LmtpClient(daemon.lmtp_port, timeout=300) as client:
        (reply,) = client.deliver("ann@shop.example", [RECIPIENT], raw)
    assert reply.startswith("250"), reply


def main() -> None:
    parser = argparse.ArgumentParser(description="memory of a worker")
    parser.add_argument("--size", type=int, default=25, help="MiB of the large mails")
    size = parser.parse_args().size
    print(f"{f'MiB, mails of {size} MiB':<28}{'at rest':>8}{'peak':>8}{'more':>8}")
    for phase, chain in (("taken in", ("hold",)), ("read and filed", DEFAULT_CHAIN)):
        for name, (peak, before) in peaks(size * MIB, chain).items():
            print(f"{f'{name}, {phase}':<28}{before:>8.0f}{peak:>8.0f}{peak - before:>8.0f}")


if __name__ == "__main__":
    main()

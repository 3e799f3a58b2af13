"""Fuzz the reader of mail: nothing may raise, and nothing may take longer than promised.

    python tests/fuzz/fuzz_reader.py [--seconds 60] [--seed 1] [FOLDER-OF-MAILS …]

Uses atheris where it is installed, else mutates the golden and the hostile mails (and those of the folders
given) by itself.  A mail that raises, or takes more than 2 s of CPU, is written to ``fuzz-HASH.eml`` in the
working directory and ends the run with status 1; add it to ``tests/mail`` with the fix.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.read_corpus import read_whole
from tests.unit.mime.hostile import mails

ROOT = Path(__file__).parents[2]
PROMISED = 2.0  # seconds of CPU
LARGEST = 200_000  # bytes of a seed
PIECES = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b"\0",
        b"\\",
        b'"',
        b"<",
        b">",
        b"(",
        b")",
        b",",
        b";",
        b":",
        b"@",
    ),
    *(
        b"=?utf-8?q?",
        b"?=",
        b"--",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
        b"> ",
        b"wrote:",
        b"-- ",
    ),
    *(
        b"Content-Type: message/rfc822\r\n\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"<div>",
        b"<blockquote>",
    ),
    *(b"*0*=utf-8''%C3", b"\xff", b"\xe4", b"\x1b$B", b"begin 644 a\r\n", b"\x78\x9f\x3e\x22"),
)


def mutate(source: bytes, chance: random.Random) -> bytes:
    """A copy with a few bytes changed, cut, doubled or put in."""
    octets = bytearray(source)
    for _ in range(chance.randint(1, 8)):
        position, length = chance.randint(0, len(octets)), chance.randint(1, 60)
        change = chance.randrange(5)
        if change == 0:
            del octets[position : position + length]
        elif change == 1:
            octets[position:position] = chance.choice(PIECES) * chance.choice((1, 1, 2, 1000))
        elif change == 2:
            octets[position:position] = octets[position : position + length] * chance.choice((1, 2, 500))
        elif change == 3:
            octets[position : position + length] = chance.randbytes(length)
        else:
            other = chance.randint(0, len(octets))
            octets[position:position] = octets[other : other + 20 * length]
    return bytes(octets[: 4 * LARGEST])


def seeds(folders: Iterable[str]) -> list[bytes]:
    files = [*(ROOT / "tests" / "mail").glob("*.eml")]
    for folder in folders:
        files += [path for path in Path(folder).rglob("*") if path.is_file()]
    found = [path.read_bytes() for path in files if path.stat().st_size <= LARGEST]
    return found + [raw for _, raw in mails() if len(raw) <= LARGEST]


def keep(raw: bytes, why: str) -> None:
    path = Path(f"fuzz-{hashlib.sha256(raw).hexdigest()[:12]}.eml")
    path.write_bytes(raw)
    print(f"{path}: {why}", file=sys.stderr)


def check(raw: bytes) -> bool:
    """True where a mail is read as promised; any other is kept."""
    begin = time.process_time()
    try:
        read_whole(raw)
    except Exception as error:  # what fuzzing is there to find
        keep(raw, f"{type(error).__name__}: {error}")
        return False
    spent = time.process_time() - begin
    if spent > PROMISED:
        keep(raw, f"{spent:.1f} s of CPU")
    return spent <= PROMISED


def run_alone(found: list[bytes], seconds: float, seed: int) -> int:
    chance = random.Random(seed)
    end, count, slowest = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < end:
        begin = time.process_time()
        if not check(mutate(chance.choice(found), chance)):
            return 1
        slowest = max(slowest, time.process_time() - begin)
        count += 1
    print(f"{count} mails read, none raised, slowest {slowest * 1000:.0f} ms")
    return 0


def run_atheris(setup: Callable[..., object], fuzz: Callable[[], object], seconds: float) -> int:
    def one(raw: bytes) -> None:
        if not check(raw):
            raise SystemExit(1)

    setup([sys.argv[0], f"-max_total_time={int(seconds)}", str(ROOT / "tests" / "mail")], one)
    fuzz()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("folders", nargs="*")
    arguments = parser.parse_args()
    read_whole(b"Subject: x\r\n\r\nwarm up what is loaded late, so that it is not measured\r\n")
    try:
        import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        return run_alone(seeds(arguments.folders), arguments.seconds, arguments.seed)
    return run_atheris(atheris.Setup, atheris.Fuzz, arguments.seconds)


if __name__ == "__main__":
    sys.exit(main())

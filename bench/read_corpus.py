"""Read every mail of the corpus with the reader, or the mails made to hurt it.

    MAILPROC_CORPUS=FOLDER python bench/read_corpus.py
    python bench/read_corpus.py --hostile

Prints how many were read, how many raised (must be none: exit status 1 otherwise), the slowest, the median
and what the fast path (headers alone) costs; then how far subject, sender and attachments agree with what
another help desk's own tests expect of the same mails.  Times are CPU time of one process.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from mailproc.mime.reader import Mail, read
from tests.unit.mime.hostile import mails as hostile_mails

LARGEST = 5_000_000  # bytes; tables of the corpus are no mails
SLOWEST = 5
MAIL_OF_5_KIB = b"".join(
    [
        b"Return-Path: <anna@example.com>\r\n",
        *(
            b"Received: from a%d.example.com by b%d.example.com; Sat, 21 Nov 2026 10:00:00 +0100\r\n" % (i, i)
            for i in range(6)
        ),
        b"From: =?utf-8?q?Anna_M=C3=BCller?= <anna@example.com>\r\nTo: Support <support@example.org>\r\n",
        b"Subject: =?utf-8?q?R=C3=BCckfrage_zur_Rechnung?=\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\n",
        b"Message-ID: <1@example.com>\r\nIn-Reply-To: <0@example.com>\r\n",
        b"References: <00@example.com>\r\n <0@example.com>\r\n",
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
        b"Guten Tag, bitte sehen Sie sich die Rechnung noch einmal an.\r\n" * 64,
    ]
)


@dataclass(frozen=True, slots=True)
class Reading:
    name: str
    seconds: float
    error: str


def read_whole(raw: bytes) -> None:
    """Everything that ``mailproc text`` prints, and what the filters read."""
    mail = read(raw)
    _ = (mail.subject, mail.author, mail.reply_to, mail.to, mail.cc, mail.date, mail.message_id)
    _ = (mail.in_reply_to, mail.references, mail.text, mail.html, mail.reply, mail.quoted, mail.signature)
    _ = (mail.language, [(file.name, file.type, file.size, file.text) for file in mail.attachments])
    _ = (mail.report, mail.embedded, list(mail.defects))


def read_heads(raw: bytes) -> None:
    """What follow-up detection reads of a plain mail."""
    mail = read(raw)
    _ = (mail.author, mail.subject, mail.message_id, mail.in_reply_to, mail.references)


def timed(name: str, raw: bytes, work: Callable[[bytes], None]) -> Reading:
    begin = time.process_time()
    error = ""
    try:
        work(raw)
    except Exception as raised:  # what this bench is there to find
        error = f"{type(raised).__name__}: {raised}"
    return Reading(name, time.process_time() - begin, error)


def report(readings: list[Reading], title: str) -> int:
    raised = [reading for reading in readings if reading.error]
    readings = sorted(readings, key=lambda reading: -reading.seconds)
    median = statistics.median(reading.seconds for reading in readings)
    print(f"{title}: {len(readings)} mails, {len(raised)} raised, median {median * 1e6:.0f} µs")
    for reading in raised[:20]:
        print(f"  raised  {reading.name}: {reading.error}")
    for reading in readings[:SLOWEST]:
        print(f"  {reading.seconds * 1e3:8.1f} ms  {reading.name}")
    return 1 if raised else 0


def corpus_files(corpus: Path) -> Iterator[tuple[str, bytes]]:
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest, delimiter="\t"):
            path = corpus / row["path"]
            if row["label"] != "label" and path.is_file() and path.stat().st_size <= LARGEST:
                yield row["path"], path.read_bytes()


def fast_path() -> None:
    rounds = 3000
    for name, work in (("headers alone", read_heads), ("everything", read_whole)):
        work(MAIL_OF_5_KIB)
        begin = time.process_time()
        for _ in range(rounds):
            work(MAIL_OF_5_KIB)
        spent = (time.process_time() - begin) / rounds
        print(f"a mail of {len(MAIL_OF_5_KIB)} bytes, {name}: {spent * 1e6:.0f} µs")


# Agreement with expected files: "subject: 'x'" and "  filename: x" of simple YAML.
_SCALAR = re.compile(r"^(subject|from_email): (.*)$", re.MULTILINE)
_FILE_NAME = re.compile(r"^ +filename: (.*)$", re.MULTILINE)
_MADE_UP = re.compile(r"^(?:message\.html|mail-\d+\.eml|document-\d+.*|file-\d+.*|image\d*)$")


def agreement(corpus: Path) -> None:
    right = dict.fromkeys(("subject", "from", "attachments"), 0)
    total = dict.fromkeys(right, 0)
    wrong: list[str] = []
    for expected in sorted((corpus / "parser" / "zammad").glob("*.yml")):
        raw = expected.with_suffix(".box")
        if not raw.is_file():
            continue
        text = expected.read_text(encoding="utf-8", errors="replace")
        for name, agrees in compare(text, read(raw.read_bytes())):
            total[name] += 1
            right[name] += agrees
            if not agrees:
                wrong.append(f"{expected.stem}: {name}")
    for name, count in total.items():
        print(f"agreement of {name}: {right[name]} of {count}")
    print("differing:", ", ".join(wrong) or "none")


def compare(expected: str, mail: Mail) -> Iterable[tuple[str, bool]]:
    fields = dict(_SCALAR.findall(expected.split("\nbody:")[0]))
    if (subject := plain(fields.get("subject", ""))) is not None:
        yield "subject", squeezed(subject) == squeezed(mail.subject)
    if sender := plain(fields.get("from_email", "")):
        yield "from", sender.lower() == (str(mail.author.address).lower() if mail.author else "")
    names = [plain(name) or "" for name in _FILE_NAME.findall(expected)]
    wanted = sorted(squeezed(name) for name in names if not _MADE_UP.match(name))
    yield "attachments", set(wanted) <= {squeezed(file.name) for file in mail.attachments}


def plain(scalar: str) -> str | None:
    """The text of a scalar on one line; None for one that goes on or has escapes."""
    scalar = scalar.strip()
    if scalar.startswith("'") and scalar.endswith("'") and len(scalar) > 1:
        return scalar[1:-1].replace("''", "'")
    if scalar.startswith(('"', "'", "|", ">", "!", "&", "*")):
        return scalar[1:-1] if scalar.endswith('"') and "\\" not in scalar and len(scalar) > 1 else None
    return scalar


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hostile", action="store_true", help="read the mails made to hurt")
    arguments = parser.parse_args()
    read_whole(MAIL_OF_5_KIB)  # loads what is loaded late
    if arguments.hostile:
        return report([timed(name, raw, read_whole) for name, raw in hostile_mails()], "hostile")
    folder = os.environ.get("MAILPROC_CORPUS")
    if not folder:
        print("set $MAILPROC_CORPUS to the folder of the mail corpus", file=sys.stderr)
        return 2
    status = report([timed(name, raw, read_whole) for name, raw in corpus_files(Path(folder))], "corpus")
    fast_path()
    agreement(Path(folder))
    return status


if __name__ == "__main__":
    sys.exit(main())

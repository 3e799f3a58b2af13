"""Measure the automatic filter and the reading of bounces on the mail corpus.

    MAILPROC_CORPUS=FOLDER python bench/automatic.py [--show TEXT]

Prints recall for bounces (class, recipient, status, hard or soft, against the expected tables of two
independent test suites), for automatic replies and reports, and how much ordinary mail is taken for a
bounce or an automatic reply.  ``--show TEXT`` lists what went wrong in the lines whose name has that text.
Exit status 2 without a corpus.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import Stage

DESK = Desk("support", "Support", (Address.parse("support@desk.invalid"),))
FAILING = {"bounce", "delayed"}
PERSONAL = {"none", "list", "bulk"}


@dataclass
class Tally:
    """How many were right, and which were not."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, ok: bool, what: str) -> None:
        if ok:
            self.right += 1
        else:
            self.wrong.append(what)

    def line(self, name: str) -> str:
        total = self.right + len(self.wrong)
        share = 100 * self.right / total if total else 0.0
        return f"| {name} | {total} | {self.right} | {share:.1f} % |"


def load_filter() -> Stage:
    path = Path(__file__).resolve().parent.parent / "filters" / "automatic.py"
    spec = spec_from_file_location("automatic_filter", path)
    assert spec and spec.loader
    module = module_from_spec(spec)
    sys.modules["automatic_filter"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    made: Stage = module.Filter()
    return made


def judged(stage: Stage, raw: bytes) -> Delivery:
    """The delivery after the filter; the envelope sender is Return-Path, else From, as in ``explain``."""
    probe = Delivery(Envelope(None, DESK.address), DESK, raw, 0.0)
    sender = Address.parse_or_none(probe.mail.raw_header("return-path").strip("<> "))
    author = probe.mail.author
    is_null = probe.mail.has("return-path") and probe.mail.raw_header("return-path").strip() == "<>"
    mail_from = None if is_null else sender or (author.address if author else Address("a", "person.invalid"))
    delivery = Delivery(Envelope(mail_from, DESK.address), DESK, raw, 0.0)
    delivery.begin("automatic")
    asyncio.run(stage.process(delivery))
    return delivery


def manifest(root: Path) -> Iterator[dict[str, str]]:
    with (root / "MANIFEST.tsv").open(newline="", encoding="utf-8") as table:
        yield from csv.DictReader(table, delimiter="\t")


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as table:
        yield from csv.DictReader(table, delimiter="\t")


@dataclass(frozen=True)
class Expected:
    """One recipient of the expected table; ``recipient`` "" where the table does not name it."""

    recipient: str
    status: str
    hard: bool | None


def expected_bounces(root: Path) -> dict[str, list[Expected]]:
    found: dict[str, list[Expected]] = defaultdict(list)
    for row in rows(root / "bounces" / "sisimai_expected.tsv"):
        if row["reason"] not in {"feedback", "vacation", "delivered"}:
            found[row["stem"]].append(Expected("", row["dsn_status"], row["hardbounce"] == "1"))
    for row in rows(root / "bounces" / "flufl_expected.tsv"):
        for address in filter(None, row["recipients"].split(",")):
            found[row["file"]].append(Expected(address.lower(), "", None))
    return found


def measure_bounces(root: Path, stage: Stage) -> dict[str, Tally]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    expected = expected_bounces(root)
    for row in manifest(root):
        if row["set"] != "bounces":
            continue
        path = Path(row["path"])
        delivery = judged(stage, (root / path).read_bytes())
        kind = delivery.automatic.kind.value
        if row["label"] == "bounce":
            tallies["bounces: class bounce or delayed"].count(kind in FAILING, f"{path}: {kind}")
            key = path.stem if "sisimai" in row["path"] else path.name
            _count_recipients(tallies, str(path), delivery, expected.get(key, []))
        elif row["label"] == "arf":
            tallies["feedback reports: class report"].count(kind == "report", f"{path}: {kind}")
        elif row["label"] == "autoreply":
            tallies["automatic replies with headers: class auto_reply"].count(
                kind == "auto_reply", f"{path}: {kind}"
            )
        elif row["label"] == "not-bounce":
            tallies["look-alikes of bounces: not taken for one"].count(kind not in FAILING, f"{path}: {kind}")
    return tallies


def _count_recipients(
    tallies: dict[str, Tally], path: str, delivery: Delivery, wanted: list[Expected]
) -> None:
    found = delivery.bounce.recipients if delivery.bounce else ()
    if not wanted:
        return
    named = {one.recipient.lower() for one in found}
    addresses = {one.recipient for one in wanted if one.recipient}
    if addresses:
        tallies["bounces: recipients as expected"].count(
            addresses == named, f"{path}: {named} for {addresses}"
        )
        return
    tallies["bounces: number of recipients as expected"].count(
        len(found) == len(wanted), f"{path}: {len(found)}"
    )
    if len(found) != len(wanted):
        return
    for one, want in zip(found, wanted, strict=True):
        said = (
            f"{path}: {one.status} hard={one.hard} for {want.status} hard={want.hard}: {one.diagnostic[:120]}"
        )
        tallies["bounces: hard or soft as expected"].count(one.hard is want.hard, said)
        tallies["bounces: class of the status (4 or 5)"].count(one.status[0] == want.status[0], said)
        if len(want.status.rpartition(".")[2]) < 3:  # the others are that suite's own codes
            tallies["bounces: whole status code"].count(one.status == want.status, said)


def measure_replies(root: Path, stage: Stage) -> dict[str, Tally]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for row in manifest(root):
        if row["set"] != "autoreply":
            continue
        kind = judged(stage, (root / row["path"]).read_bytes()).automatic.kind.value
        said = f"{row['path']}: {kind}"
        if row["label"] == "autoreply":
            tallies["automatic replies without headers: class auto_reply"].count(kind == "auto_reply", said)
        else:
            tallies["look-alikes of automatic replies: class none"].count(kind == "none", said)
    return tallies


ORDINARY = {
    "spamassassin": {"ham"},
    "csdmc2010": {"ham"},
    "threads": {"thread"},
    "parser": {"ham"},
    "topics": {"rlists"},
}


def measure_ordinary(root: Path, stage: Stage) -> tuple[dict[str, Tally], dict[str, Counter[str]]]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for row in manifest(root):
        labels = ORDINARY.get(row["set"], set())
        is_r_list = row["set"] == "topics" and row["label"].startswith("r-")
        if row["label"] not in labels and not is_r_list:
            continue
        delivery = judged(stage, (root / row["path"]).read_bytes())
        kind = delivery.automatic.kind.value
        kinds[row["set"]][kind] += 1
        said = f"{row['path']}: {kind}: {'; '.join(delivery.automatic.reasons)}"
        tallies[f"ordinary mail, {row['set']}: none, list or bulk"].count(kind in PERSONAL, said)
    return tallies, kinds


def measure_reports(root: Path, stage: Stage) -> dict[str, Tally]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for row in manifest(root):
        if row["set"] == "parser" and row["label"] in {"report", "arf", "bounce"}:
            kind = judged(stage, (root / row["path"]).read_bytes()).automatic.kind.value
            wanted = FAILING if row["label"] == "bounce" else {"report"}
            tallies[f"parser samples: {row['label']}"].count(kind in wanted, f"{row['path']}: {kind}")
    return tallies


def show(tallies: dict[str, Tally], wanted: str) -> None:
    for name, tally in tallies.items():
        if wanted in name:
            print(f"\n{name}:", *tally.wrong, sep="\n  ")


def print_table(tallies: dict[str, Tally], kinds: dict[str, Counter[str]]) -> None:
    print("| what | mails or recipients | right | share |\n|---|---|---|---|")
    print(*(tally.line(name) for name, tally in tallies.items()), sep="\n")
    for name, counts in kinds.items():
        print(f"\n{name}: " + ", ".join(f"{kind} {number}" for kind, number in counts.most_common()))


def main(arguments: Iterable[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--show", default=None, help="list what went wrong in the lines that have this in their name"
    )
    options = parser.parse_args(list(arguments))
    if "MAILPROC_CORPUS" not in os.environ:
        print("set MAILPROC_CORPUS to the folder of the mail corpus", file=sys.stderr)
        return 2
    root, stage, began = Path(os.environ["MAILPROC_CORPUS"]), load_filter(), time.perf_counter()
    tallies = measure_bounces(root, stage) | measure_replies(root, stage) | measure_reports(root, stage)
    ordinary, kinds = measure_ordinary(root, stage)
    tallies |= ordinary
    print_table(tallies, kinds)
    number = sum(sum(counts.values()) for counts in kinds.values())
    print(f"\n{number} ordinary mails among them; {time.perf_counter() - began:.1f} s in all")
    if options.show is not None:
        show(tallies, options.show)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

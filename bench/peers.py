"""How fast mail is taken over: mailproc beside Dovecot's LMTP and Postfix, in turn in one run.

Each is loaded by the same generator (bench/injector.py) on the same two cores, with its own durable defaults,
in a temporary folder; who is loaded first changes from round to round, because the speed of a machine drifts.
Prints medians and ranges, and ratios that are taken within a round; ``--write`` puts the table into
docs/performance.md.  Run it as root, as Postfix and Dovecot must: ``bench/run``; they come from Debian's
packages (``apt-get install postfix dovecot-lmtpd``).  With ``--with-rt`` Request Tracker's mail gateway
has its turn, too, with fewer mails (bench/request_tracker.py; ``apt-get install --no-install-recommends
request-tracker5 rt5-db-sqlite rt5-clients starman``).

    accepted    mails answered 250 a second: on disk at mailproc and Dovecot, in the queue at Postfix
    tickets     mails that are tickets a second, from the first connection to the last ticket
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.load import Load, inject, measure, running
from bench.peer_servers import DISCARDED, PeerMissing, dovecot_lmtp, postfix_queue
from bench.request_tracker import AT_ONCE, MAILS, tickets_per_second

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGINS, ENDS = "<!-- bench/run writes from here -->", "<!-- to here -->"
WORKERS = 2
UNREAD = 20_000  # mails in the full Maildir

Round = Mapping[str, float]  # what was measured, by its name


def rate(port: int, load: Load, *more: str) -> float:
    """Mails a second that a server takes; RuntimeError where it refuses any."""
    answer = inject(port, load, *more)
    if answer["accepted"] != load.mails:
        raise RuntimeError(f"not every mail was taken: {answer['replies']}")
    return load.mails / float(answer["seconds"])


def mailproc(load: Load) -> Round:
    with running(WORKERS) as site:
        figures = measure(site, load)
    return {
        "mailproc, accepted": figures.accepted_per_second,
        "mailproc, tickets": figures.tickets_per_second,
    }


def fresh_maildir(load: Load) -> Round:
    with dovecot_lmtp() as port:
        return {"Dovecot LMTP, one fresh Maildir": rate(port, load)}


def full_maildir(load: Load) -> Round:
    with dovecot_lmtp(UNREAD) as port:
        return {f"Dovecot LMTP, a Maildir with {UNREAD:,} unread": rate(port, load)}


def postfix(load: Load) -> Round:
    with postfix_queue() as port:
        return {"Postfix, into its queue": rate(port, load, "--smtp", f"--recipient={DISCARDED}")}


def rt_tickets(load: Load) -> Round:
    return {RT: tickets_per_second(load.size)}


Contestant = Callable[[Load], Round]
CONTESTANTS: tuple[Contestant, ...] = (mailproc, fresh_maildir, full_maildir, postfix)
RT = "Request Tracker, tickets"

# What is wanted of us: at least so many times as fast as a peer.
GOALS = (
    ("mailproc, accepted", "Dovecot LMTP, one fresh Maildir", 4.0),
    ("mailproc, accepted", f"Dovecot LMTP, a Maildir with {UNREAD:,} unread", 10.0),
    ("mailproc, accepted", "Postfix, into its queue", 2.0),
)


def interleaved(load: Load, rounds: int, contestants: Sequence[Contestant] = CONTESTANTS) -> list[Round]:
    """All contestants once a round, each time beginning with another one."""
    measured: list[Round] = []
    for number in range(rounds):
        first = number % len(contestants)
        one: dict[str, float] = {}
        for contestant in (*contestants[first:], *contestants[:first]):
            one |= contestant(load)
        print(json.dumps({name: round(value, 1) for name, value in one.items()}), file=sys.stderr)
        measured.append(one)
    return measured


def table(measured: list[Round], load: Load) -> str:
    """Markdown."""
    lines = [
        f"{len(measured)} rounds of {load.mails:,} mails of {load.size:,} octets over {load.sessions} "
        f"sessions, {WORKERS} workers, {_machine()}.",
        *([f"Request Tracker got {MAILS} mails, {AT_ONCE} at a time."] if RT in measured[0] else []),
        "",
        "| mails a second | median | range |",
        "|---|---|---|",
    ]
    for name in sorted(measured[0], reverse=True):
        values = [one[name] for one in measured]
        span = f"{_shown(min(values))} to {_shown(max(values))}"
        lines.append(f"| {name} | {_shown(statistics.median(values))} | {span} |")
    lines += ["", "| times as fast, within a round | median | range | wanted |", "|---|---|---|---|"]
    for ours, theirs, goal in GOALS:
        ratios = [one[ours] / one[theirs] for one in measured]
        span = f"{min(ratios):.1f} to {max(ratios):.1f}"
        lines.append(f"| {ours} / {theirs} | {statistics.median(ratios):.1f} | {span} | {goal:g} |")
    return "\n".join(lines) + "\n"


def _shown(rate: float) -> str:
    """With a decimal where that matters."""
    return f"{rate:,.0f}" if rate >= 20 else f"{rate:.1f}"


def _machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    processor = model[1].strip() if model else platform.machine()
    today = datetime.now(UTC).date()
    return f"{os.cpu_count()} cores ({processor}), Python {platform.python_version()}, {today}"


def write_down(text: str, page: Path = PAGE) -> None:
    """Put the table between the two marks of the page."""
    before, rest = page.read_text().split(BEGINS)
    _, after = rest.split(ENDS)
    page.write_text(f"{before}{BEGINS}\n\n{text}\n{ENDS}{after}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=4000, help="a round and contestant")
    parser.add_argument("--sessions", type=int, default=Load.sessions)
    parser.add_argument("--size", type=int, default=Load.size, help="octets of one mail")
    parser.add_argument("--with-rt", action="store_true", help="also Request Tracker's mail gateway")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    load = Load(options.mails, options.sessions, options.size)
    try:
        contestants = (*CONTESTANTS, rt_tickets) if options.with_rt else CONTESTANTS
        text = table(interleaved(load, options.rounds, contestants), load)
    except PeerMissing as missing:
        raise SystemExit(str(missing)) from None
    print(text)
    if options.write:
        write_down(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure reply, quote and signature against other projects' expected answers.

    MAILPROC_CORPUS=FOLDER python bench/quotes.py [--show] [--baseline]

Two sets have answers beside their mails: email_reply_trimmer (what stays, what goes) and talon (where the
signature begins).  Printed are exact matches, white space apart, and precision and recall by words.  The
first set keeps a quote when something new follows it; mailproc never counts quoted lines as new, so its lines
with a quote mark are left out of the expected text, and the figure without that is printed too.
``--baseline`` measures mail-parser-reply on the same mails.  Exit status 2 without a corpus.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from mailproc.mime.limits import DEFAULT_LIMITS
from mailproc.mime.quotes import divide

LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "sv", "da", "pl", "cs", "ja", "ko", "zh"]
_MARKED = re.compile(r"\s*(?:>|[A-Z]>)")

Reply = Callable[[str], str]


@dataclass(slots=True)
class Score:
    exact: int = 0
    total: int = 0
    found: int = 0
    expected: int = 0
    common: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, name: str, found: str, expected: str) -> None:
        self.total += 1
        if found.split() == expected.split():
            self.exact += 1
        else:
            self.wrong.append(name)
        words, wanted = Counter(found.split()), Counter(expected.split())
        self.found += words.total()
        self.expected += wanted.total()
        self.common += (words & wanted).total()

    def line(self, title: str) -> str:
        precision = self.common / self.found if self.found else 1.0
        recall = self.common / self.expected if self.expected else 1.0
        exact = f"exact {self.exact:>3} of {self.total:<3}"
        return f"{title:<50} {exact} words: precision {precision:.4f}, recall {recall:.4f}"


def trimmer_cases(corpus: Path) -> Iterator[tuple[str, str, str, str]]:
    """(name, mail, expected reply, expected rest)"""
    folder = corpus / "quotes" / "email_reply_trimmer"
    for mail in sorted((folder / "emails").iterdir()):
        trimmed, elided = folder / "trimmed" / mail.name, folder / "elided" / mail.name
        if trimmed.exists() or elided.exists():
            yield mail.name, _text(mail), _text(trimmed), _text(elided)


def talon_cases(corpus: Path) -> Iterator[tuple[str, str, str]]:
    """(name, mail, expected signature)"""
    for body in sorted((corpus / "quotes" / "talon" / "signature" / "emails" / "stripped").glob("*_body")):
        yield body.name, _text(body).replace("#sig#", ""), _text(body.with_name(body.name[:-4] + "signature"))


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n") if path.exists() else ""


def own_lines(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not _MARKED.match(line))


def report_replies(corpus: Path, reply: Reply, title: str, *, show: bool) -> None:
    own, whole = Score(), Score()
    for name, mail, expected, _ in trimmer_cases(corpus):
        found = reply(mail)
        own.add(name, found, own_lines(expected))
        whole.add(name, found, expected)
    print(own.line(f"{title}: reply, quoted lines apart"))
    print(whole.line(f"{title}: reply, as that project has it"))
    if show:
        print("  differing:", ", ".join(own.wrong) or "none")


def report_rest(corpus: Path, *, show: bool) -> None:
    rest, signatures = Score(), Score()
    for name, mail, _, expected in trimmer_cases(corpus):
        division = divide(mail, DEFAULT_LIMITS.quotes)
        if expected:
            rest.add(name, f"{division.quoted} {division.signature}", expected)
    for name, mail, expected in talon_cases(corpus):
        signatures.add(name, divide(mail, DEFAULT_LIMITS.quotes).signature, expected.replace("#sig#", ""))
    print(rest.line("mailproc: quote and signature, trimmer's rest"))
    print(signatures.line("mailproc: signature, talon"))
    if show:
        print("  differing:", ", ".join(rest.wrong + signatures.wrong) or "none")


def report_time(corpus: Path) -> None:
    mails = [_text(path) for path in sorted((corpus / "quotes").rglob("*.txt"))]
    begin = time.process_time()
    for mail in mails:
        divide(mail, DEFAULT_LIMITS.quotes)
    spent = (time.process_time() - begin) / len(mails)
    print(f"{len(mails)} texts, {spent * 1e6:.0f} µs each")


def baseline() -> Reply:
    from mailparser_reply import EmailReplyParser  # type: ignore[import-untyped]  # only to compare with

    parser = EmailReplyParser(languages=LANGUAGES)

    def reply(text: str) -> str:
        found = parser.read(text)
        return str(found.replies[0].body) if found.replies else ""

    return reply


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--show", action="store_true", help="name the mails that differ")
    parser.add_argument("--baseline", action="store_true", help="measure mail-parser-reply too")
    arguments = parser.parse_args()
    folder = os.environ.get("MAILPROC_CORPUS")
    if not folder:
        print("set $MAILPROC_CORPUS to the folder of the mail corpus", file=sys.stderr)
        return 2
    corpus = Path(folder)
    report_replies(
        corpus, lambda text: divide(text, DEFAULT_LIMITS.quotes).reply, "mailproc", show=arguments.show
    )
    report_rest(corpus, show=arguments.show)
    if arguments.baseline:
        report_replies(corpus, baseline(), "mail-parser-reply", show=arguments.show)
    report_time(corpus)
    return 0


if __name__ == "__main__":
    sys.exit(main())

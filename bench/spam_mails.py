"""Labelled mail of the corpus for bench/spam.py, without what gives its label away, and how it is divided.

Of the header only what the sender's own program writes is kept (``KEPT``): lists, filters, mail stores and
the hosts that collected a corpus mark its mails, and so its labels. ``[tags]`` of lists leave the subject;
from mail of the set *modern*, whose spam and ham were collected at different places, To and Cc are taken
too.

A mail is of the test part where the second byte of SHA-256 over the first 1500 letters (a-z) of its
lower-case body is below 80 (31 %), so that the copies of one campaign are on one side; all else is the
training part, and its fold is the third byte modulo the number of folds.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLD = ("spamassassin", "csdmc2010")  # 2002 to 2010
MODERN = "modern"  # 2022 to 2026: the spam of phishing_pot, the ham of threads
SETS = (*OLD, "enron_spam_text", MODERN)
_OF_SET = {"phishing_pot": MODERN, "threads": MODERN}
_LABELS = {"ham": "ham", "spam": "spam", "thread": "ham"}
KEPT = frozenset({
    b"from", b"to", b"cc", b"reply-to", b"subject", b"date", b"message-id", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"content-transfer-encoding", b"content-disposition", b"x-mailer",
    b"user-agent", b"x-mimeole", b"x-priority", b"x-msmail-priority", b"importance", b"organization",
})  # fmt: skip
_MASKED = b"phishing@pot"
_ENVELOPE_LINE = re.compile(rb">?From [^\n]*\n")
_FIELD = re.compile(rb"([!-9;-~]{1,998})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_LIST_TAG = re.compile(rb"\[[^\]\n]{1,40}\]\s*")
_NO_LETTERS = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One mail of the corpus; ``raw`` is what all filters see."""

    set: str
    is_spam: bool
    path: str
    raw: bytes
    key: bytes

    @property
    def is_test(self) -> bool:
        return self.key[1] < 80

    def fold(self, folds: int) -> int:
        return self.key[2] % folds


def labelled_mails(corpus: Path) -> Iterator[Labelled]:
    """Every mail with a label, in the order of the manifest."""
    with (corpus / "MANIFEST.tsv").open(newline="") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t"))
    for row in rows:
        name, label = _OF_SET.get(row["set"], row["set"]), _LABELS.get(row["label"])
        if name in SETS and label:
            raw = (corpus / row["path"]).read_bytes().replace(b"\r\n", b"\n")
            if name == "enron_spam_text":  # one line of subject and then the text, without a blank line
                raw = raw.replace(b"\n", b"\n\n", 1)
            raw = stripped(raw, KEPT - {b"to", b"cc"} if name == MODERN else KEPT)
            yield Labelled(name, label == "spam", row["path"], raw, _key(raw))


def stripped(raw: bytes, kept: frozenset[bytes]) -> bytes:
    """The mail with these headers only, and without the masked address of the honeypot."""
    match = _ENVELOPE_LINE.match(raw)
    position = match.end() if match else 0
    fields = []
    while match := _FIELD.match(raw, position):
        position = match.end()
        name = match[1].lower()
        if name in kept:
            fields.append(_LIST_TAG.sub(b"", match[0]) if name == b"subject" else match[0])
    return (b"".join(fields) + raw[position:]).replace(_MASKED, b"someone@example.org")


def _key(raw: bytes) -> bytes:
    body = raw.partition(b"\n\n")[2].decode("latin-1").lower()
    return hashlib.sha256(_NO_LETTERS.sub("", body)[:1500].encode()).digest()

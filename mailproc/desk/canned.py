"""Standard answers of a desk: those in its folder ``Canned``, those in files, and the best one for a ticket.

Who watches the folder hands every mail of it to ``keep_canned`` when something there has changed; what is
kept is used until the next time, whether the IMAP server is there or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from mailproc.mime.surgery import normalise_newlines
from mailproc.pipeline.canned import Canned, NotExpanded, canned_from_mail, expand, read_canned
from mailproc.store.canned import CannedMail
from mailproc.store.protocol import Transaction

__all__ = [
    "Canned",
    "NotExpanded",
    "canned_from_mail",
    "canned_of",
    "expand",
    "keep_canned",
    "read_canned",
    "suggest",
]


def keep_canned(tx: Transaction, desk: str, mails: Iterable[bytes], now: float) -> tuple[str, ...]:
    """From now on these mails are the desk's standard answers; what is wrong with those that are none.

    Of two mails with one name and language the first counts.
    """
    kept: dict[str, CannedMail] = {}
    mistakes: list[str] = []
    for raw in map(normalise_newlines, mails):
        try:
            canned = canned_from_mail(raw)
        except ValueError as error:
            mistakes.append(str(error))
            continue
        if canned.title in kept:
            mistakes.append(f"{canned.title}: there are two of this name")
            continue
        sha256 = hashlib.sha256(raw).digest()
        tx.deliveries.keep_raw(sha256, raw)
        kept[canned.title] = CannedMail(canned.name, canned.language, sha256)
    tx.canned.replace(desk, list(kept.values()), now)
    return tuple(mistakes)


def canned_of(tx: Transaction, desk: str, files: Sequence[Canned]) -> tuple[Canned, ...]:
    """All standard answers of a desk; a mail in its folder counts before a file (``read_canned``)."""
    found: dict[str, Canned] = {}
    for one in (*_in_folder(tx, desk), *files):
        if one.desk in ("", desk):
            found.setdefault(one.title, one)
    return tuple(found.values())


def _in_folder(tx: Transaction, desk: str) -> Iterator[Canned]:
    for mail in tx.canned.of_desk(desk):
        raw = tx.deliveries.raw(mail.sha256)
        if raw is not None:
            with suppress(ValueError):  # it was one when it was kept, by the rules of then
                yield canned_from_mail(raw)


def suggest(canned: Sequence[Canned], topic: str, similar: Sequence[str]) -> Canned | None:
    """The standard answer for a ticket: the one named like its topic, else what answered similar tickets.

    ``similar`` are the names of the answers to such tickets, the most similar ticket first; the one that
    stands there most often is the best, and of several the first.
    """
    by_name = {one.name: one for one in reversed(canned)}
    if topic.lower() in by_name:
        return by_name[topic.lower()]
    known = [name for name in similar if name in by_name]
    return by_name[max(known, key=known.count)] if known else None
